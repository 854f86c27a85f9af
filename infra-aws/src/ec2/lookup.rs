//! What is there already: zones, VPCs, subnets.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{Filter, Vpc};
use infra_core::{
    Outputs, Resource,
    provider::{Cx, Error, Grant, Lookup, Result},
};

use super::{search::filter, subnet, vpc};
use crate::{
    Aws,
    classify::Classify,
    types::{Cidr, SubnetId, VpcId, Zone},
};

/// The zones of the region that are open to the account, in the order of their names; no local zones.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:ec2:AvailabilityZones", outputs = AvailabilityZonesOutputs)]
pub struct AvailabilityZones {}

/// What the lookup of zones gives.
#[derive(Outputs, Clone, Debug)]
pub struct AvailabilityZonesOutputs {
    /// Their names: `eu-west-1a`. Which zone that is differs between accounts.
    pub names: Vec<Zone>,
    /// Their ids: `euw1-az1`, the same in all accounts.
    pub ids: Vec<String>,
}

impl Lookup for AvailabilityZones {
    type Cloud = Aws;

    async fn look_up(cx: &Cx<Aws>, _: &Self) -> Result<AvailabilityZonesOutputs> {
        let one = |name, value: &str| filter(name, [value.to_owned()]);
        let call = cx.ec2().describe_availability_zones();
        let call =
            call.filters(one("state", "available")).filters(one("zone-type", "availability-zone"));
        let found = call.send().await.classify()?.availability_zones.unwrap_or_default();
        let pair = |zone: aws_sdk_ec2::types::AvailabilityZone| {
            Some((zone.zone_name?, zone.zone_id.unwrap_or_default()))
        };
        let mut zones: Vec<_> = found.into_iter().filter_map(pair).collect();
        zones.sort();
        let (names, ids): (Vec<_>, Vec<_>) = zones.into_iter().unzip();
        Ok(AvailabilityZonesOutputs { names: names.into_iter().map(Zone::trusted).collect(), ids })
    }

    fn grants(_: &Self) -> Vec<Grant> {
        vec![Grant::new("ec2:DescribeAvailabilityZones", "*")]
    }
}

/// The VPC with this id.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:ec2:VpcById", outputs = VpcFound)]
pub struct VpcById {
    /// The id.
    pub id: VpcId,
}

/// The one VPC with this tag.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:ec2:VpcByTag", outputs = VpcFound)]
pub struct VpcByTag {
    /// The tag's key: `Name`.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// What the lookup of a VPC gives.
#[derive(Outputs, Clone, Debug)]
pub struct VpcFound {
    /// Its id.
    pub id: VpcId,
    /// Its addresses.
    pub cidr: Cidr,
}

impl Lookup for VpcById {
    type Cloud = Aws;

    async fn look_up(cx: &Cx<Aws>, want: &Self) -> Result<VpcFound> {
        let filter = filter("vpc-id", [want.id.to_string()]);
        one(&vpc::describe(cx, filter).await?, &format!("the id {}", want.id))
    }

    fn grants(_: &Self) -> Vec<Grant> {
        vec![Grant::new("ec2:DescribeVpcs", "*")]
    }
}

impl Lookup for VpcByTag {
    type Cloud = Aws;

    async fn look_up(cx: &Cx<Aws>, want: &Self) -> Result<VpcFound> {
        let Self { key, value } = want;
        let filter = filter(&format!("tag:{key}"), [value.clone()]);
        one(&vpc::describe(cx, filter).await?, &format!("the tag {key} = {value:?}"))
    }

    fn grants(_: &Self) -> Vec<Grant> {
        vec![Grant::new("ec2:DescribeVpcs", "*")]
    }
}

fn one(found: &[Vpc], with: &str) -> Result<VpcFound> {
    let [vpc] = found else {
        return Err(match found.len() {
            0 => Error::not_found(format!("there is no VPC with {with}")),
            count => Error::invalid(format!("there are {count} VPCs with {with}; expected one")),
        });
    };
    let id = VpcId::trusted(vpc.vpc_id().unwrap_or_default());
    Ok(VpcFound { id, cidr: vpc::cidr(vpc.cidr_block()) })
}

/// The subnets of a VPC that have all of these tags, in the order of their zones and ids; at least one.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:ec2:Subnets", outputs = SubnetsOutputs)]
pub struct Subnets {
    /// The VPC.
    pub vpc_id: VpcId,
    /// The tags to look for; all subnets if left out.
    pub tags: BTreeMap<String, String>,
}

/// What the lookup of subnets gives.
#[derive(Outputs, Clone, Debug)]
pub struct SubnetsOutputs {
    /// Their ids.
    pub ids: Vec<SubnetId>,
    /// Their zones, in the same order.
    pub zones: Vec<Zone>,
}

impl Lookup for Subnets {
    type Cloud = Aws;

    async fn look_up(cx: &Cx<Aws>, want: &Self) -> Result<SubnetsOutputs> {
        let all = subnet::describe(
            cx,
            Filter::builder().name("vpc-id").values(want.vpc_id.as_str()).build(),
        );
        let tagged = |subnet: &aws_sdk_ec2::types::Subnet| {
            let tags = super::tagging::map(subnet.tags());
            want.tags.iter().all(|(key, value)| tags.get(key) == Some(value))
        };
        let found = all.await?.into_iter().filter(tagged);
        let mut found: Vec<_> =
            found.filter_map(|it| Some((it.availability_zone?, it.subnet_id?))).collect();
        found.sort();
        if found.is_empty() {
            let message =
                format!("there is no subnet in {} with the tags {:?}", want.vpc_id, want.tags);
            return Err(Error::not_found(message));
        }
        let (zones, ids): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        let zones = zones.into_iter().map(Zone::trusted).collect();
        Ok(SubnetsOutputs { ids: ids.into_iter().map(SubnetId::trusted).collect(), zones })
    }

    fn grants(_: &Self) -> Vec<Grant> {
        vec![Grant::new("ec2:DescribeSubnets", "*")]
    }
}
