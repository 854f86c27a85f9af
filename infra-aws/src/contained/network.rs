//! Subnets, network ACLs, endpoints and flow logs.

use aws_sdk_ec2::types::State;
use futures_util::future::try_join_all;
use infra_core::provider::{Contained, Cx, Result};
use tokio::try_join;

use super::object::{filters, object, part_of, tags, within};
use crate::{Aws, classify::Classify as _};

pub(super) async fn subnets(cx: &Cx<Aws>, vpc: &str) -> Result<Vec<Contained>> {
    let pages = cx.ec2().describe_subnets().filters(within(vpc)).into_paginator().items().send();
    let found = pages.collect::<Result<Vec<_>, _>>().await.classify()?;
    let subnet = |it: &aws_sdk_ec2::types::Subnet| {
        let default = it.default_for_az().filter(|default| *default).map(|_| "the default VPC");
        Some(part_of(object("aws:ec2:Subnet", it.subnet_id()?, &tags(it.tags())), default))
    };
    Ok(found.iter().filter_map(subnet).collect())
}

/// Network ACLs and endpoints.
pub(super) async fn rest(cx: &Cx<Aws>, vpc: &str) -> Result<Vec<Contained>> {
    let lists = async {
        let list = cx.ec2().describe_network_acls().filters(within(vpc));
        let pages = list.into_paginator().items().send();
        pages.collect::<Result<Vec<_>, _>>().await.classify()
    };
    let endpoints = async {
        let list = cx.ec2().describe_vpc_endpoints().filters(within(vpc));
        let pages = list.into_paginator().items().send();
        pages.collect::<Result<Vec<_>, _>>().await.classify()
    };
    let (lists, endpoints) = try_join!(lists, endpoints)?;
    let list = |it: &aws_sdk_ec2::types::NetworkAcl| {
        let default = it.is_default().filter(|default| *default).map(|_| "the VPC");
        let found = object("AWS::EC2::NetworkAcl", it.network_acl_id()?, &tags(it.tags()));
        Some(part_of(found, default))
    };
    let endpoint = |it: &aws_sdk_ec2::types::VpcEndpoint| {
        let gone = matches!(it.state(), Some(State::Deleted | State::Deleting));
        let managed = it.requester_managed() == Some(true);
        let with = managed.then(|| it.service_name().unwrap_or("a service of AWS").to_owned());
        let found = object("aws:ec2:VpcEndpoint", it.vpc_endpoint_id()?, &tags(it.tags()));
        (!gone).then(|| part_of(found, with))
    };
    let lists = lists.iter().filter_map(list);
    Ok(lists.chain(endpoints.iter().filter_map(endpoint)).collect())
}

/// The flow logs of the VPC and of its subnets.
pub(super) async fn flow_logs(
    cx: &Cx<Aws>,
    vpc: &str,
    subnets: &[String],
) -> Result<Vec<Contained>> {
    let sources: Vec<String> = [&[vpc.to_owned()], subnets].concat();
    let calls = filters("resource-id", &sources).into_iter().map(|filter| async {
        let pages = cx.ec2().describe_flow_logs().filter(filter).into_paginator().items().send();
        pages.collect::<Result<Vec<_>, _>>().await.classify()
    });
    let found = try_join_all(calls).await?.into_iter().flatten();
    let log = |it: aws_sdk_ec2::types::FlowLog| {
        Some(object("aws:ec2:FlowLog", it.flow_log_id()?, &tags(it.tags())))
    };
    Ok(found.filter_map(log).collect())
}
