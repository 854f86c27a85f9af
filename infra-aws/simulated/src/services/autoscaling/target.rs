//! What a group's instances are registered with.

use serde_json::{Value, json};

use super::dispatch::{TABLE, invalid, named};
use crate::services::{Access, Service, neighbour};
use crate::wire::{Failure, Outcome, list, text, texts};

pub(super) fn groups(access: &mut Access<'_>, on: bool) -> Outcome {
    attach(access, &texts(access.input(), "TargetGroupARNs"), on)
}

pub(super) fn sources(access: &mut Access<'_>, on: bool) -> Outcome {
    let sources = list(access.input(), "TrafficSources");
    let sources = sources.into_iter().filter_map(|source| text(source, "Identifier"));
    attach(access, &sources.map(str::to_owned).collect::<Vec<_>>(), on)
}

/// The target groups as far as this world can tell.
pub(super) fn check(access: &mut Access<'_>, arns: &[String]) -> Result<(), Failure> {
    let look = neighbour::is_here(access, Service::Elbv2);
    let unknown = |arn: &&String| {
        !arn.contains(":targetgroup/")
            || look && !access.docs(Service::Elbv2).has("target-group", arn)
    };
    let wrong = arns.iter().find({
        let mut unknown = unknown;
        move |arn| unknown(arn)
    });
    match wrong {
        None => Ok(()),
        Some(arn) => Err(invalid(format!("Provided Target Groups may not be valid: {arn}"))),
    }
}

/// Attaching registers the instances, and is done at once: target groups are asked by health.
fn attach(access: &mut Access<'_>, arns: &[String], on: bool) -> Outcome {
    let (name, _) = named(access)?;
    if on {
        check(access, arns)?;
    }
    if let Some(group) = access.docs(Service::Autoscaling).edit(TABLE, &name) {
        let mut now: Vec<Value> = group["TargetGroupARNs"].as_array().cloned().unwrap_or_default();
        now.retain(|it| !arns.iter().any(|arn| it == arn.as_str()));
        if on {
            now.extend(arns.iter().map(|arn| json!(arn)));
        }
        group["TrafficSources"] =
            now.iter().map(|arn| json!({"Identifier": arn, "Type": "elbv2"})).collect();
        group["TargetGroupARNs"] = json!(now);
    }
    Ok(json!({}))
}

/// Classic load balancers are not played: their names are kept.
pub(super) fn balancers(access: &mut Access<'_>, on: bool) -> Outcome {
    let (name, _) = named(access)?;
    let names = texts(access.input(), "LoadBalancerNames");
    if let Some(group) = access.docs(Service::Autoscaling).edit(TABLE, &name) {
        let mut now = texts(group, "LoadBalancerNames");
        now.retain(|it| !names.contains(it));
        if on {
            now.extend(names);
        }
        group["LoadBalancerNames"] = json!(now);
    }
    Ok(json!({}))
}

pub(super) fn attached(access: &mut Access<'_>, set: &str, field: &str) -> Outcome {
    let (_, group) = named(access)?;
    let rows: Vec<Value> = group["TargetGroupARNs"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|arn| json!({field: arn, "State": "InService", "Type": "elbv2"}))
        .collect();
    Ok(json!({set: rows}))
}
