//! NAT gateways.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_ec2::types::{
    ConnectivityType, Filter, NatGateway as SdkGateway, NatGatewayState, ResourceType,
};
use infra_core::{
    Outputs, Resource, Value,
    provider::{
        Change, Cx, Find, Grant, Managed, Observed, Once, Operation, Part, Partial, Readiness,
        Result, Timeouts, Violation,
    },
    state::StackName,
};

use super::{
    grants::{Names, arn},
    search::{observed, of_stack, search},
    tagging,
};
use crate::{
    Aws,
    classify::Classify,
    tags,
    types::{AllocationId, NatGatewayId, SubnetId},
};

/// A NAT gateway in one zone: lets private subnets reach the internet, or other networks.
///
/// Everything but its tags replaces it. Deleting it leaves the routes to it (blackholes) and the address; the engine
/// deletes those that are its own. A `deleted` gateway stays visible for an hour and counts as absent. Deploying needs
/// `ec2:CreateNatGateway` (on it, the subnet and the address), `ec2:DeleteNatGateway`, the tag actions on
/// `natgateway/*`, and `ec2:DescribeNatGateways`. Source: *VPC user guide*, *Work with NAT gateways*.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:ec2:NatGateway", outputs = NatGatewayOutputs)]
pub struct NatGateway {
    /// The subnet it stands in: a public one if it is to reach the internet. Another subnet replaces it.
    #[field(replace)]
    pub subnet_id: SubnetId,
    /// Its public address; needed unless it is private. Another address replaces it.
    #[field(replace)]
    pub allocation_id: Option<AllocationId>,
    /// Whether it reaches the internet. Another answer replaces it.
    #[field(replace, default = Connectivity::Public)]
    pub connectivity: Connectivity,
    /// Its private address; AWS takes a free one if it is left out. Another address replaces it.
    #[field(replace, computed)]
    pub private_ip: Option<String>,
    /// Tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// Whether a NAT gateway reaches the internet.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connectivity {
    /// It reaches the internet, with a public address.
    Public,
    /// It reaches other VPCs and networks only.
    Private,
}

/// What a NAT gateway gives.
#[derive(Outputs, Clone, Debug)]
pub struct NatGatewayOutputs {
    /// Its id.
    #[output(stable)]
    pub id: NatGatewayId,
    /// Its public address; empty if it is private.
    #[output(stable)]
    pub public_ip: String,
    /// Its private address.
    #[output(stable)]
    pub private_ip: String,
}

const NAMES: Names = Names {
    resource: "natgateway",
    read: &["DescribeNatGateways"],
    create: "CreateNatGateway",
    delete: "DeleteNatGateway",
};

impl Managed for NatGateway {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        observed(search(find, "nat-gateway-id", |filter| describe(cx, filter)).await, observe)
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        Ok(Some(describe(cx, of_stack(stack)).await?.iter().map(observe).collect()))
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let connectivity = match want.connectivity {
            Connectivity::Public => ConnectivityType::Public,
            Connectivity::Private => ConnectivityType::Private,
        };
        let call = cx
            .ec2()
            .create_nat_gateway()
            .client_token(op.token())
            .subnet_id(want.subnet_id.as_str())
            .set_allocation_id(want.allocation_id.clone().map(String::from))
            .connectivity_type(connectivity)
            .set_private_ip_address(want.private_ip.clone())
            .tag_specifications(tagging::specification(
                cx,
                ResourceType::Natgateway,
                &want.tags,
                op,
            ));
        let made = call.send().await.classify()?;
        Ok(made.nat_gateway.and_then(|gateway| gateway.nat_gateway_id).unwrap_or_default())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        if change.touches(Self::TAGS) {
            let live = &change.have()?.live.tags;
            tagging::sync(cx, change.id()?, live, &change.want()?.tags).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        cx.ec2().delete_nat_gateway().nat_gateway_id(&have.id).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let with = change.want.map(|want| {
            let address = want.allocation_id.as_ref().map(|id| arn("elastic-ip", id.as_str()));
            std::iter::once(arn("subnet", want.subnet_id.as_str())).chain(address)
        });
        NAMES.grants(change, with.into_iter().flatten(), [], change.touches(Self::TAGS))
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let private = want.get(Self::CONNECTIVITY) == Part::Known(Connectivity::Private);
        match (private, want.get(Self::ALLOCATION_ID)) {
            (false, Part::Unset) => {
                let message = "a public NAT gateway needs an Elastic IP: `.allocation_id(&ip.id)`";
                vec![Violation::of(Self::ALLOCATION_ID, message)]
            }
            (true, Part::Known(_) | Part::Unknown) => {
                let message = "a private NAT gateway cannot have an Elastic IP";
                vec![Violation::of(Self::ALLOCATION_ID, message)]
            }
            _ => Vec::new(),
        }
    }

    fn once() -> Once {
        Once { token: Some(Duration::from_hours(24)), ..Once::default() }
    }

    fn timeouts() -> Timeouts {
        Timeouts::minutes(15)
    }
}

/// Without those that are gone and only still shown.
async fn describe(cx: &Cx<Aws>, filter: Filter) -> Result<Vec<SdkGateway>> {
    let pages = cx.ec2().describe_nat_gateways().filter(filter).into_paginator().items().send();
    let mut found = pages.collect::<Result<Vec<_>, _>>().await.classify()?;
    found.retain(|gateway| gateway.state() != Some(&NatGatewayState::Deleted));
    Ok(found)
}

fn observe(gateway: &SdkGateway) -> Observed<NatGateway> {
    let all = tagging::map(gateway.tags());
    let addresses = gateway.nat_gateway_addresses();
    let primary = addresses.iter().find(|it| it.is_primary() == Some(true)).or(addresses.first());
    let private_ip = primary.and_then(|it| it.private_ip()).map(str::to_owned);
    let live = NatGateway {
        subnet_id: SubnetId::trusted(gateway.subnet_id().unwrap_or_default()),
        allocation_id: primary.and_then(|it| it.allocation_id()).map(AllocationId::trusted),
        connectivity: match gateway.connectivity_type() {
            Some(ConnectivityType::Private) => Connectivity::Private,
            _ => Connectivity::Public,
        },
        private_ip: private_ip.clone(),
        tags: tags::visible(&all),
    };
    let id = gateway.nat_gateway_id().unwrap_or_default();
    let outputs = NatGatewayOutputs {
        id: NatGatewayId::trusted(id),
        public_ip: primary.and_then(|it| it.public_ip()).unwrap_or_default().to_owned(),
        private_ip: private_ip.unwrap_or_default(),
    };
    let readiness = match gateway.state() {
        Some(NatGatewayState::Available) => Readiness::Ready,
        Some(NatGatewayState::Failed) => {
            let code = gateway.failure_code().unwrap_or("failed");
            Readiness::Failed(format!("{code}: {}", gateway.failure_message().unwrap_or_default()))
        }
        Some(NatGatewayState::Deleting) => Readiness::Deleting("deleting".to_owned()),
        state => Readiness::Pending(state.map_or("unknown", |state| state.as_str()).to_owned()),
    };
    Observed::ready(id, live, outputs).but(readiness).owned_by(&all)
}
