//! Route tables, and the routes and associations in them.

use aws_sdk_ec2::types::{Route, RouteOrigin, RouteTable};
use infra_core::provider::{Contained, Cx, Result};

use super::object::{Tags, object, part_of, tags, within};
use crate::{Aws, classify::Classify as _};

pub(super) async fn tables(cx: &Cx<Aws>, vpc: &str) -> Result<Vec<Contained>> {
    let list = cx.ec2().describe_route_tables().filters(within(vpc));
    let pages = list.into_paginator().items().send();
    let found = pages.collect::<Result<Vec<_>, _>>().await.classify()?;
    Ok(found.iter().flat_map(table).collect())
}

fn table(table: &RouteTable) -> Vec<Contained> {
    let Some(id) = table.route_table_id() else { return Vec::new() };
    let main = table.associations().iter().any(|it| it.main() == Some(true));
    let itself = object("aws:ec2:RouteTable", id, &tags(table.tags()));
    let mut all = vec![part_of(itself, main.then_some("the VPC: its main route table"))];
    all.extend(table.routes().iter().filter_map(|route| self::route(id, route)));
    for association in table.associations().iter().filter(|it| it.main() != Some(true)) {
        let none = Tags::new();
        if let Some(subnet) = association.subnet_id() {
            all.push(object("aws:ec2:RouteTableAssociation", subnet, &none));
        } else if let Some(gateway) = association.gateway_id() {
            let id = format!("{id}|{gateway}");
            all.push(object("AWS::EC2::GatewayRouteTableAssociation", id, &none));
        }
    }
    all
}

/// A route that somebody made; those of the VPC, of gateway endpoints and of propagation are AWS's.
fn route(table: &str, route: &Route) -> Option<Contained> {
    if matches!(route.origin(), Some(it) if *it != RouteOrigin::CreateRoute) {
        return None;
    }
    let gateway = route.gateway_id();
    if gateway.is_some_and(|gateway| gateway == "local" || gateway.starts_with("vpce-")) {
        return None;
    }
    let cidr = route.destination_cidr_block().or(route.destination_ipv6_cidr_block());
    let destination = cidr.or(route.destination_prefix_list_id())?;
    // To Outposts and core networks, or for a prefix list: nothing that a `Route` can say.
    let foreign = cidr.is_none()
        || [route.carrier_gateway_id(), route.local_gateway_id(), route.core_network_arn()]
            .iter()
            .any(Option::is_some);
    let kind = if foreign { "AWS::EC2::Route" } else { "aws:ec2:Route" };
    Some(object(kind, format!("{table}|{destination}"), &Tags::new()))
}
