//! VPCs.

use std::{collections::BTreeMap, sync::Arc};

use aws_sdk_ec2::types::{
    AttributeBooleanValue, Filter, ResourceType, Tenancy as SdkTenancy, Vpc as SdkVpc,
    VpcAttributeName, VpcState,
};
use futures_util::try_join;
use infra_core::{
    Outputs, Resource, Value,
    provider::{
        Change, Cx, Find, Grant, Managed, Observed, Operation, Partial, Readiness, Result,
        Violation,
    },
    state::StackName,
};

use super::{
    grants::Names,
    search::{ids, of_stack, search},
    tagging,
};
use crate::{
    Aws,
    batch::each,
    classify::Classify,
    owned, tags,
    types::{Arn, Cidr, VpcId},
};

/// A virtual network.
///
/// Another block or tenancy replaces it. AWS makes a default security group, network ACL and main route table with
/// it, which go with it. Deploying needs `ec2:CreateVpc`, `ec2:ModifyVpcAttribute`, `ec2:DeleteVpc`, the tag actions
/// on `vpc/*`, and `ec2:DescribeVpcs` and `ec2:DescribeVpcAttribute`. Source: *EC2 API reference*, `CreateVpc`.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:ec2:Vpc", outputs = VpcOutputs)]
pub struct Vpc {
    /// Its addresses: a block between /16 and /28. Another block replaces the VPC.
    #[field(replace)]
    pub cidr: Cidr,
    /// Whether Amazon's DNS resolver answers in it.
    #[field(default = true)]
    pub dns_support: bool,
    /// Whether instances with public addresses get DNS names; interface endpoints with private names need it.
    #[field(default = false)]
    pub dns_hostnames: bool,
    /// Whether instances share hardware with other accounts. Another tenancy replaces the VPC.
    #[field(replace, default = Tenancy::Default)]
    pub tenancy: Tenancy,
    /// Tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// Whether hardware is shared.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tenancy {
    /// Shared, unless an instance says otherwise.
    Default,
    /// Dedicated to the account.
    Dedicated,
}

/// What a VPC gives.
#[derive(Outputs, Clone, Debug)]
pub struct VpcOutputs {
    /// Its id.
    #[output(stable)]
    pub id: VpcId,
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
    /// Its addresses.
    #[output(stable)]
    pub cidr: Cidr,
}

const NAMES: Names = Names {
    resource: "vpc",
    read: &["DescribeVpcs", "DescribeVpcAttribute"],
    create: "CreateVpc",
    delete: "DeleteVpc",
};

impl Managed for Vpc {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        let found = search(find, "vpc-id", |filter| describe(cx, filter)).await;
        each(&found, |found| async move {
            match found {
                Ok(Some(vpc)) => observe(cx, vpc).await,
                Ok(None) => Ok(None),
                Err(e) => Err(e.again()),
            }
        })
        .await
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        owned::read(cx, ids(&describe(cx, of_stack(stack)).await?)).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let tenancy = match want.tenancy {
            Tenancy::Default => SdkTenancy::Default,
            Tenancy::Dedicated => SdkTenancy::Dedicated,
        };
        let call = cx
            .ec2()
            .create_vpc()
            .cidr_block(want.cidr.to_string())
            .instance_tenancy(tenancy)
            .tag_specifications(tagging::specification(cx, ResourceType::Vpc, &want.tags, op));
        let made = call.send().await.classify()?;
        Ok(made.vpc.and_then(|vpc| vpc.vpc_id).unwrap_or_default())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let (id, want, have) = (change.id()?, change.want()?, change.have()?);
        let call = || cx.ec2().modify_vpc_attribute().vpc_id(id);
        let value = |on| AttributeBooleanValue::builder().value(on).build();
        // Host names need DNS support: support goes on before them, and off after them. One attribute a call.
        if change.touches(Self::DNS_SUPPORT) && want.dns_support {
            call().enable_dns_support(value(true)).send().await.classify()?;
        }
        if change.touches(Self::DNS_HOSTNAMES) {
            call().enable_dns_hostnames(value(want.dns_hostnames)).send().await.classify()?;
        }
        if change.touches(Self::DNS_SUPPORT) && !want.dns_support {
            call().enable_dns_support(value(false)).send().await.classify()?;
        }
        if change.touches(Self::TAGS) {
            tagging::sync(cx, id, &have.live.tags, &want.tags).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        cx.ec2().delete_vpc().vpc_id(&have.id).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let modifies = change.touches(Self::DNS_SUPPORT) || change.touches(Self::DNS_HOSTNAMES);
        let calls = modifies.then_some("ModifyVpcAttribute");
        NAMES.grants(change, [], calls, change.touches(Self::TAGS))
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let cidr = want.get(Self::CIDR).known();
        let wrong = cidr.filter(|cidr| cidr.is_v6() || !(16..=28).contains(&cidr.prefix()));
        let message = |cidr| format!("expected an IPv4 block between /16 and /28, found `{cidr}`");
        wrong.map(|cidr| Violation::of(Self::CIDR, message(cidr))).into_iter().collect()
    }
}

pub(super) async fn describe(cx: &Cx<Aws>, filter: Filter) -> Result<Vec<SdkVpc>> {
    let pages = cx.ec2().describe_vpcs().filters(filter).into_paginator().items().send();
    pages.collect::<Result<Vec<_>, _>>().await.classify()
}

/// The VPC with its DNS attributes, which only a call for each gives.
async fn observe(cx: &Cx<Aws>, vpc: &SdkVpc) -> Result<Option<Observed<Vpc>>> {
    let id = vpc.vpc_id().unwrap_or_default();
    // It may have gone since it was described.
    let Some((support, hostnames)) = *attributes(cx, id).await? else { return Ok(None) };
    let all = tagging::map(vpc.tags());
    let cidr = cidr(vpc.cidr_block());
    let live = Vpc {
        cidr,
        dns_support: support,
        dns_hostnames: hostnames,
        tenancy: match vpc.instance_tenancy() {
            Some(SdkTenancy::Dedicated) => Tenancy::Dedicated,
            _ => Tenancy::Default,
        },
        tags: tags::visible(&all),
    };
    let account = vpc.owner_id().unwrap_or(cx.account());
    let arn = Arn::of(cx.partition(), "ec2", cx.region(), account, &format!("vpc/{id}"));
    let outputs = VpcOutputs { id: VpcId::trusted(id), arn, cidr };
    let readiness = match vpc.state() {
        Some(VpcState::Pending) => Readiness::Pending("pending".to_owned()),
        _ => Readiness::Ready,
    };
    Ok(Some(Observed::ready(id, live, outputs).but(readiness).owned_by(&all)))
}

/// Whether DNS and host names are on; nothing where the VPC is gone.
async fn attributes(cx: &Cx<Aws>, id: &str) -> Result<Arc<Option<(bool, bool)>>> {
    let ask = |name| cx.ec2().describe_vpc_attribute().vpc_id(id).attribute(name).send();
    let both = || async {
        let attributes = try_join!(
            ask(VpcAttributeName::EnableDnsSupport),
            ask(VpcAttributeName::EnableDnsHostnames)
        );
        let on = |it: Option<AttributeBooleanValue>| it.and_then(|it| it.value).unwrap_or_default();
        let both = attributes.found()?;
        Ok(both.map(|(support, names)| {
            (on(support.enable_dns_support), on(names.enable_dns_hostnames))
        }))
    };
    cx.memo(&format!("ec2:vpc-attributes:{id}"), both).await
}

/// A block as AWS wrote it.
pub(super) fn cidr(text: Option<&str>) -> Cidr {
    text.and_then(|text| text.parse().ok()).unwrap_or(Cidr::ANY_V4)
}
