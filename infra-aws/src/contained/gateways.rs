//! Internet and NAT gateways, and the addresses of what is in the VPC.

use aws_sdk_ec2::{
    operation::describe_addresses::DescribeAddressesOutput,
    types::{Filter, NatGateway, NatGatewayState},
};
use futures_util::future::try_join_all;
use infra_core::provider::{Contained, Cx, Result};
use tokio::try_join;

use super::object::{filters, object, tags, within};
use crate::{Aws, classify::Classify as _};

/// What is found, and the allocations of the addresses that it has.
pub(super) struct Found {
    pub(super) found: Vec<Contained>,
    pub(super) addresses: Vec<String>,
}

pub(super) async fn gateways(cx: &Cx<Aws>, vpc: &str) -> Result<Found> {
    let internet = async {
        let attached = Filter::builder().name("attachment.vpc-id").values(vpc).build();
        let list = cx.ec2().describe_internet_gateways().filters(attached);
        let pages = list.into_paginator().items().send();
        pages.collect::<Result<Vec<_>, _>>().await.classify()
    };
    let nat = async {
        let pages = cx.ec2().describe_nat_gateways().filter(within(vpc)).into_paginator();
        pages.items().send().collect::<Result<Vec<_>, _>>().await.classify()
    };
    let (internet, mut nat) = try_join!(internet, nat)?;
    nat.retain(|it| {
        !matches!(it.state(), Some(NatGatewayState::Deleted | NatGatewayState::Deleting))
    });
    let internet = internet.iter().filter_map(|it| {
        Some(object("aws:ec2:InternetGateway", it.internet_gateway_id()?, &tags(it.tags())))
    });
    let gateway = |it: &NatGateway| {
        Some(object("aws:ec2:NatGateway", it.nat_gateway_id()?, &tags(it.tags())))
    };
    let found = internet.chain(nat.iter().filter_map(gateway)).collect();
    let addresses = nat.iter().flat_map(NatGateway::nat_gateway_addresses);
    let addresses = addresses.filter_map(|it| it.allocation_id().map(str::to_owned)).collect();
    Ok(Found { found, addresses })
}

/// The addresses with these allocations.
pub(super) async fn addresses(cx: &Cx<Aws>, allocations: &[String]) -> Result<Vec<Contained>> {
    let mut allocations = allocations.to_vec();
    allocations.sort();
    allocations.dedup();
    let calls = filters("allocation-id", &allocations).into_iter().map(|filter| async {
        cx.ec2().describe_addresses().filters(filter).send().await.classify()
    });
    let found = try_join_all(calls).await?;
    let addresses = found.iter().flat_map(DescribeAddressesOutput::addresses);
    let address = |it: &aws_sdk_ec2::types::Address| {
        Some(object("aws:ec2:ElasticIp", it.allocation_id()?, &tags(it.tags())))
    };
    Ok(addresses.filter_map(address).collect())
}
