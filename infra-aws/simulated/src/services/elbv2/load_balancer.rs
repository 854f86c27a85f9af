//! Load balancers.

use serde_json::{Value, json};

use super::route::{missing, named, page};
use super::{attribute, tag};
use crate::services::access::hex;
use crate::services::{Access, Service};
use crate::settings::Wait;
use crate::wire::{Failure, Outcome, fail, list, text, texts};
use crate::world;

const TABLE: &str = "load-balancer";

fn invalid(message: impl Into<String>) -> Failure {
    fail("ValidationError", message)
}

/// The zones of the subnets (or mappings) a call names, and the VPC.
fn zones(access: &mut Access<'_>) -> Result<(Vec<Value>, Value), Failure> {
    let input = access.input();
    let mut ids = texts(input, "Subnets");
    let mappings = list(input, "SubnetMappings");
    ids.extend(mappings.iter().filter_map(|it| text(it, "SubnetId")).map(str::to_owned));
    let docs = access.docs(Service::Ec2);
    let (mut zones, mut vpc): (Vec<Value>, Value) = (Vec::new(), Value::Null);
    for id in &ids {
        let subnet = docs.get("subnet", id).ok_or_else(|| {
            fail("SubnetNotFound", format!("The subnet ID '{id}' does not exist"))
        })?;
        if zones.iter().any(|zone| zone["ZoneName"] == subnet["availabilityZone"]) {
            return Err(fail(
                "InvalidConfigurationRequest",
                "A load balancer cannot be attached to multiple subnets in the same Availability \
                 Zone",
            ));
        }
        vpc = subnet["vpcId"].clone();
        let addresses: Vec<Value> = mappings
            .iter()
            .filter(|it| it["SubnetId"] == id.as_str() && !it["AllocationId"].is_null())
            .map(|it| json!({"AllocationId": it["AllocationId"]}))
            .collect();
        zones.push(json!({
            "ZoneName": subnet["availabilityZone"], "SubnetId": id,
            "LoadBalancerAddresses": addresses,
        }));
    }
    if zones.is_empty() {
        return Err(invalid("At least one subnet must be specified"));
    }
    zones.sort_by_key(|zone| zone["ZoneName"].to_string());
    Ok((zones, vpc))
}

fn groups(access: &mut Access<'_>) -> Result<Vec<String>, Failure> {
    let groups = texts(access.input(), "SecurityGroups");
    let docs = access.docs(Service::Ec2);
    match groups.iter().find(|id| !docs.has("security-group", id)) {
        Some(id) => {
            Err(fail("InvalidSecurityGroup", format!("The security group '{id}' does not exist")))
        }
        None => Ok(groups),
    }
}

/// The same settings again are the same load balancer.
pub(super) fn create(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let name = text(input, "Name").ok_or_else(|| invalid("Name is required"))?;
    let legal = name.len() <= 32
        && name.chars().all(|it| it.is_ascii_alphanumeric() || it == '-')
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.starts_with("internal-");
    if !legal {
        return Err(invalid(format!("The load balancer name '{name}' is not valid")));
    }
    let kind = text(input, "Type").unwrap_or("application");
    let (zones, vpc) = zones(access)?;
    let groups = groups(access)?;
    let scheme = text(input, "Scheme").unwrap_or("internet-facing");
    let old = access.docs(Service::Elbv2).values(TABLE).find(|it| it["LoadBalancerName"] == name);
    if let Some(old) = old {
        let same = old["Type"] == kind
            && old["Scheme"] == scheme
            && old["AvailabilityZones"] == json!(zones)
            && old["SecurityGroups"]
                .as_array()
                .is_none_or(|it| *it == json!(groups).as_array().cloned().unwrap_or_default());
        return if same {
            Ok(json!({"LoadBalancers": [old]}))
        } else {
            Err(fail(
                "DuplicateLoadBalancerName",
                format!(
                    "A load balancer with the same name '{name}' exists, but with different \
                         settings"
                ),
            ))
        };
    }
    if scheme == "internet-facing" && !has_gateway(access, &vpc) {
        return Err(fail(
            "InvalidSubnet",
            format!("VPC {} has no internet gateway", vpc.as_str().unwrap_or_default()),
        ));
    }
    let (region, account) = (access.region(), access.account());
    let letter = if kind == "network" { "net" } else { "app" };
    let id = hex(16);
    let arn = format!(
        "arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/{letter}/{name}/{id}"
    );
    let zone = if kind == "network" { "Z2IFOLAFXWLO4F" } else { "Z32O12XQLNTSW2" };
    let mut balancer = json!({
        "LoadBalancerArn": arn,
        "LoadBalancerName": name,
        "DNSName": format!("{name}-{id}.elb.{region}.simulated.invalid"),
        "CanonicalHostedZoneId": zone,
        "CreatedTime": access.timestamp(),
        "Scheme": scheme,
        "VpcId": vpc,
        "State": {"Code": "provisioning"},
        "Type": kind,
        "AvailabilityZones": zones,
        "IpAddressType": text(input, "IpAddressType").unwrap_or("ipv4"),
        "_attributes": attribute::of_load_balancer(kind),
        "_tags": tag::given(input),
        "_born": access.now,
    });
    if !groups.is_empty() || kind == "application" {
        balancer["SecurityGroups"] = json!(groups);
    }
    let done = access.after(Wait::LoadBalancerActive);
    world::plan(&mut balancer, &[(done, json!({"State": {"Code": "active"}}))]);
    access.docs(Service::Elbv2).put(TABLE, &arn, balancer.clone());
    Ok(json!({"LoadBalancers": [balancer]}))
}

fn has_gateway(access: &mut Access<'_>, vpc: &Value) -> bool {
    access
        .docs(Service::Ec2)
        .values("internet-gateway")
        .any(|gateway| gateway["attachmentSet"][0]["vpcId"] == *vpc)
}

pub(super) fn describe(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let (arns, names) = (texts(input, "LoadBalancerArns"), texts(input, "Names"));
    let (now, lag) = (access.now, access.lag);
    let all: Vec<Value> = access
        .docs(Service::Elbv2)
        .values(TABLE)
        .filter(|it| lag == 0 || it["_born"].as_u64().is_none_or(|born| born + lag <= now))
        .cloned()
        .collect();
    for (field, wanted) in [("LoadBalancerArn", &arns), ("LoadBalancerName", &names)] {
        if let Some(id) = wanted.iter().find(|id| !all.iter().any(|it| it[field] == id.as_str())) {
            return Err(missing(TABLE, id));
        }
    }
    let found = all
        .into_iter()
        .filter(|it| {
            (arns.is_empty() || arns.iter().any(|arn| it["LoadBalancerArn"] == arn.as_str()))
                && (names.is_empty()
                    || names.iter().any(|it2| it["LoadBalancerName"] == it2.as_str()))
        })
        .collect();
    Ok(page(access, "LoadBalancers", found))
}

pub(super) fn set_subnets(access: &mut Access<'_>) -> Outcome {
    let (arn, old) = named(access, TABLE, "LoadBalancerArn")?;
    let (zones, vpc) = zones(access)?;
    if vpc != old["VpcId"] {
        return Err(fail("InvalidSubnet", "The subnets are in another VPC"));
    }
    if let Some(balancer) = access.docs(Service::Elbv2).edit(TABLE, &arn) {
        balancer["AvailabilityZones"] = json!(zones);
    }
    Ok(json!({"AvailabilityZones": zones}))
}

/// A network load balancer made without groups never gets any.
pub(super) fn set_groups(access: &mut Access<'_>) -> Outcome {
    let (arn, old) = named(access, TABLE, "LoadBalancerArn")?;
    let groups = groups(access)?;
    if old["Type"] == "network" && old["SecurityGroups"].is_null() {
        return Err(fail(
            "InvalidConfigurationRequest",
            "You cannot add security groups to a Network Load Balancer that was created without",
        ));
    }
    if let Some(balancer) = access.docs(Service::Elbv2).edit(TABLE, &arn) {
        balancer["SecurityGroups"] = json!(groups);
    }
    Ok(json!({"SecurityGroupIds": groups}))
}

pub(super) fn set_ip_type(access: &mut Access<'_>) -> Outcome {
    let (arn, _) = named(access, TABLE, "LoadBalancerArn")?;
    let wanted = access.input()["IpAddressType"].clone();
    if let Some(balancer) = access.docs(Service::Elbv2).edit(TABLE, &arn) {
        balancer["IpAddressType"] = wanted.clone();
    }
    Ok(json!({"IpAddressType": wanted}))
}

/// Silent when absent; the listeners go along.
pub(super) fn delete(access: &mut Access<'_>) -> Outcome {
    let arn = text(access.input(), "LoadBalancerArn").unwrap_or_default();
    let docs = access.docs(Service::Elbv2);
    let Some(old) = docs.get(TABLE, arn) else { return Ok(json!({})) };
    if old["_attributes"]["deletion_protection.enabled"] == "true" {
        return Err(fail(
            "OperationNotPermitted",
            format!(
                "Load balancer '{arn}' cannot be deleted because deletion protection is \
                     enabled"
            ),
        ));
    }
    for listener in docs.ids("listener") {
        if docs.get("listener", &listener).is_some_and(|it| it["LoadBalancerArn"] == arn) {
            docs.remove("listener", &listener);
        }
    }
    docs.remove(TABLE, arn);
    Ok(json!({}))
}
