//! Networks.

use infra_core::transfer::terraform::{Hcl, Object};

use super::{
    exports::Line,
    fields::{Draft, Given, line, part, text, upper, variant},
};

pub(super) fn exports() -> Vec<Line> {
    vec![
        line!("aws:ec2:Vpc", "aws_vpc", ["id" = "id", "arn" = "arn", "cidr" = "cidr_block"], vpc),
        line!(
            "aws:ec2:Subnet",
            "aws_subnet",
            [
                "id" = "id",
                "arn" = "arn",
                "vpc_id" = "vpc_id",
                "zone" = "availability_zone",
                "cidr" = "cidr_block",
            ],
            subnet
        ),
        line!("aws:ec2:InternetGateway", "aws_internet_gateway", ["id" = "id"], |it| {
            Draft::of(it).same(&["vpc_id"]).tags().whole("aws_internet_gateway")
        }),
        line!("aws:ec2:ElasticIp", "aws_eip", ["id" = "id", "public_ip" = "public_ip"], |it| {
            Draft::of(it).set("domain", Some("vpc")).tags().whole("aws_eip")
        }),
        line!(
            "aws:ec2:NatGateway",
            "aws_nat_gateway",
            ["id" = "id", "public_ip" = "public_ip", "private_ip" = "private_ip"],
            |it| {
                let draft = Draft::of(it).same(&["subnet_id", "allocation_id", "private_ip"]);
                let kind = it.field("connectivity");
                draft.set("connectivity_type", kind).tags().whole("aws_nat_gateway")
            }
        ),
        line!("aws:ec2:RouteTable", "aws_route_table", ["id" = "id"], |it| {
            Draft::of(it).same(&["vpc_id"]).tags().whole("aws_route_table")
        }),
        line!("aws:ec2:Route", "aws_route", [], route),
        line!(
            "aws:ec2:RouteTableAssociation",
            "aws_route_table_association",
            ["id" = "id"],
            association
        ),
        line!(
            "aws:ec2:VpcEndpoint",
            "aws_vpc_endpoint",
            [
                "id" = "id",
                "arn" = "arn",
                "network_interface_ids" = "network_interface_ids",
                "prefix_list_id" = "prefix_list_id",
            ],
            endpoint
        ),
        line!("aws:ec2:FlowLog", "aws_flow_log", ["id" = "id"], flow_log),
    ]
}

fn vpc(it: &Object<'_>) -> Given {
    Draft::of(it)
        .named("cidr_block", "cidr")
        .or("enable_dns_support", "dns_support", true)
        .or("enable_dns_hostnames", "dns_hostnames", false)
        .named("instance_tenancy", "tenancy")
        .tags()
        .whole("aws_vpc")
}

fn subnet(it: &Object<'_>) -> Given {
    Draft::of(it)
        .same(&["vpc_id"])
        .named("cidr_block", "cidr")
        .named("availability_zone", "zone")
        .same(&["map_public_ip_on_launch"])
        .tags()
        .whole("aws_subnet")
}

fn route(it: &Object<'_>) -> Given {
    let to = text(it, "destination").unwrap_or_default();
    let destination =
        if to.contains(':') { "destination_ipv6_cidr_block" } else { "destination_cidr_block" };
    let target = it.field("target").and_then(|target| variant(&target));
    let (kind, target) = target.ok_or("it has no target")?;
    let attribute = match kind.as_str() {
        "nat_gateway" => "nat_gateway_id",
        "network_interface" => "network_interface_id",
        "vpc_endpoint" => "vpc_endpoint_id",
        "transit_gateway" => "transit_gateway_id",
        "vpc_peering" => "vpc_peering_connection_id",
        "egress_only_internet_gateway" => "egress_only_gateway_id",
        _ => "gateway_id",
    };
    let draft = Draft::of(it).same(&["route_table_id"]).named(destination, "destination");
    let id = it.id().replace('|', "_");
    Ok(vec![draft.set(attribute, target).imported("aws_route", id)])
}

fn association(it: &Object<'_>) -> Given {
    let table = text(it, "route_table_id").unwrap_or_default();
    let id = format!("{}/{table}", it.id());
    let draft = Draft::of(it).same(&["subnet_id", "route_table_id"]);
    Ok(vec![draft.imported("aws_route_table_association", id)])
}

/// AWS's own services have short names here: there the region is in them.
fn endpoint(it: &Object<'_>) -> Given {
    let service = text(it, "service").ok_or("its service is not known")?;
    let arn = it.output("arn").and_then(|arn| arn.as_str()).unwrap_or_default();
    let own = service.starts_with("com.amazonaws.") || service.starts_with("cn.com.amazonaws.");
    let service = match part(arn, ':', 3) {
        _ if own => service.to_owned(),
        "" => return Err("its region is not known: look at it with `state show`".to_owned()),
        region if part(arn, ':', 1) == "aws-cn" => format!("cn.com.amazonaws.{region}.{service}"),
        region => format!("com.amazonaws.{region}.{service}"),
    };
    let kind = match text(it, "endpoint_type") {
        Some("interface") => "Interface",
        _ => "Gateway",
    };
    Draft::of(it)
        .same(&["vpc_id"])
        .set("service_name", Some(service))
        .set("vpc_endpoint_type", Some(kind))
        .same(&["route_table_ids", "subnet_ids", "security_group_ids", "policy"])
        .named("private_dns_enabled", "private_dns")
        .tags()
        .whole("aws_vpc_endpoint")
}

fn flow_log(it: &Object<'_>) -> Given {
    let source = it.field("source").and_then(|source| variant(&source));
    let (source, id) = source.ok_or("its source is not known")?;
    let of = match source.as_str() {
        "subnet" => "subnet_id",
        "network_interface" => "eni_id",
        _ => "vpc_id",
    };
    let to = it.field("destination").and_then(|to| variant(&to));
    let (kind, to) = to.ok_or("its destination is not known")?;
    let draft = Draft::of(it).set(of, id);
    let draft = if kind == "bucket" {
        draft.set("log_destination_type", Some("s3")).set("log_destination", to)
    } else {
        let to = to.as_ref();
        draft
            .set("log_group_name", to.and_then(|to| to.get("name")))
            .set("iam_role_arn", to.and_then(|to| to.get("role")))
    };
    let traffic = it.field("traffic").and_then(|traffic| upper(&traffic));
    draft
        .set("traffic_type", Some(traffic.unwrap_or_else(|| Hcl::from("ALL"))))
        .or("max_aggregation_interval", "aggregation_seconds", 600_i64)
        .named("log_format", "format")
        .tags()
        .whole("aws_flow_log")
}
