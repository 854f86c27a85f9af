//! EKS looks at the subnets and security groups it is given. Where EC2 is elsewhere (see
//! `neighbour`) it makes up what it would have found.

use serde_json::{Value, json};

use super::route::invalid;
use crate::services::access::{digest, hex};
use crate::services::ec2::new_group;
use crate::services::{Access, Service, neighbour};
use crate::wire::Failure;

/// The VPC of a cluster's subnets; they must be in at least two zones.
pub(super) fn vpc_of(access: &mut Access<'_>, subnets: &[String]) -> Result<String, Failure> {
    let zones = zones_of(access, subnets)?;
    if zones.len() < 2 {
        return Err(invalid("Subnets specified must be in at least two different AZs"));
    }
    if !neighbour::is_here(access, Service::Ec2) {
        return Ok(foreign_vpc(access));
    }
    let docs = access.docs(Service::Ec2);
    let mut vpcs: Vec<&str> = subnets
        .iter()
        .filter_map(|id| docs.get("subnet", id).and_then(|subnet| subnet["vpcId"].as_str()))
        .collect();
    vpcs.dedup();
    match vpcs[..] {
        [vpc] => Ok(vpc.to_owned()),
        _ => Err(invalid("Subnets are not all in the same VPC")),
    }
}

/// The zones the subnets are in, each once.
pub(super) fn zones_of(access: &mut Access<'_>, subnets: &[String]) -> Result<Vec<Value>, Failure> {
    let region = access.region();
    let here = neighbour::is_here(access, Service::Ec2);
    let docs = access.docs(Service::Ec2);
    let mut zones = Vec::new();
    let mut seen = Vec::new();
    for id in subnets {
        if !id.starts_with("subnet-") {
            return Err(invalid(format!("The subnet ID '{id}' is not valid (Service: Ec2)")));
        }
        let zone = match docs.get("subnet", id) {
            Some(subnet) => subnet["availabilityZone"].clone(),
            None if here => {
                return Err(invalid(format!("The subnet ID '{id}' does not exist (Service: Ec2)")));
            }
            None if seen.contains(&id) => continue,
            // People make one subnet a zone.
            None => json!(format!("{region}{}", letter(seen.len()))),
        };
        seen.push(id);
        if !zones.contains(&zone) {
            zones.push(zone);
        }
    }
    Ok(zones)
}

fn letter(n: usize) -> char {
    ('a'..='z').nth(n).unwrap_or('z')
}

/// The VPC of whatever subnets are elsewhere: one an account and region, so that clusters side by
/// side are, and a cluster that moves to other subnets stays in its VPC.
fn foreign_vpc(access: &Access<'_>) -> String {
    format!("vpc-{}", digest(format!("{}/{}/vpc", access.account(), access.region()), 17))
}

pub(super) fn check_groups(access: &mut Access<'_>, groups: &[String]) -> Result<(), Failure> {
    let here = neighbour::is_here(access, Service::Ec2);
    let docs = access.docs(Service::Ec2);
    let known =
        |id: &str| if here { docs.has("security-group", id) } else { id.starts_with("sg-") };
    match groups.iter().find(|id| !known(id)) {
        Some(id) => Err(invalid(format!("The security group '{id}' does not exist"))),
        None => Ok(()),
    }
}

/// Makes the group EKS puts control plane and nodes in.
pub(super) fn cluster_group(access: &mut Access<'_>, cluster: &str, vpc: &str) -> String {
    if !neighbour::is_here(access, Service::Ec2) {
        return format!("sg-{}", hex(17));
    }
    new_group(
        access,
        vpc,
        &format!("eks-cluster-sg-{cluster}-{}", u32::from_str_radix(&hex(7), 16).unwrap_or(0)),
        "EKS created security group applied to ENI that is attached to EKS Control Plane master \
         nodes, as well as any managed workloads.",
        json!([
            {"key": "Name", "value": format!("eks-cluster-sg-{cluster}")},
            {"key": format!("kubernetes.io/cluster/{cluster}"), "value": "owned"},
            {"key": "aws:eks:cluster-name", "value": cluster},
        ]),
    )
}
