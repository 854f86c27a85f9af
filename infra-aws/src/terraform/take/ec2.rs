//! Networks and machines.

use infra_core::{
    state::Value,
    transfer::{
        take::Reason,
        terraform::{Import, Instance, Piece},
    },
};

use super::{
    attributes::{Taken, by, list, need, text},
    imports::Line,
    rules,
};

pub(super) fn imports() -> Vec<Line> {
    vec![
        ("aws_vpc", by!("aws:ec2:Vpc", "id")),
        ("aws_subnet", by!("aws:ec2:Subnet", "id")),
        ("aws_internet_gateway", by!("aws:ec2:InternetGateway", "id")),
        ("aws_internet_gateway_attachment", Import::Part("the aws_internet_gateway")),
        ("aws_eip", Import::Objects(address)),
        ("aws_nat_gateway", by!("aws:ec2:NatGateway", "id")),
        ("aws_route_table", Import::Objects(table)),
        ("aws_default_route_table", Import::Objects(default_table)),
        (
            "aws_route",
            Import::Objects(|it| Ok(vec![route(need(it, "route_table_id")?, &it.attributes)?])),
        ),
        ("aws_route_table_association", Import::Objects(association)),
        ("aws_security_group", Import::Asked(rules::of_groups)),
        ("aws_security_group_rule", Import::Asked(rules::of_rules)),
        ("aws_vpc_security_group_ingress_rule", by!("aws:ec2:SecurityGroupRule", "id")),
        ("aws_vpc_security_group_egress_rule", Import::Asked(rules::of_egress)),
        ("aws_vpc_endpoint", by!("aws:ec2:VpcEndpoint", "id")),
        ("aws_vpc_endpoint_route_table_association", Import::Part("the aws_vpc_endpoint")),
        ("aws_vpc_endpoint_security_group_association", Import::Part("the aws_vpc_endpoint")),
        ("aws_vpc_endpoint_subnet_association", Import::Part("the aws_vpc_endpoint")),
        ("aws_vpc_endpoint_policy", Import::Part("the aws_vpc_endpoint")),
        ("aws_flow_log", Import::Objects(flow_log)),
        ("aws_launch_template", by!("aws:ec2:LaunchTemplate", "id")),
        ("aws_instance", by!("aws:ec2:Instance", "id")),
        ("aws_ec2_tag", Import::Part("what it tags")),
    ]
}

/// An address of EC2-Classic is its own id; those are gone.
fn address(it: &Instance) -> Taken {
    let id = it.text("allocation_id").or_else(|| it.id()).unwrap_or_default();
    if !id.starts_with("eipalloc-") {
        return Err(format!("expected an allocation, `eipalloc-…`, found {id:?}"));
    }
    Ok(vec![Piece::new("aws:ec2:ElasticIp", id)])
}

/// A table, and the routes that Terraform lists in it.
fn table(it: &Instance) -> Taken {
    let id = need(it, "id")?;
    let mut all = vec![Piece::new("aws:ec2:RouteTable", id)];
    all.extend(routes(id, it));
    Ok(all)
}

/// The main table of a VPC comes with it; what was put into it does not.
fn default_table(it: &Instance) -> Taken {
    let routes = routes(need(it, "id")?, it);
    if routes.is_empty() {
        return Err("the main route table comes and goes with its VPC".to_owned());
    }
    Ok(routes)
}

fn routes(table: &str, it: &Instance) -> Vec<Piece> {
    let inline = list(&it.attributes, "route").iter();
    let made = inline.filter(|it| {
        let gateway = text(it, "gateway_id").unwrap_or_default();
        gateway != "local" && !gateway.starts_with("vpce-")
    });
    let names = ["cidr_block", "ipv6_cidr_block", "destination_prefix_list_id"];
    let route = |it: &Value| {
        let to = names.iter().find_map(|name| text(it, name)).unwrap_or("?");
        match route(table, it) {
            Ok(piece) => piece.listed(to),
            Err(why) => Piece::left(&format!("route to {to}"), Reason::Unmapped, why),
        }
    };
    made.map(route).collect()
}

/// A route, on its own or in a table: the destinations are called a little differently.
fn route(table: &str, it: &Value) -> Result<Piece, String> {
    let names =
        ["destination_cidr_block", "destination_ipv6_cidr_block", "cidr_block", "ipv6_cidr_block"];
    let to = names.iter().find_map(|name| text(it, name)).ok_or(
        "a route to a prefix list, for which there is no kind; those to blocks of addresses are taken",
    )?;
    let foreign = ["carrier_gateway_id", "core_network_arn", "local_gateway_id"];
    if let Some(target) = foreign.iter().find_map(|name| text(it, name)) {
        return Err(format!("a route to {target}, which no aws:ec2:Route leads to"));
    }
    Ok(Piece::new("aws:ec2:Route", format!("{table}|{to}")))
}

fn association(it: &Instance) -> Taken {
    let subnet = it
        .text("subnet_id")
        .ok_or("it associates a gateway; aws:ec2:RouteTableAssociation is that of a subnet")?;
    Ok(vec![Piece::new("aws:ec2:RouteTableAssociation", subnet)])
}

fn flow_log(it: &Instance) -> Taken {
    let others = ["transit_gateway_id", "transit_gateway_attachment_id"];
    if others.iter().any(|name| it.text(name).is_some()) {
        return Err("a flow log of a transit gateway, for which there is no kind".to_owned());
    }
    Ok(vec![Piece::new("aws:ec2:FlowLog", need(it, "id")?)])
}
