//! Operation by operation.

use serde_json::{Value, json};

use super::{attribute, listener, load_balancer, tag, target, target_group};
use crate::services::{Access, Service};
use crate::wire::{Failure, Outcome, fail, text};

pub(crate) fn answer(access: &mut Access<'_>) -> Outcome {
    match access.call.operation.as_str() {
        "CreateLoadBalancer" => load_balancer::create(access),
        "DescribeLoadBalancers" => load_balancer::describe(access),
        "SetSubnets" => load_balancer::set_subnets(access),
        "SetSecurityGroups" => load_balancer::set_groups(access),
        "SetIpAddressType" => load_balancer::set_ip_type(access),
        "DeleteLoadBalancer" => load_balancer::delete(access),
        "DescribeLoadBalancerAttributes" => {
            attribute::describe(access, "load-balancer", "LoadBalancerArn")
        }
        "ModifyLoadBalancerAttributes" => {
            attribute::modify(access, "load-balancer", "LoadBalancerArn")
        }
        "CreateTargetGroup" => target_group::create(access),
        "DescribeTargetGroups" => target_group::describe(access),
        "ModifyTargetGroup" => target_group::modify(access),
        "DeleteTargetGroup" => target_group::delete(access),
        "DescribeTargetGroupAttributes" => {
            attribute::describe(access, "target-group", "TargetGroupArn")
        }
        "ModifyTargetGroupAttributes" => {
            attribute::modify(access, "target-group", "TargetGroupArn")
        }
        "CreateListener" => listener::create(access),
        "DescribeListeners" => listener::describe(access),
        "ModifyListener" => listener::modify(access),
        "DeleteListener" => listener::delete(access),
        "DescribeListenerCertificates" => listener::certificates(access),
        "DescribeListenerAttributes" => attribute::describe(access, "listener", "ListenerArn"),
        "ModifyListenerAttributes" => attribute::modify(access, "listener", "ListenerArn"),
        "RegisterTargets" => target::register(access),
        "DeregisterTargets" => target::deregister(access),
        "DescribeTargetHealth" => target::health(access),
        "AddTags" => tag::add(access),
        "RemoveTags" => tag::remove(access),
        "DescribeTags" => tag::describe(access),
        "DescribeRules" => Ok(json!({"Rules": []})),
        other => Err(fail("InvalidAction", format!("no ELBv2 operation {other}"))),
    }
}

/// The object of a table, or the error its kind has.
pub(super) fn find(access: &mut Access<'_>, table: &str, arn: &str) -> Result<Value, Failure> {
    access.docs(Service::Elbv2).get(table, arn).cloned().ok_or_else(|| missing(table, arn))
}

pub(super) fn missing(table: &str, arn: &str) -> Failure {
    let code = match table {
        "load-balancer" => "LoadBalancerNotFound",
        "target-group" => "TargetGroupNotFound",
        _ => "ListenerNotFound",
    };
    fail(code, format!("One or more of '{arn}' not found"))
}

/// The object a parameter names.
pub(super) fn named(
    access: &mut Access<'_>,
    table: &str,
    parameter: &str,
) -> Result<(String, Value), Failure> {
    let arn = text(access.input(), parameter).unwrap_or_default().to_owned();
    let found = find(access, table, &arn)?;
    Ok((arn, found))
}

/// One page: `Marker` and `PageSize`.
pub(super) fn page(access: &Access<'_>, set: &str, all: Vec<Value>) -> Value {
    let input = access.input();
    let start: usize = text(input, "Marker").and_then(|it| it.parse().ok()).unwrap_or(0);
    let size = text(input, "PageSize").and_then(|it| it.parse().ok()).unwrap_or(400_usize);
    let end = start.saturating_add(size).min(all.len());
    let next = (end < all.len()).then(|| end.to_string());
    let shown: Vec<Value> = all.into_iter().skip(start).take(end.saturating_sub(start)).collect();
    json!({set: shown, "NextMarker": next})
}
