//! Routes.

use std::{collections::HashMap, sync::Arc};

use aws_sdk_ec2::types::{Route as SdkRoute, RouteOrigin, RouteTable as SdkTable};
use futures_util::future::try_join_all;
use infra_core::{
    Resource, Value,
    provider::{Change, Cx, Find, Grant, Managed, Observed, Once, Operation, Result},
    state::StackName,
};

use super::{RouteTable, grants::arn, route_table, search::filters, tagging};
use crate::{
    Aws,
    classify::Classify,
    owned,
    policy::{Verb, grants, subject},
    types::{
        Cidr, InternetGatewayId, NatGatewayId, NetworkInterfaceId, RouteTableId, VpcEndpointId,
    },
};

/// A route of a route table: where traffic for a block of addresses goes.
///
/// Another table or destination replaces it; another target is a change in place. It has no tags and no id of its own:
/// table and destination are its identity (`rtb-1|0.0.0.0/0`). Routes within the VPC and those that gateway endpoints
/// make are AWS's. Deploying needs `ec2:CreateRoute`, `ec2:ReplaceRoute` and `ec2:DeleteRoute` on the table, and
/// `ec2:DescribeRouteTables`. Source: *EC2 API reference*, `CreateRoute`.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:ec2:Route")]
pub struct Route {
    /// The table it is in. Another table replaces the route.
    #[field(replace)]
    pub route_table_id: RouteTableId,
    /// The addresses it is for. Another block replaces the route.
    #[field(replace)]
    pub destination: Cidr,
    /// Where their traffic goes.
    pub target: RouteTarget,
}

/// Where a route leads.
#[derive(Value, Clone, Debug, PartialEq)]
pub enum RouteTarget {
    /// To the internet.
    InternetGateway(InternetGatewayId),
    /// To the internet, without being reachable from it.
    NatGateway(NatGatewayId),
    /// To an appliance's network interface.
    NetworkInterface(NetworkInterfaceId),
    /// To a firewall or another gateway load balancer endpoint.
    VpcEndpoint(VpcEndpointId),
    /// To a transit gateway, `tgw-…`.
    TransitGateway(String),
    /// To a peered VPC, `pcx-…`.
    VpcPeering(String),
    /// To the internet over IPv6, without being reachable from it, `eigw-…`.
    EgressOnlyInternetGateway(String),
    /// To a virtual private gateway, `vgw-…`.
    VpnGateway(String),
}

impl Managed for Route {
    type Cloud = Aws;

    const WITHIN: Option<&'static str> = Some(RouteTable::KIND);

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        let keys: Vec<_> = find.iter().map(key).collect();
        let tables = keys.iter().flatten().map(|(table, _)| table.clone()).collect();
        let tables = match self::tables(cx, "route-table-id", tables).await {
            Ok(tables) => tables,
            Err(e) => return find.iter().map(|_| Err(e.again())).collect(),
        };
        let by_id: HashMap<_, _> =
            tables.iter().map(|table| (table.route_table_id(), table)).collect();
        let answer = |(table, destination): &(String, Cidr)| {
            let table = by_id.get(&Some(table.as_str()))?;
            let route = table.routes().iter().find(|route| is_for(route, *destination))?;
            Some(observe(table, *destination, target(route)?))
        };
        keys.iter().map(|key| Ok(key.as_ref().and_then(answer))).collect()
    }

    async fn added(cx: &Cx<Aws>, stack: &StackName) -> Result<Vec<Observed<Self>>> {
        let tables = route_table::of_the_stack(cx, stack).await?;
        Ok(tables.iter().flat_map(within).collect())
    }

    async fn create(cx: &Cx<Aws>, want: &Self, _: &Operation) -> Result<String> {
        use RouteTarget as T;
        let (v4, v6) = family(want.destination);
        let call = cx
            .ec2()
            .create_route()
            .route_table_id(want.route_table_id.as_str())
            .set_destination_cidr_block(v4)
            .set_destination_ipv6_cidr_block(v6);
        let call = match &want.target {
            T::InternetGateway(id) => call.gateway_id(id.as_str()),
            T::VpnGateway(id) => call.gateway_id(id),
            T::NatGateway(id) => call.nat_gateway_id(id.as_str()),
            T::NetworkInterface(id) => call.network_interface_id(id.as_str()),
            T::VpcEndpoint(id) => call.vpc_endpoint_id(id.as_str()),
            T::TransitGateway(id) => call.transit_gateway_id(id),
            T::VpcPeering(id) => call.vpc_peering_connection_id(id),
            T::EgressOnlyInternetGateway(id) => call.egress_only_internet_gateway_id(id),
        };
        call.send().await.classify()?;
        Ok(id(want.route_table_id.as_str(), want.destination))
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        use RouteTarget as T;
        let want = change.want()?;
        let (v4, v6) = family(want.destination);
        let call = cx
            .ec2()
            .replace_route()
            .route_table_id(want.route_table_id.as_str())
            .set_destination_cidr_block(v4)
            .set_destination_ipv6_cidr_block(v6);
        let call = match &want.target {
            T::InternetGateway(id) => call.gateway_id(id.as_str()),
            T::VpnGateway(id) => call.gateway_id(id),
            T::NatGateway(id) => call.nat_gateway_id(id.as_str()),
            T::NetworkInterface(id) => call.network_interface_id(id.as_str()),
            T::VpcEndpoint(id) => call.vpc_endpoint_id(id.as_str()),
            T::TransitGateway(id) => call.transit_gateway_id(id),
            T::VpcPeering(id) => call.vpc_peering_connection_id(id),
            T::EgressOnlyInternetGateway(id) => call.egress_only_internet_gateway_id(id),
        };
        call.send().await.classify().map(drop)
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        let (v4, v6) = family(have.live.destination);
        let call = cx
            .ec2()
            .delete_route()
            .route_table_id(have.live.route_table_id.as_str())
            .set_destination_cidr_block(v4)
            .set_destination_ipv6_cidr_block(v6);
        call.send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let table = subject(change).map_or("*", |subject| subject.route_table_id.as_str());
        let action = match Verb::of(change) {
            Verb::Search | Verb::Read => None,
            Verb::Create => Some("ec2:CreateRoute"),
            Verb::Update => Some("ec2:ReplaceRoute"),
            Verb::Delete => Some("ec2:DeleteRoute"),
        };
        let mut all = grants("*", ["ec2:DescribeRouteTables"]);
        all.extend(grants(arn("route-table", table), action));
        all
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }
}

/// The tables that one of the values matches. Their routes and associations come with them, so the kinds that ask for
/// the same tables share one answer.
pub(super) async fn tables(
    cx: &Cx<Aws>,
    by: &str,
    mut values: Vec<String>,
) -> Result<Arc<Vec<SdkTable>>> {
    values.sort_unstable();
    values.dedup();
    let ask = || async {
        let filters = filters(by, &values).into_iter();
        let calls = filters.map(|filter| route_table::describe(cx, filter));
        Ok(try_join_all(calls).await?.into_iter().flatten().collect())
    };
    cx.memo(&format!("ec2:route-tables:{by}:{}", values.join(",")), ask).await
}

fn id(table: &str, destination: Cidr) -> String {
    format!("{table}|{destination}")
}

/// Table and destination, from the id or from what is wanted.
fn key(find: &Find<'_, Route>) -> Option<(String, Cidr)> {
    match find {
        Find::Id { id, .. } => {
            let (table, destination) = id.split_once('|')?;
            Some((table.to_owned(), destination.parse().ok()?))
        }
        Find::Made { want, .. } => Some((want.route_table_id.to_string(), want.destination)),
    }
}

/// The destination as the parameter of its family.
fn family(destination: Cidr) -> (Option<String>, Option<String>) {
    let text = Some(destination.to_string());
    if destination.is_v6() { (None, text) } else { (text, None) }
}

fn is_for(route: &SdkRoute, destination: Cidr) -> bool {
    let blocks = [route.destination_cidr_block(), route.destination_ipv6_cidr_block()];
    blocks.into_iter().flatten().any(|block| block.parse() == Ok(destination))
}

/// The target; `None` of routes that are AWS's own (`local`, a gateway endpoint's).
fn target(route: &SdkRoute) -> Option<RouteTarget> {
    use RouteTarget as T;
    let gateway = route.gateway_id();
    let one = [
        gateway
            .filter(|id| id.starts_with("igw-"))
            .map(|id| T::InternetGateway(InternetGatewayId::trusted(id))),
        gateway.filter(|id| id.starts_with("vgw-")).map(|id| T::VpnGateway(id.to_owned())),
        // A gateway load balancer's endpoint is shown as a gateway.
        gateway
            .filter(|id| id.starts_with("vpce-"))
            .map(|id| T::VpcEndpoint(VpcEndpointId::trusted(id))),
        route.nat_gateway_id().map(|id| T::NatGateway(NatGatewayId::trusted(id))),
        route.network_interface_id().map(|id| T::NetworkInterface(NetworkInterfaceId::trusted(id))),
        route.transit_gateway_id().map(|id| T::TransitGateway(id.to_owned())),
        route.vpc_peering_connection_id().map(|id| T::VpcPeering(id.to_owned())),
        route
            .egress_only_internet_gateway_id()
            .map(|id| T::EgressOnlyInternetGateway(id.to_owned())),
    ];
    one.into_iter().flatten().next()
}

/// The routes of a table that somebody wrote into it, each as its table's owner's.
fn within(table: &SdkTable) -> Vec<Observed<Route>> {
    let owner = owned::whose(&tagging::map(table.tags()));
    let written = table.routes().iter().filter(|route| is_written(route));
    let observed = written
        .filter_map(|route| Some(observe(table, block(route)?, target(route)?).owned_by(&owner)));
    observed.collect()
}

/// The routes that somebody wrote into a table and that [`Route`] cannot say: to a prefix list, or through what is no
/// [`RouteTarget`].
pub(super) fn beyond(table: &SdkTable) -> Vec<String> {
    let written = table.routes().iter().filter(|route| is_written(route) && !is_awss(route));
    let unsaid = written.filter(|route| block(route).is_none() || target(route).is_none());
    let mut all: Vec<_> = unsaid
        .map(|route| {
            let to = route.destination_prefix_list_id().or(destination(route));
            let (to, through) = (to.unwrap_or("somewhere"), through(route).unwrap_or("a target"));
            format!("a route to {to} through {through}")
        })
        .collect();
    all.sort_unstable();
    all
}

/// What a route leads through, whatever it is.
fn through(route: &SdkRoute) -> Option<&str> {
    let all = [
        route.gateway_id(),
        route.carrier_gateway_id(),
        route.local_gateway_id(),
        route.core_network_arn(),
        route.odb_network_arn(),
        route.nat_gateway_id(),
        route.transit_gateway_id(),
        route.vpc_peering_connection_id(),
        route.egress_only_internet_gateway_id(),
        route.network_interface_id(),
        route.instance_id(),
    ];
    all.into_iter().flatten().next()
}

/// Whether AWS keeps it: the one within the VPC, and that of a gateway endpoint to its service's prefix list.
fn is_awss(route: &SdkRoute) -> bool {
    let leads = |to: &str| route.gateway_id().is_some_and(|id| id.starts_with(to));
    leads("local") || leads("vpce-") && route.destination_prefix_list_id().is_some()
}

/// The block of addresses that it is for, as AWS writes it.
fn destination(route: &SdkRoute) -> Option<&str> {
    route.destination_cidr_block().or(route.destination_ipv6_cidr_block())
}

fn block(route: &SdkRoute) -> Option<Cidr> {
    destination(route)?.parse().ok()
}

/// Whether somebody made it, and not a gateway that announces where it leads, nor the table itself.
fn is_written(route: &SdkRoute) -> bool {
    route.origin().is_none_or(|origin| *origin == RouteOrigin::CreateRoute)
}

fn observe(table: &SdkTable, destination: Cidr, target: RouteTarget) -> Observed<Route> {
    let table = table.route_table_id().unwrap_or_default();
    let route_table_id = RouteTableId::trusted(table);
    Observed::ready(id(table, destination), Route { route_table_id, destination, target }, ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cidr;

    #[test]
    fn ids_are_enough() {
        let id = id("rtb-1", cidr!("0.0.0.0/0"));
        let find = Find::Id { id: &id, recorded: None };
        assert_eq!(key(&find), Some(("rtb-1".to_owned(), Cidr::ANY_V4)));
    }

    #[test]
    fn what_is_written_into_a_table_is_its_owners() {
        let tag = |key: &str| aws_sdk_ec2::types::Tag::builder().key(key).value("x").build();
        let to = |block: &str| SdkRoute::builder().destination_cidr_block(block);
        let announced = to("10.2.0.0/16").origin(RouteOrigin::EnableVgwRoutePropagation);
        let table = SdkTable::builder().route_table_id("rtb-1").tags(tag("infra:stack"));
        let table = table.tags(tag("infra:urn")).tags(tag("infra:lineage"));
        let table = table.routes(to("10.0.0.0/16").gateway_id("local").build());
        let table = table.routes(announced.gateway_id("vgw-1").build());
        let list = SdkRoute::builder().destination_prefix_list_id("pl-1").gateway_id("vpce-1");
        let table = table.routes(list.build());
        let found = within(&table.routes(to("0.0.0.0/0").gateway_id("igw-1").build()).build());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].id, "rtb-1|0.0.0.0/0");
        let owner = found[0].owner.as_ref().unwrap();
        assert_eq!(owner.keys().collect::<Vec<_>>(), ["infra:lineage", "infra:stack"]);
    }

    #[test]
    fn what_a_route_cannot_say_is_told_of_its_table() {
        let to = |block: &str| SdkRoute::builder().destination_cidr_block(block);
        let list = |id: &str| SdkRoute::builder().destination_prefix_list_id(id);
        let arn = "arn:aws:networkmanager::1:core-network/c";
        let announced = list("pl-4").origin(RouteOrigin::EnableVgwRoutePropagation);
        let advertised = to("10.3.0.0/16").origin(RouteOrigin::Advertisement);
        let routes = [
            to("10.0.0.0/16").gateway_id("local"),
            to("0.0.0.0/0").gateway_id("igw-1"),
            to("10.9.0.0/16").gateway_id("vpce-2"),
            list("pl-1").gateway_id("vpce-1"),
            announced.gateway_id("vgw-1"),
            advertised.core_network_arn(arn),
            list("pl-2").gateway_id("igw-1").origin(RouteOrigin::CreateRoute),
            to("10.1.0.0/16").carrier_gateway_id("cagw-1"),
            to("10.2.0.0/16").core_network_arn(arn),
        ];
        let table = SdkTable::builder().route_table_id("rtb-1");
        let table = routes.into_iter().fold(table, |table, route| table.routes(route.build()));
        let expected = [
            "a route to 10.1.0.0/16 through cagw-1",
            "a route to 10.2.0.0/16 through arn:aws:networkmanager::1:core-network/c",
            "a route to pl-2 through igw-1",
        ];
        assert_eq!(beyond(&table.build()), expected);
    }

    #[test]
    fn awss_own_routes_are_not_ours() {
        let local = SdkRoute::builder().gateway_id("local").build();
        assert_eq!(target(&local), None);
        let nat = SdkRoute::builder().nat_gateway_id("nat-1").build();
        assert_eq!(target(&nat), Some(RouteTarget::NatGateway(NatGatewayId::trusted("nat-1"))));
    }
}
