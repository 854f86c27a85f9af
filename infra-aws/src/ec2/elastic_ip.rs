//! Elastic IP addresses.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{Address, DomainType, Filter, ResourceType};
use infra_core::{
    Outputs, Resource,
    provider::{Change, Cx, Find, Grant, Managed, Observed, Operation, Result, Timeouts},
    state::StackName,
};

use super::{
    grants::Names,
    search::{observed, of_stack, search},
    tagging,
};
use crate::{Aws, classify::Classify, tags, types::AllocationId};

/// A fixed public IPv4 address.
///
/// Another border group or pool replaces it (with another address). Releasing it waits until what uses it is gone.
/// Deploying needs `ec2:AllocateAddress`, `ec2:ReleaseAddress`, the tag actions on `elastic-ip/*`, and
/// `ec2:DescribeAddresses`. AWS takes no client token here: its owner tag is how it is found again. Source: *EC2 API
/// reference*, `AllocateAddress`.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:ec2:ElasticIp", outputs = ElasticIpOutputs)]
pub struct ElasticIp {
    /// Where the address is advertised from: a region, a local zone's group. Another replaces the address.
    #[field(replace, computed)]
    pub network_border_group: Option<String>,
    /// The pool it comes from: `amazon`, or one of the account's own. Another replaces the address.
    #[field(replace, computed)]
    pub public_ipv4_pool: Option<String>,
    /// Tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What an address gives.
#[derive(Outputs, Clone, Debug)]
pub struct ElasticIpOutputs {
    /// Its allocation id.
    #[output(stable)]
    pub id: AllocationId,
    /// The address.
    #[output(stable)]
    pub public_ip: String,
}

const NAMES: Names = Names {
    resource: "elastic-ip",
    read: &["DescribeAddresses"],
    create: "AllocateAddress",
    delete: "ReleaseAddress",
};

impl Managed for ElasticIp {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        observed(search(find, "allocation-id", |filter| describe(cx, filter)).await, observe)
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        Ok(Some(describe(cx, of_stack(stack)).await?.iter().map(observe).collect()))
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let call = cx
            .ec2()
            .allocate_address()
            .domain(DomainType::Vpc)
            .set_network_border_group(want.network_border_group.clone())
            .set_public_ipv4_pool(want.public_ipv4_pool.clone())
            .tag_specifications(tagging::specification(
                cx,
                ResourceType::ElasticIp,
                &want.tags,
                op,
            ));
        Ok(call.send().await.classify()?.allocation_id.unwrap_or_default())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        if change.touches(Self::TAGS) {
            let live = &change.have()?.live.tags;
            tagging::sync(cx, change.id()?, live, &change.want()?.tags).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        cx.ec2().release_address().allocation_id(&have.id).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        NAMES.grants(change, [], [], change.touches(Self::TAGS))
    }

    fn timeouts() -> Timeouts {
        Timeouts { delete: Timeouts::minutes(20).delete, ..Timeouts::default() }
    }
}

/// There are no pages of addresses: an account has few.
async fn describe(cx: &Cx<Aws>, filter: Filter) -> Result<Vec<Address>> {
    let found = cx.ec2().describe_addresses().filters(filter).send().await.classify()?;
    Ok(found.addresses.unwrap_or_default())
}

fn observe(address: &Address) -> Observed<ElasticIp> {
    let all = tagging::map(address.tags());
    let live = ElasticIp {
        network_border_group: address.network_border_group().map(str::to_owned),
        public_ipv4_pool: address.public_ipv4_pool().map(str::to_owned),
        tags: tags::visible(&all),
    };
    let id = address.allocation_id().unwrap_or_default();
    let public_ip = address.public_ip().unwrap_or_default().to_owned();
    let outputs = ElasticIpOutputs { id: AllocationId::trusted(id), public_ip };
    Observed::ready(id, live, outputs).owned_by(&all)
}
