//! Subnets.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{
    AttributeBooleanValue, Filter, ResourceType, Subnet as SdkSubnet, SubnetState,
};
use infra_core::{
    Outputs, Resource,
    provider::{
        Change, Cx, Find, Grant, Managed, Observed, Operation, Partial, Readiness, Result,
        Timeouts, Violation,
    },
    state::StackName,
};

use super::{
    grants::{Names, arn},
    search::{observed, of_stack, search},
    tagging,
    vpc::cidr,
};
use crate::{
    Aws,
    classify::Classify,
    tags,
    types::{Arn, Cidr, SubnetId, VpcId, Zone},
};

/// A part of a VPC's addresses in one zone.
///
/// Everything but its tags and `map_public_ip_on_launch` replaces it. Deleting waits for network interfaces in it to
/// go: load balancers, databases and node groups leave theirs for minutes. Deploying needs `ec2:CreateSubnet` on it
/// and on the VPC, `ec2:ModifySubnetAttribute`, `ec2:DeleteSubnet`, the tag actions on `subnet/*`, and
/// `ec2:DescribeSubnets`. Source: *EC2 API reference*, `CreateSubnet`.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:ec2:Subnet", outputs = SubnetOutputs)]
pub struct Subnet {
    /// The VPC it is in. Another VPC replaces the subnet.
    #[field(replace)]
    pub vpc_id: VpcId,
    /// Its addresses: a block between /16 and /28 of the VPC's. Another block replaces the subnet.
    #[field(replace)]
    pub cidr: Cidr,
    /// Its zone. Another zone replaces the subnet.
    #[field(replace)]
    pub zone: Zone,
    /// Whether what is launched in it gets a public address.
    #[field(default = false)]
    pub map_public_ip_on_launch: bool,
    /// Tags; `kubernetes.io/role/elb` and `kubernetes.io/role/internal-elb` are what load balancers look for.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What a subnet gives.
#[derive(Outputs, Clone, Debug)]
pub struct SubnetOutputs {
    /// Its id.
    #[output(stable)]
    pub id: SubnetId,
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
    /// Its VPC.
    #[output(stable)]
    pub vpc_id: VpcId,
    /// Its zone.
    #[output(stable)]
    pub zone: Zone,
    /// Its addresses.
    #[output(stable)]
    pub cidr: Cidr,
}

const NAMES: Names = Names {
    resource: "subnet",
    read: &["DescribeSubnets"],
    create: "CreateSubnet",
    delete: "DeleteSubnet",
};

impl Managed for Subnet {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        observed(search(find, "subnet-id", |filter| describe(cx, filter)).await, observe)
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        Ok(Some(describe(cx, of_stack(stack)).await?.iter().map(observe).collect()))
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let call = cx
            .ec2()
            .create_subnet()
            .vpc_id(want.vpc_id.as_str())
            .cidr_block(want.cidr.to_string())
            .availability_zone(want.zone.as_str())
            .tag_specifications(tagging::specification(cx, ResourceType::Subnet, &want.tags, op));
        let made = call.send().await.classify()?;
        Ok(made.subnet.and_then(|subnet| subnet.subnet_id).unwrap_or_default())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let (id, want, have) = (change.id()?, change.want()?, change.have()?);
        if change.touches(Self::MAP_PUBLIC_IP_ON_LAUNCH) {
            let value =
                AttributeBooleanValue::builder().value(want.map_public_ip_on_launch).build();
            let call = cx.ec2().modify_subnet_attribute().subnet_id(id);
            call.map_public_ip_on_launch(value).send().await.classify()?;
        }
        if change.touches(Self::TAGS) {
            tagging::sync(cx, id, &have.live.tags, &want.tags).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        cx.ec2().delete_subnet().subnet_id(&have.id).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let vpc = change.want.map(|want| arn("vpc", want.vpc_id.as_str()));
        let modifies = change.touches(Self::MAP_PUBLIC_IP_ON_LAUNCH);
        let calls = modifies.then_some("ModifySubnetAttribute");
        NAMES.grants(change, vpc, calls, change.touches(Self::TAGS))
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let cidr = want.get(Self::CIDR).known();
        let wrong = cidr.filter(|cidr| cidr.is_v6() || !(16..=28).contains(&cidr.prefix()));
        let message = |cidr| format!("expected an IPv4 block between /16 and /28, found `{cidr}`");
        wrong.map(|cidr| Violation::of(Self::CIDR, message(cidr))).into_iter().collect()
    }

    fn timeouts() -> Timeouts {
        Timeouts { delete: Timeouts::minutes(20).delete, ..Timeouts::default() }
    }
}

pub(super) async fn describe(cx: &Cx<Aws>, filter: Filter) -> Result<Vec<SdkSubnet>> {
    let pages = cx.ec2().describe_subnets().filters(filter).into_paginator().items().send();
    pages.collect::<Result<Vec<_>, _>>().await.classify()
}

fn observe(subnet: &SdkSubnet) -> Observed<Subnet> {
    let all = tagging::map(subnet.tags());
    let live = Subnet {
        vpc_id: VpcId::trusted(subnet.vpc_id().unwrap_or_default()),
        cidr: cidr(subnet.cidr_block()),
        zone: Zone::trusted(subnet.availability_zone().unwrap_or_default()),
        map_public_ip_on_launch: subnet.map_public_ip_on_launch().unwrap_or_default(),
        tags: tags::visible(&all),
    };
    let id = subnet.subnet_id().unwrap_or_default();
    let outputs = SubnetOutputs {
        id: SubnetId::trusted(id),
        arn: Arn::trusted(subnet.subnet_arn().unwrap_or_default()),
        vpc_id: live.vpc_id.clone(),
        zone: live.zone.clone(),
        cidr: live.cidr,
    };
    let readiness = match subnet.state() {
        Some(SubnetState::Pending) => Readiness::Pending("pending".to_owned()),
        Some(state @ (SubnetState::Failed | SubnetState::FailedInsufficientCapacity)) => {
            Readiness::Failed(state.as_str().to_owned())
        }
        _ => Readiness::Ready,
    };
    Observed::ready(id, live, outputs).but(readiness).owned_by(&all)
}
