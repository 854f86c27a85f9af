//! Route tables, routes and associations.

use serde_json::{Value, json};

use super::object::Object;
use super::planter::{Planter, Result, specification};
use crate::services::Service;

/// What a route may lead to: the attribute, and the call's parameter.
const TARGETS: [(&str, &str); 8] = [
    ("gateway_id", "GatewayId"),
    ("nat_gateway_id", "NatGatewayId"),
    ("network_interface_id", "NetworkInterfaceId"),
    ("transit_gateway_id", "TransitGatewayId"),
    ("vpc_endpoint_id", "VpcEndpointId"),
    ("vpc_peering_connection_id", "VpcPeeringConnectionId"),
    ("egress_only_gateway_id", "EgressOnlyInternetGatewayId"),
    ("instance_id", "InstanceId"),
];

/// Older and newer names of a route's destination.
const DESTINATIONS: [(&str, &str); 6] = [
    ("destination_cidr_block", "DestinationCidrBlock"),
    ("cidr_block", "DestinationCidrBlock"),
    ("destination_ipv6_cidr_block", "DestinationIpv6CidrBlock"),
    ("ipv6_cidr_block", "DestinationIpv6CidrBlock"),
    ("destination_prefix_list_id", "DestinationPrefixListId"),
    ("destination_ipv6_prefix_list_id", "DestinationPrefixListId"),
];

pub(super) fn table(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let id = object.id()?;
    let input = json!({
        "VpcId": object.need("vpc_id")?, "TagSpecification": specification("route-table", object),
    });
    let made = planter.call(Service::Ec2, "CreateRouteTable", input)?;
    planter.rename(&made["routeTable"]["routeTableId"], id);
    for route in object.attributes["route"].as_array().into_iter().flatten() {
        put(planter, id, route)?;
    }
    Ok(())
}

/// The route may stand in its table too: Terraform reads it there.
fn put(planter: &mut Planter<'_>, table: &str, route: &Value) -> Result<()> {
    let mut input = json!({"RouteTableId": table});
    for (attribute, parameter) in TARGETS.into_iter().chain(DESTINATIONS) {
        if let Some(text) = route[attribute].as_str().filter(|text| !text.is_empty()) {
            input[parameter] = json!(text);
        }
    }
    if input["GatewayId"] == "local" {
        return Ok(());
    }
    match planter.called(Service::Ec2, "CreateRoute", input) {
        Err(failure) if failure.code != "RouteAlreadyExists" => Err(failure.message),
        _ => Ok(()),
    }
}

pub(super) fn route(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    put(planter, object.need("route_table_id")?, &object.attributes)
}

pub(super) fn association(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let input = json!({
        "RouteTableId": object.need("route_table_id")?, "SubnetId": object.need("subnet_id")?,
    });
    let made = planter.call(Service::Ec2, "AssociateRouteTable", input)?;
    planter.rename(&made["associationId"], object.id()?);
    Ok(())
}
