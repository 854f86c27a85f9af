//! What is planted before what, and by what.

use serde_json::Value;

use super::object::{Object, objects};
use super::planted::Planted;
use super::planter::{Planter, Result};
use super::{cluster, compute, database, gateway, group, identity, network, route, stored};
use crate::world::World;

type Plant = fn(&mut Planter<'_>, &Object) -> Result<()>;

/// Every type that can be planted, each after what it may refer to.
const KINDS: &[(&str, Plant)] = &[
    ("aws_kms_key", stored::key),
    ("aws_kms_alias", stored::alias),
    ("aws_vpc", network::vpc),
    ("aws_internet_gateway", gateway::internet),
    ("aws_subnet", network::subnet),
    ("aws_eip", gateway::address),
    ("aws_nat_gateway", gateway::nat),
    ("aws_route_table", route::table),
    ("aws_route", route::route),
    ("aws_route_table_association", route::association),
    ("aws_security_group", group::group),
    // A second time, when all groups are there that the rules may name.
    ("aws_security_group", group::inline),
    ("aws_security_group_rule", group::rule),
    ("aws_vpc_security_group_ingress_rule", group::single),
    ("aws_vpc_security_group_egress_rule", group::single),
    ("aws_iam_policy", identity::policy),
    ("aws_iam_role", identity::role),
    ("aws_iam_role_policy", identity::role_policy),
    ("aws_iam_role_policy_attachment", identity::attachment),
    ("aws_iam_instance_profile", identity::profile),
    ("aws_iam_user", identity::user),
    ("aws_launch_template", compute::template),
    ("aws_instance", compute::instance),
    ("aws_launch_configuration", compute::configuration),
    ("aws_autoscaling_group", compute::group),
    ("aws_eks_cluster", cluster::cluster),
    ("aws_eks_node_group", cluster::node_group),
    ("aws_db_subnet_group", database::subnet_group),
    ("aws_db_parameter_group", database::parameter_group),
    ("aws_db_instance", database::instance),
    ("aws_ssm_parameter", stored::parameter),
    ("aws_secretsmanager_secret", stored::secret),
    ("aws_cloudwatch_log_group", stored::log_group),
    ("aws_sns_topic", stored::topic),
    ("aws_ecr_repository", stored::repository),
    ("aws_s3_bucket", stored::bucket),
];

/// Puts the state's objects into the world, those of the account and region that their ARNs say.
pub(crate) fn plant(world: &mut World, now: u64, account: &str, state: &Value) -> Result<Planted> {
    let all = objects(state)?;
    let most = |place: usize| {
        let mut counted = std::collections::BTreeMap::<&str, usize>::new();
        for part in all.iter().filter_map(|object| object.of_arn(place)) {
            *counted.entry(part).or_default() += 1;
        }
        counted.into_iter().max_by_key(|(_, count)| *count).map(|(part, _)| part.to_owned())
    };
    let account = most(4).unwrap_or_else(|| account.to_owned());
    let region = most(3).unwrap_or_else(|| "eu-west-1".to_owned());
    let mut planter = Planter { world, account, region: region.clone(), now };
    let mut failed = std::collections::BTreeMap::<&str, String>::new();
    for (kind, plant) in KINDS {
        // A table's route may name what another of the same type has; the order in the state is as good as any.
        for object in all.iter().filter(|object| object.kind == *kind) {
            if failed.contains_key(object.address.as_str()) {
                continue;
            }
            // What has no ARN is where most of the others are.
            object.of_arn(3).unwrap_or(&region).clone_into(&mut planter.region);
            if let Err(why) = plant(&mut planter, object) {
                failed.insert(&object.address, why);
            }
        }
    }
    let mut done = Planted { account: planter.account, ..Planted::default() };
    for object in &all {
        let why = match failed.remove(object.address.as_str()) {
            Some(why) => why,
            None if KINDS.iter().any(|(kind, _)| object.kind == *kind) => {
                done.planted.push(object.address.clone());
                continue;
            }
            None if object.kind.starts_with("aws_") => "this type cannot be planted".to_owned(),
            None => "nothing of AWS".to_owned(),
        };
        done.left.push((object.address.clone(), why));
    }
    Ok(done)
}
