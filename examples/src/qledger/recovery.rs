//! A second region to come back in.

use infra_aws::{AwsProvider, kms, rds, sts};
use infra_core::prelude::*;

use super::{Config, Database, key::key_policy};

/// Copies of the database's backups in a second region, and the key to open them there.
///
/// The transaction logs follow within minutes, so what is lost with the first region is what was written in those (the
/// RPO); how long it takes to be back (the RTO) is making the platform there and restoring the database from the copies, an hour
/// or more. `examples/README.md` has both, and the steps.
pub(super) fn recovery(
    stack: &mut Stack,
    config: &Config,
    region: &str,
    key: &Handle<kms::Key>,
    database: &Database,
    caller: &Handle<sts::CallerIdentity>,
) {
    let there = stack.provider("there", AwsProvider::new().region(region));
    let replica = kms::ReplicaKey::new(&key.arn)
        .description("qledger: copies of the database's backups")
        .policy(key_policy(caller, &Output::known(&region.to_owned())));
    let replica = stack.add("key", replica.provider(&there).protect_if(config.protect));
    let copies = rds::AutomatedBackupReplication::new(&database.instance.arn)
        .retention(config.backup_days)
        .kms_key(&replica.arn);
    stack.add("backups", copies.provider(&there).protect_if(config.protect));
}
