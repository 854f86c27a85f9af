//! The list.

use infra_core::policy::{Enforcement, Policy};

use super::{access, durability, encryption, exposure, network};

/// All of them: for a pack that begins with these.
pub fn all() -> Vec<Policy> {
    let advisory = |policy: Policy| policy.enforced(Enforcement::Advisory);
    vec![
        exposure::public_database(),
        exposure::open_group(),
        exposure::public_bucket(),
        exposure::public_policy(),
        durability::data_loss(),
        advisory(exposure::public_cluster()),
        advisory(access::admin_policy()),
        advisory(access::metadata_tokens()),
        advisory(access::plain_secret()),
        advisory(encryption::unencrypted()),
        advisory(encryption::own_key()),
        advisory(encryption::key_rotation()),
        advisory(durability::short_backups()),
        advisory(durability::deletion_protection()),
        advisory(durability::single_zone()),
        advisory(network::flow_logs()),
    ]
}
