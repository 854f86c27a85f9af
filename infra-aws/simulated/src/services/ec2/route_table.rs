//! Route tables, their routes and associations.

use serde_json::{Value, json};

use super::cidr::Cidr;
use super::describe;
use super::kind::{self, dependent, need};
use crate::services::access::hex;
use crate::services::{Access, Service};
use crate::wire::{Failure, Outcome, fail, text};

pub(super) fn create(access: &mut Access<'_>) -> Outcome {
    let (vpc, _) = kind::VPC.param(access, "VpcId")?;
    Ok(json!({"routeTable": make(access, &vpc, false)}))
}

pub(super) fn make(access: &mut Access<'_>, vpc: &str, main: bool) -> Value {
    let id = kind::ROUTE_TABLE.new_id();
    let cidr = access.docs(Service::Ec2).get("vpc", vpc).map(|vpc| vpc["cidrBlock"].clone());
    let mut table = json!({
        "routeTableId": id, "vpcId": vpc, "ownerId": access.account(), "associationSet": [],
        "propagatingVgwSet": [], "_main": main,
        "routeSet": [{
            "destinationCidrBlock": cidr, "gatewayId": "local", "state": "active",
            "origin": "CreateRouteTable",
        }],
    });
    if main {
        table["associationSet"] = json!([association(&id, None)]);
        table["tagSet"] = json!([]);
    }
    kind::ROUTE_TABLE.put(access, &id, table)
}

fn association(table: &str, subnet: Option<&str>) -> Value {
    json!({
        "routeTableAssociationId": format!("rtbassoc-{}", hex(17)),
        "routeTableId": table, "subnetId": subnet, "main": subnet.is_none(),
        "associationState": {"state": "associated"},
    })
}

/// Routes whose target is gone are shown as blackholes.
pub(super) fn describe(access: &mut Access<'_>) -> Outcome {
    let docs = access.docs(Service::Ec2);
    let mut all: Vec<Value> = docs.values("route-table").cloned().collect();
    for table in &mut all {
        let vpc = table["vpcId"].clone();
        for route in table["routeSet"].as_array_mut().into_iter().flatten() {
            let gone =
                |document: Option<&Value>| document.is_none_or(|it| it["state"] == "deleted");
            let dead = match (route["natGatewayId"].as_str(), route["gatewayId"].as_str()) {
                (Some(nat), _) => gone(docs.get("natgateway", nat)),
                (None, Some(igw)) if igw.starts_with("igw-") => !docs
                    .get("internet-gateway", igw)
                    .is_some_and(|gateway| gateway["attachmentSet"][0]["vpcId"] == vpc),
                _ => false,
            };
            route["state"] = json!(if dead { "blackhole" } else { "active" });
        }
    }
    let found = describe::select(access, &kind::ROUTE_TABLE, all)?;
    describe::page(access.input(), kind::ROUTE_TABLE.set, found)
}

pub(super) fn delete(access: &mut Access<'_>) -> Outcome {
    let (id, table) = kind::ROUTE_TABLE.param(access, "RouteTableId")?;
    let associated = table["associationSet"].as_array().is_some_and(|all| !all.is_empty());
    if associated || table["_main"] == true {
        return Err(dependent("routeTable", &id, "associations"));
    }
    kind::ROUTE_TABLE.remove(access, &id);
    Ok(json!({"return": true}))
}

const DESTINATIONS: [(&str, &str); 3] = [
    ("DestinationCidrBlock", "destinationCidrBlock"),
    ("DestinationIpv6CidrBlock", "destinationIpv6CidrBlock"),
    ("DestinationPrefixListId", "destinationPrefixListId"),
];

fn destination(input: &Value) -> Result<(&'static str, String), Failure> {
    let (field, value) = DESTINATIONS
        .iter()
        .find_map(|(parameter, field)| Some((*field, text(input, parameter)?)))
        .ok_or_else(|| fail("MissingParameter", "A destination is required"))?;
    let canonical = if field == "destinationCidrBlock" {
        let cidr = Cidr::parse(value).ok_or_else(|| {
            fail("InvalidParameterValue", format!("Value ({value}) is not a valid CIDR"))
        })?;
        cidr.to_string()
    } else {
        value.to_owned()
    };
    Ok((field, canonical))
}

/// The route the call describes; its target must exist.
fn route(access: &mut Access<'_>, vpc: &Value) -> Result<Value, Failure> {
    const TARGETS: [(&str, &str); 8] = [
        ("GatewayId", "gatewayId"),
        ("NatGatewayId", "natGatewayId"),
        ("InstanceId", "instanceId"),
        ("NetworkInterfaceId", "networkInterfaceId"),
        ("TransitGatewayId", "transitGatewayId"),
        ("VpcPeeringConnectionId", "vpcPeeringConnectionId"),
        ("EgressOnlyInternetGatewayId", "egressOnlyInternetGatewayId"),
        ("VpcEndpointId", "vpcEndpointId"),
    ];
    let input = access.input();
    let (field, destination) = destination(input)?;
    let mut route = json!({field: destination, "state": "active", "origin": "CreateRoute"});
    let (parameter, field, target) = TARGETS
        .iter()
        .find_map(|(parameter, field)| Some((*parameter, *field, text(input, parameter)?)))
        .ok_or_else(|| fail("MissingParameter", "A target is required"))?;
    match parameter {
        "GatewayId" if target.starts_with("igw-") => {
            let gateway = access.docs(Service::Ec2).get("internet-gateway", target);
            let Some(gateway) = gateway else {
                return Err(fail(
                    "InvalidGatewayID.NotFound",
                    format!("The gateway ID '{target}' does not exist"),
                ));
            };
            if gateway["attachmentSet"][0]["vpcId"] != *vpc {
                return Err(fail(
                    "InvalidParameterValue",
                    format!(
                        "route table and network gateway {target} belong to different networks"
                    ),
                ));
            }
        }
        "NatGatewayId" => {
            let nat = access.docs(Service::Ec2).get("natgateway", target);
            if nat.is_none_or(|nat| nat["state"] == "deleted") {
                return Err(fail(
                    "InvalidNatGatewayID.NotFound",
                    format!("The natGateway ID '{target}' does not exist"),
                ));
            }
        }
        _ => {}
    }
    route[field] = json!(target);
    Ok(route)
}

fn same_destination(a: &Value, b: &Value) -> bool {
    DESTINATIONS.iter().any(|(_, field)| !a[*field].is_null() && a[*field] == b[*field])
}

fn missing_route(table: &str) -> Failure {
    fail("InvalidRoute.NotFound", format!("no such route in route table {table}"))
}

pub(super) fn create_route(access: &mut Access<'_>) -> Outcome {
    let (id, table) = kind::ROUTE_TABLE.param(access, "RouteTableId")?;
    let route = route(access, &table["vpcId"])?;
    let exists = table["routeSet"]
        .as_array()
        .is_some_and(|all| all.iter().any(|old| same_destination(old, &route)));
    if exists {
        return Err(fail("RouteAlreadyExists", "The route identified already exists."));
    }
    if let Some(routes) = kind::ROUTE_TABLE.edit(access, &id)?["routeSet"].as_array_mut() {
        routes.push(route);
    }
    Ok(json!({"return": true}))
}

pub(super) fn replace_route(access: &mut Access<'_>) -> Outcome {
    let (id, table) = kind::ROUTE_TABLE.param(access, "RouteTableId")?;
    let route = route(access, &table["vpcId"])?;
    let routes = kind::ROUTE_TABLE.edit(access, &id)?["routeSet"].as_array_mut();
    let old = routes
        .and_then(|routes| routes.iter_mut().find(|old| same_destination(old, &route)))
        .ok_or_else(|| missing_route(&id))?;
    *old = route;
    Ok(json!({"return": true}))
}

pub(super) fn delete_route(access: &mut Access<'_>) -> Outcome {
    let (id, table) = kind::ROUTE_TABLE.param(access, "RouteTableId")?;
    let (field, wanted) = destination(access.input())?;
    let found = table["routeSet"]
        .as_array()
        .and_then(|all| all.iter().find(|route| route[field] == wanted.as_str()));
    match found {
        None => return Err(missing_route(&id)),
        Some(route) if route["gatewayId"] == "local" => {
            return Err(fail("InvalidParameterValue", "cannot remove the local route"));
        }
        Some(_) => {}
    }
    if let Some(routes) = kind::ROUTE_TABLE.edit(access, &id)?["routeSet"].as_array_mut() {
        routes.retain(|route| route[field] != wanted.as_str());
    }
    Ok(json!({"return": true}))
}

/// Where an association is: table and position.
fn locate(access: &mut Access<'_>, wanted: impl Fn(&Value) -> bool) -> Option<(String, Value)> {
    access.docs(Service::Ec2).all("route-table").find_map(|(id, table)| {
        let all = table["associationSet"].as_array()?;
        all.iter().find(|it| wanted(it)).map(|it| (id.to_owned(), it.clone()))
    })
}

pub(super) fn associate(access: &mut Access<'_>) -> Outcome {
    let (id, table) = kind::ROUTE_TABLE.param(access, "RouteTableId")?;
    let (subnet_id, subnet) = kind::SUBNET.param(access, "SubnetId")?;
    if subnet["vpcId"] != table["vpcId"] {
        return Err(fail(
            "InvalidParameterValue",
            format!("Route table {id} and subnet {subnet_id} belong to different networks"),
        ));
    }
    if let Some((other, it)) = locate(access, |it| it["subnetId"] == subnet_id.as_str()) {
        // AWS answers with the existing association when it is the same one.
        if other == id {
            return Ok(json!({
                "associationId": it["routeTableAssociationId"],
                "associationState": {"state": "associated"},
            }));
        }
        return Err(fail(
            "Resource.AlreadyAssociated",
            format!(
                "the specified association for route table {id} conflicts with an existing one"
            ),
        ));
    }
    Ok(put_association(access, &id, Some(&subnet_id)))
}

fn put_association(access: &mut Access<'_>, table: &str, subnet: Option<&str>) -> Value {
    let new = association(table, subnet);
    let reply = json!({
        "associationId": new["routeTableAssociationId"],
        "newAssociationId": new["routeTableAssociationId"],
        "associationState": {"state": "associated"},
    });
    if let Some(document) = access.docs(Service::Ec2).edit("route-table", table)
        && let Some(all) = document["associationSet"].as_array_mut()
    {
        all.push(new);
    }
    reply
}

fn take_association(access: &mut Access<'_>) -> Result<Value, Failure> {
    let wanted = need(access.input(), "AssociationId")?;
    let (table, old) =
        locate(access, |it| it["routeTableAssociationId"] == wanted).ok_or_else(|| {
            fail(
                "InvalidAssociationID.NotFound",
                format!("The association ID '{wanted}' does not exist"),
            )
        })?;
    if let Some(document) = access.docs(Service::Ec2).edit("route-table", &table) {
        if old["main"] == true {
            document["_main"] = json!(false);
        }
        if let Some(all) = document["associationSet"].as_array_mut() {
            all.retain(|it| it["routeTableAssociationId"] != wanted);
        }
    }
    Ok(old)
}

pub(super) fn replace_association(access: &mut Access<'_>) -> Outcome {
    let (id, _) = kind::ROUTE_TABLE.param(access, "RouteTableId")?;
    let old = take_association(access)?;
    let reply = put_association(access, &id, old["subnetId"].as_str());
    if old["main"] == true {
        kind::ROUTE_TABLE.edit(access, &id)?["_main"] = json!(true);
    }
    Ok(reply)
}

pub(super) fn disassociate(access: &mut Access<'_>) -> Outcome {
    take_association(access)?;
    Ok(json!({"return": true}))
}

/// A gateway endpoint's routes come and go with it.
pub(super) fn set_endpoint_route(
    access: &mut Access<'_>,
    table: &str,
    endpoint: &str,
    prefix_list: Option<&str>,
) {
    if let Some(document) = access.docs(Service::Ec2).edit("route-table", table)
        && let Some(routes) = document["routeSet"].as_array_mut()
    {
        routes.retain(|route| route["gatewayId"] != endpoint);
        if let Some(prefix_list) = prefix_list {
            routes.push(json!({
                "destinationPrefixListId": prefix_list, "gatewayId": endpoint, "state": "active",
                "origin": "CreateRoute",
            }));
        }
    }
}
