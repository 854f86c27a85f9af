//! Operation by operation.

use serde_json::Value;

use super::{activity, create, describe, group, launch_configuration, process, tag, target};
use crate::services::{Access, Service};
use crate::wire::{Failure, Outcome, fail, text};

/// The table of groups.
pub(super) const TABLE: &str = "group";

pub(crate) fn answer(access: &mut Access<'_>) -> Outcome {
    match access.call.operation.as_str() {
        "CreateLaunchConfiguration" => launch_configuration::create(access),
        "DescribeLaunchConfigurations" => launch_configuration::describe(access),
        "DeleteLaunchConfiguration" => launch_configuration::delete(access),
        "CreateAutoScalingGroup" => create::create(access),
        "DescribeAutoScalingGroups" => describe::groups(access),
        "UpdateAutoScalingGroup" | "SetDesiredCapacity" => group::update(access),
        "DeleteAutoScalingGroup" => group::delete(access),
        "DescribeScalingActivities" => activity::describe(access),
        "SuspendProcesses" => process::suspend(access),
        "ResumeProcesses" => process::resume(access),
        "EnableMetricsCollection" => process::enable_metrics(access),
        "DisableMetricsCollection" => process::disable_metrics(access),
        "AttachLoadBalancers" => target::balancers(access, true),
        "DetachLoadBalancers" => target::balancers(access, false),
        "AttachLoadBalancerTargetGroups" => target::groups(access, true),
        "DetachLoadBalancerTargetGroups" => target::groups(access, false),
        "AttachTrafficSources" => target::sources(access, true),
        "DetachTrafficSources" => target::sources(access, false),
        "DescribeLoadBalancerTargetGroups" => {
            target::attached(access, "LoadBalancerTargetGroups", "LoadBalancerTargetGroupARN")
        }
        "DescribeTrafficSources" => target::attached(access, "TrafficSources", "Identifier"),
        "DescribeTags" => tag::describe(access),
        "CreateOrUpdateTags" => tag::change(access, true),
        "DeleteTags" => tag::change(access, false),
        other => Err(fail("InvalidAction", format!("no Auto Scaling operation {other}"))),
    }
}

/// The group that the call names.
pub(super) fn named(access: &mut Access<'_>) -> Result<(String, Value), Failure> {
    let name = text(access.input(), "AutoScalingGroupName").unwrap_or_default().to_owned();
    match access.docs(Service::Autoscaling).get(TABLE, &name) {
        Some(group) => Ok((name, group.clone())),
        None => Err(invalid(format!("AutoScalingGroup name not found - {name}"))),
    }
}

pub(super) fn invalid(message: impl Into<String>) -> Failure {
    fail("ValidationError", message)
}

/// A number, as JSON or as the text of a form.
pub(super) fn number(input: &Value, name: &str) -> Option<i64> {
    input[name].as_i64().or_else(|| text(input, name)?.parse().ok())
}
