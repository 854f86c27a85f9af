//! Internet gateways.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{Filter, InternetGateway as SdkGateway, ResourceType};
use infra_core::{
    Outputs, Resource,
    provider::{
        Change, Cx, Find, Grant, Managed, Observed, Operation, Part, Partial, Reason, Result,
        Timeouts,
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
    policy::{Verb, subject},
    tags,
    types::{InternetGatewayId, VpcId},
};

/// What connects a VPC with the internet.
///
/// Another VPC replaces it: it can leave its own only when no public address is mapped there any more, and those who
/// have one move after the new gateway is there. Deploying needs `ec2:CreateInternetGateway`, `ec2:AttachInternetGateway` and `ec2:DetachInternetGateway` (on
/// it and on the VPC), `ec2:DeleteInternetGateway`, the tag actions on `internet-gateway/*`, and
/// `ec2:DescribeInternetGateways`. Source: *EC2 API reference*, `DetachInternetGateway`.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:ec2:InternetGateway", outputs = InternetGatewayOutputs)]
pub struct InternetGateway {
    /// The VPC it is attached to. Another one replaces it; it can be attached to a first one, and detached, in place.
    pub vpc_id: Option<VpcId>,
    /// Tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What an internet gateway gives.
#[derive(Outputs, Clone, Debug)]
pub struct InternetGatewayOutputs {
    /// Its id.
    #[output(stable)]
    pub id: InternetGatewayId,
}

const NAMES: Names = Names {
    resource: "internet-gateway",
    read: &["DescribeInternetGateways"],
    create: "CreateInternetGateway",
    delete: "DeleteInternetGateway",
};

impl Managed for InternetGateway {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        observed(search(find, "internet-gateway-id", |filter| describe(cx, filter)).await, observe)
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        Ok(Some(describe(cx, of_stack(stack)).await?.iter().map(observe).collect()))
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let tags = tagging::specification(cx, ResourceType::InternetGateway, &want.tags, op);
        let call = cx.ec2().create_internet_gateway().tag_specifications(tags);
        let made = call.send().await.classify()?;
        Ok(made.internet_gateway.and_then(|it| it.internet_gateway_id).unwrap_or_default())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let (id, want, have) = (change.id()?, change.want()?, change.have()?);
        if change.touches(Self::VPC_ID) && have.live.vpc_id != want.vpc_id {
            detach(cx, have).await?;
            if let Some(vpc) = &want.vpc_id {
                let call = cx.ec2().attach_internet_gateway().internet_gateway_id(id);
                call.vpc_id(vpc.as_str()).send().await.classify()?;
            }
        }
        if change.touches(Self::TAGS) {
            tagging::sync(cx, id, &have.live.tags, &want.tags).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        detach(cx, have).await?;
        let call = cx.ec2().delete_internet_gateway().internet_gateway_id(&have.id);
        call.send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let calls: &[_] = match Verb::of(change) {
            Verb::Update if change.touches(Self::VPC_ID) => {
                &["AttachInternetGateway", "DetachInternetGateway"]
            }
            Verb::Delete => &["DetachInternetGateway"],
            _ => &[],
        };
        let mut grants =
            NAMES.grants(change, [], calls.iter().copied(), change.touches(Self::TAGS));
        let vpc = subject(change).and_then(|subject| subject.vpc_id.as_ref());
        let vpc = arn("vpc", vpc.map_or("*", VpcId::as_str));
        grants.extend(calls.iter().map(|call| Grant::new(format!("ec2:{call}"), vpc.clone())));
        grants
    }

    fn replaces(old: &Self, new: &Partial<Self>) -> Option<Reason> {
        let stays = match new.get(Self::VPC_ID) {
            Part::Unset => true,
            Part::Unknown => false,
            Part::Known(vpc) => old.vpc_id.as_ref() == Some(&vpc),
        };
        let message =
            "what has a public address in the old VPC keeps the gateway there until it has moved";
        (old.vpc_id.is_some() && !stays).then(|| Reason::of(Self::VPC_ID, message))
    }

    fn timeouts() -> Timeouts {
        // Load balancers and NAT gateways keep their public addresses for minutes after they are gone.
        Timeouts { delete: Timeouts::minutes(20).delete, ..Timeouts::default() }
    }
}

/// Takes it off the VPC it is on.
async fn detach(cx: &Cx<Aws>, have: &Observed<InternetGateway>) -> Result<()> {
    let Some(vpc) = &have.live.vpc_id else { return Ok(()) };
    let call = cx.ec2().detach_internet_gateway().internet_gateway_id(&have.id);
    let detached = call.vpc_id(vpc.as_str()).send().await;
    let code = detached.as_ref().err().and_then(|e| e.as_service_error()?.meta().code());
    // Somebody was faster.
    if code == Some("Gateway.NotAttached") { Ok(()) } else { detached.gone() }
}

async fn describe(cx: &Cx<Aws>, filter: Filter) -> Result<Vec<SdkGateway>> {
    let pages =
        cx.ec2().describe_internet_gateways().filters(filter).into_paginator().items().send();
    pages.collect::<Result<Vec<_>, _>>().await.classify()
}

fn observe(gateway: &SdkGateway) -> Observed<InternetGateway> {
    let all = tagging::map(gateway.tags());
    // A gateway has at most one attachment.
    let vpc = gateway.attachments().iter().find_map(|attachment| attachment.vpc_id());
    let live = InternetGateway { vpc_id: vpc.map(VpcId::trusted), tags: tags::visible(&all) };
    let id = gateway.internet_gateway_id().unwrap_or_default();
    let outputs = InternetGatewayOutputs { id: InternetGatewayId::trusted(id) };
    Observed::ready(id, live, outputs).owned_by(&all)
}
