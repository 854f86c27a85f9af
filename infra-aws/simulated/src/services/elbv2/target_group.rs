//! Target groups.

use serde_json::{Value, json};

use super::route::{missing, named, page};
use super::{attribute, tag};
use crate::services::access::hex;
use crate::services::{Access, Service};
use crate::wire::{Outcome, fail, text, texts};

const TABLE: &str = "target-group";

/// Health check parameters and what they are without being given.
const HEALTH: [(&str, &str); 7] = [
    ("HealthCheckEnabled", "true"),
    ("HealthCheckIntervalSeconds", "30"),
    ("HealthyThresholdCount", "5"),
    ("UnhealthyThresholdCount", "2"),
    ("HealthCheckPort", "traffic-port"),
    ("HealthCheckProtocol", ""),
    ("HealthCheckTimeoutSeconds", ""),
];

/// The same settings again are the same group.
pub(super) fn create(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let name = text(input, "Name").unwrap_or_default();
    if name.is_empty() || name.len() > 32 || name.starts_with('-') || name.ends_with('-') {
        return Err(fail("ValidationError", format!("Target group name '{name}' is not valid")));
    }
    let docs = access.docs(Service::Elbv2);
    let old = docs.values(TABLE).find(|it| it["TargetGroupName"] == name).cloned();
    if let Some(old) = old {
        let same = ["Protocol", "Port", "VpcId"].iter().all(|field| old[*field] == input[*field]);
        return if same {
            Ok(json!({"TargetGroups": [shown(access, &old)]}))
        } else {
            Err(fail(
                "DuplicateTargetGroupName",
                format!(
                    "A target group with the same name '{name}' exists, but with different \
                         settings"
                ),
            ))
        };
    }
    let vpc = text(input, "VpcId");
    if let Some(vpc) = vpc
        && !access.docs(Service::Ec2).has("vpc", vpc)
    {
        return Err(fail("ValidationError", format!("The VPC ID '{vpc}' is not found")));
    }
    let protocol = text(input, "Protocol").unwrap_or("HTTP");
    let target_type = text(input, "TargetType").unwrap_or("instance");
    let arn = format!(
        "arn:aws:elasticloadbalancing:{}:{}:targetgroup/{name}/{}",
        access.region(),
        access.account(),
        hex(16)
    );
    let mut group = json!({
        "TargetGroupArn": arn, "TargetGroupName": name, "Protocol": protocol,
        "Port": input["Port"], "VpcId": vpc, "TargetType": target_type,
        "IpAddressType": text(input, "IpAddressType").unwrap_or("ipv4"),
        "ProtocolVersion": input["ProtocolVersion"],
        "HealthCheckPath": input["HealthCheckPath"], "Matcher": matcher(&input["Matcher"]),
        "_attributes": attribute::of_target_group(protocol, target_type),
        "_tags": tag::given(input),
    });
    for (parameter, default) in HEALTH {
        group[parameter] = json!(text(input, parameter).unwrap_or(default));
    }
    let http = matches!(protocol, "HTTP" | "HTTPS");
    let checks = text(input, "HealthCheckProtocol").unwrap_or(if http { protocol } else { "TCP" });
    group["HealthCheckProtocol"] = json!(checks);
    if group["HealthCheckTimeoutSeconds"] == "" {
        group["HealthCheckTimeoutSeconds"] = json!(match (http, checks) {
            (true, _) => "5",
            (false, "HTTP") => "6",
            (false, _) => "10",
        });
    }
    if checks.starts_with("HTTP") {
        if group["HealthCheckPath"].is_null() {
            group["HealthCheckPath"] = json!("/");
        }
        if group["Matcher"].is_null() {
            group["Matcher"] = json!({"HttpCode": if http { "200" } else { "200-399" }});
        }
    }
    access.docs(Service::Elbv2).put(TABLE, &arn, group.clone());
    Ok(json!({"TargetGroups": [shown(access, &group)]}))
}

fn matcher(asked: &Value) -> Value {
    if asked.is_object() { asked.clone() } else { Value::Null }
}

/// The listeners of a group say which load balancers it belongs to.
fn shown(access: &mut Access<'_>, group: &Value) -> Value {
    let mut group = group.clone();
    let mut balancers: Vec<Value> = access
        .docs(Service::Elbv2)
        .values("listener")
        .filter(|listener| super::listener::uses(listener, &group["TargetGroupArn"]))
        .map(|listener| listener["LoadBalancerArn"].clone())
        .collect();
    balancers.dedup();
    group["LoadBalancerArns"] = json!(balancers);
    group
}

pub(super) fn describe(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let (arns, names) = (texts(input, "TargetGroupArns"), texts(input, "Names"));
    let balancer = text(input, "LoadBalancerArn");
    let all: Vec<Value> = access.docs(Service::Elbv2).values(TABLE).cloned().collect();
    for (field, wanted) in [("TargetGroupArn", &arns), ("TargetGroupName", &names)] {
        if let Some(id) = wanted.iter().find(|id| !all.iter().any(|it| it[field] == id.as_str())) {
            return Err(missing(TABLE, id));
        }
    }
    let mut found = Vec::new();
    for group in all {
        let group = shown(access, &group);
        let of_balancer = balancer.is_none_or(|wanted| {
            group["LoadBalancerArns"]
                .as_array()
                .is_some_and(|all| all.iter().any(|it| it == wanted))
        });
        if of_balancer
            && (arns.is_empty() || arns.iter().any(|arn| group["TargetGroupArn"] == arn.as_str()))
            && (names.is_empty()
                || names.iter().any(|name| group["TargetGroupName"] == name.as_str()))
        {
            found.push(group);
        }
    }
    Ok(page(access, "TargetGroups", found))
}

pub(super) fn modify(access: &mut Access<'_>) -> Outcome {
    let (arn, _) = named(access, TABLE, "TargetGroupArn")?;
    let input = access.input();
    if let Some(group) = access.docs(Service::Elbv2).edit(TABLE, &arn) {
        for (parameter, _) in HEALTH {
            if let Some(value) = text(input, parameter) {
                group[parameter] = json!(value);
            }
        }
        if let Some(path) = text(input, "HealthCheckPath") {
            group["HealthCheckPath"] = json!(path);
        }
        if input["Matcher"].is_object() {
            group["Matcher"] = matcher(&input["Matcher"]);
        }
    }
    let (_, group) = named(access, TABLE, "TargetGroupArn")?;
    Ok(json!({"TargetGroups": [shown(access, &group)]}))
}

pub(super) fn delete(access: &mut Access<'_>) -> Outcome {
    let arn = text(access.input(), "TargetGroupArn").unwrap_or_default();
    let docs = access.docs(Service::Elbv2);
    if docs.values("listener").any(|it| super::listener::uses(it, &json!(arn))) {
        return Err(fail(
            "ResourceInUse",
            format!("Target group '{arn}' is currently in use by a listener or a rule"),
        ));
    }
    docs.remove(TABLE, arn);
    for target in docs.ids("target") {
        if target.starts_with(arn) {
            docs.remove("target", &target);
        }
    }
    Ok(json!({}))
}
