//! VPC endpoints, gateway and interface.

use serde_json::{Value, json};

use super::interface::interface_id;
use super::kind::{self, need};
use super::route_table::set_endpoint_route;
use crate::services::access::hex;
use crate::services::{Access, Service};
use crate::settings::Wait;
use crate::wire::{Failure, Outcome, fail, flags, text, texts};
use crate::world;

const OPEN: &str =
    r#"{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}"#;

/// The prefix list of a gateway service: the same wherever it is asked for.
fn prefix_list(service: &str) -> String {
    let number =
        service.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    format!("pl-{number:08x}")
}

pub(super) fn create(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let (vpc, vpc_document) = kind::VPC.param(access, "VpcId")?;
    let service = need(input, "ServiceName")?;
    let endpoint_type = text(input, "VpcEndpointType").unwrap_or("Gateway");
    let gateway = endpoint_type == "Gateway";
    if !service.starts_with("com.amazonaws.") && !service.starts_with("aws.") {
        return Err(fail(
            "InvalidServiceName",
            format!("The Vpc Endpoint Service '{service}' does not exist"),
        ));
    }
    let tables = texts(input, "RouteTableId");
    for table in &tables {
        kind::ROUTE_TABLE.find(access, table)?;
    }
    let subnets = texts(input, "SubnetId");
    for subnet in &subnets {
        kind::SUBNET.find(access, subnet)?;
    }
    let mut groups = texts(input, "SecurityGroupId");
    for group in &groups {
        kind::SECURITY_GROUP.find(access, group)?;
    }
    let private_dns = !gateway && flags(input, "PrivateDnsEnabled").unwrap_or(true);
    if private_dns {
        let attributes = &vpc_document["_attributes"];
        if attributes["enableDnsSupport"] != true || attributes["enableDnsHostnames"] != true {
            return Err(fail(
                "InvalidParameter",
                "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC \
                 attributes set to true",
            ));
        }
        let rival = access.docs(Service::Ec2).values("vpc-endpoint").any(|other| {
            other["vpcId"] == vpc.as_str()
                && other["serviceName"] == service
                && other["privateDnsEnabled"] == true
                && other["state"] != "deleted"
        });
        if rival {
            return Err(fail(
                "InvalidParameter",
                format!(
                    "private-dns-enabled cannot be set because there is already a conflicting \
                         DNS domain for {service} in the VPC {vpc}"
                ),
            ));
        }
    }
    if !gateway && groups.is_empty() {
        groups.extend(default_group(access, &vpc));
    }
    let id = kind::VPC_ENDPOINT.new_id();
    let mut endpoint = json!({
        "vpcEndpointId": id,
        "vpcEndpointType": endpoint_type,
        "vpcId": vpc,
        "ownerId": access.account(),
        "serviceName": service,
        "serviceRegion": access.region(),
        "state": if gateway { "available" } else { "pending" },
        "policyDocument": text(input, "PolicyDocument").unwrap_or(OPEN),
        "routeTableIdSet": tables,
        "subnetIdSet": subnets,
        "groupSet": named_groups(access, &groups),
        "privateDnsEnabled": private_dns,
        "requesterManaged": false,
        "ipAddressType": text(input, "IpAddressType").unwrap_or("ipv4"),
        "creationTimestamp": access.timestamp(),
        "dnsEntrySet": [],
        "networkInterfaceIdSet":
            subnets.iter().map(|subnet| interface_id(&id, subnet)).collect::<Vec<_>>(),
    });
    if gateway {
        let list = prefix_list(service);
        for table in &tables {
            set_endpoint_route(access, table, &id, Some(&list));
        }
    } else {
        let short = service.rsplit('.').next().unwrap_or(service);
        let dns = format!("{id}-{}.{short}.{}.vpce.simulated.invalid", hex(8), access.region());
        let ready = json!({
            "state": "available",
            "dnsEntrySet": [{"dnsName": dns, "hostedZoneId": "Z7HUB22UULQXV"}],
        });
        world::plan(&mut endpoint, &[(access.after(Wait::EndpointAvailable), ready)]);
    }
    Ok(json!({"vpcEndpoint": kind::VPC_ENDPOINT.put(access, &id, endpoint)}))
}

fn default_group(access: &mut Access<'_>, vpc: &str) -> Option<String> {
    access
        .docs(Service::Ec2)
        .all("security-group")
        .find(|(_, group)| group["vpcId"] == vpc && group["groupName"] == "default")
        .map(|(id, _)| id.to_owned())
}

fn named_groups(access: &mut Access<'_>, ids: &[String]) -> Value {
    let docs = access.docs(Service::Ec2);
    ids.iter()
        .map(|id| {
            let name = docs.get("security-group", id).map(|group| group["groupName"].clone());
            json!({"groupId": id, "groupName": name})
        })
        .collect()
}

/// Adds and removes; both lists are optional.
fn changed(old: &Value, add: &[String], remove: &[String]) -> Vec<String> {
    let mut now: Vec<String> = old
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| it.as_str().or_else(|| it["groupId"].as_str()))
        .map(str::to_owned)
        .collect();
    now.retain(|id| !remove.contains(id));
    for id in add {
        if !now.contains(id) {
            now.push(id.clone());
        }
    }
    now
}

pub(super) fn modify(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let (id, old) = kind::VPC_ENDPOINT.param(access, "VpcEndpointId")?;
    if old["state"] == "deleting" || old["state"] == "deleted" {
        return Err(fail("IncorrectState", format!("{id} is {}", old["state"])));
    }
    let lists =
        |name: &str| (texts(input, &format!("Add{name}")), texts(input, &format!("Remove{name}")));
    let (add, remove) = lists("RouteTableId");
    for table in &add {
        kind::ROUTE_TABLE.find(access, table)?;
    }
    let list = prefix_list(old["serviceName"].as_str().unwrap_or_default());
    let tables = changed(&old["routeTableIdSet"], &add, &remove);
    for table in &add {
        set_endpoint_route(access, table, &id, Some(&list));
    }
    for table in &remove {
        set_endpoint_route(access, table, &id, None);
    }
    let (add, remove) = lists("SubnetId");
    for subnet in &add {
        kind::SUBNET.find(access, subnet)?;
    }
    let subnets = changed(&old["subnetIdSet"], &add, &remove);
    let (add, remove) = lists("SecurityGroupId");
    for group in &add {
        kind::SECURITY_GROUP.find(access, group)?;
    }
    let groups = changed(&old["groupSet"], &add, &remove);
    let groups = named_groups(access, &groups);
    let endpoint = kind::VPC_ENDPOINT.edit(access, &id)?;
    endpoint["routeTableIdSet"] = json!(tables);
    endpoint["networkInterfaceIdSet"] =
        subnets.iter().map(|subnet| json!(interface_id(&id, subnet))).collect();
    endpoint["subnetIdSet"] = json!(subnets);
    endpoint["groupSet"] = groups;
    if flags(input, "ResetPolicy") == Some(true) {
        endpoint["policyDocument"] = json!(OPEN);
    } else if let Some(policy) = text(input, "PolicyDocument") {
        endpoint["policyDocument"] = json!(policy);
    }
    if let Some(private_dns) = flags(input, "PrivateDnsEnabled") {
        endpoint["privateDnsEnabled"] = json!(private_dns);
    }
    if let Some(kind) = text(input, "IpAddressType") {
        endpoint["ipAddressType"] = json!(kind);
    }
    Ok(json!({"return": true}))
}

/// Each id has its own result.
pub(super) fn delete(access: &mut Access<'_>) -> Outcome {
    let mut unsuccessful = Vec::new();
    for id in texts(access.input(), "VpcEndpointId") {
        if let Err(failure) = delete_one(access, &id) {
            unsuccessful.push(json!({
                "resourceId": id,
                "error": {"code": failure.code, "message": failure.message},
            }));
        }
    }
    Ok(json!({"unsuccessful": unsuccessful}))
}

fn delete_one(access: &mut Access<'_>, id: &str) -> Result<(), Failure> {
    let old = kind::VPC_ENDPOINT.find(access, id)?;
    for table in old["routeTableIdSet"].as_array().into_iter().flatten() {
        set_endpoint_route(access, table.as_str().unwrap_or_default(), id, None);
    }
    let gateway = old["vpcEndpointType"] == "Gateway";
    let gone = if gateway { access.now } else { access.after(Wait::EndpointDeleted) };
    let endpoint = kind::VPC_ENDPOINT.edit(access, id)?;
    if endpoint["state"] != "deleting" {
        endpoint["state"] = json!("deleting");
        world::plan(endpoint, &[(gone, Value::Null)]);
    }
    Ok(())
}

pub(super) fn services(access: &mut Access<'_>) -> Outcome {
    let region = access.region();
    let names: Vec<String> = [
        "s3",
        "dynamodb",
        "ecr.api",
        "ecr.dkr",
        "ec2",
        "sts",
        "logs",
        "ssm",
        "ssmmessages",
        "ec2messages",
        "kms",
        "secretsmanager",
        "elasticloadbalancing",
        "eks",
        "eks-auth",
        "monitoring",
        "autoscaling",
    ]
    .iter()
    .map(|service| format!("com.amazonaws.{region}.{service}"))
    .collect();
    Ok(json!({"serviceNameSet": names}))
}

pub(super) fn prefix_lists(access: &mut Access<'_>) -> Outcome {
    let region = access.region();
    let lists: Vec<Value> = ["s3", "dynamodb"]
        .iter()
        .map(|service| {
            let name = format!("com.amazonaws.{region}.{service}");
            json!({
                "prefixListId": prefix_list(&name), "prefixListName": name,
                "cidrSet": ["52.218.0.0/17"],
            })
        })
        .collect();
    Ok(json!({"prefixListSet": lists}))
}
