//! Targets and their health.

use serde_json::{Value, json};

use super::route::named;
use crate::services::{Access, Service};
use crate::settings::Wait;
use crate::wire::{Outcome, list, text};
use crate::world;

const TABLE: &str = "target";

fn target(given: &Value, group: &Value) -> Value {
    let mut target = json!({
        "Id": given["Id"],
        "Port": text(given, "Port").map_or_else(|| group["Port"].clone(), |it| json!(it)),
    });
    if let Some(zone) = text(given, "AvailabilityZone") {
        target["AvailabilityZone"] = json!(zone);
    }
    target
}

fn key(group: &str, target: &Value) -> String {
    format!("{group}|{}|{}", target["Id"], target["Port"])
}

/// Initial, then healthy: what is behind a target is not simulated.
pub(super) fn register(access: &mut Access<'_>) -> Outcome {
    let (arn, group) = named(access, "target-group", "TargetGroupArn")?;
    let healthy = access.after(Wait::TargetHealthy);
    for given in list(access.input(), "Targets") {
        let target = target(given, &group);
        let mut row = json!({
            "Target": target, "HealthCheckPort": target["Port"],
            "TargetHealth": {"State": "initial", "Reason": "Elb.RegistrationInProgress"},
        });
        let after = json!({"TargetHealth": {"State": "healthy", "Reason": null}});
        world::plan(&mut row, &[(healthy, after)]);
        let key = key(&arn, &target);
        let docs = access.docs(Service::Elbv2);
        let draining =
            docs.get(TABLE, &key).is_some_and(|it| it["TargetHealth"]["State"] == "draining");
        if draining || !docs.has(TABLE, &key) {
            docs.put(TABLE, &key, row);
        }
    }
    Ok(json!({}))
}

pub(super) fn deregister(access: &mut Access<'_>) -> Outcome {
    let (arn, group) = named(access, "target-group", "TargetGroupArn")?;
    let gone = access.after(Wait::TargetDraining);
    for given in list(access.input(), "Targets") {
        let key = key(&arn, &target(given, &group));
        // "If the specified target does not exist, the action returns successfully." (ELB API reference.)
        let Some(row) = access.docs(Service::Elbv2).edit(TABLE, &key) else { continue };
        row["TargetHealth"] =
            json!({"State": "draining", "Reason": "Target.DeregistrationInProgress"});
        world::plan(row, &[(gone, Value::Null)]);
    }
    Ok(json!({}))
}

/// Registered targets, and the instances of attached Auto Scaling groups; unused without a
/// listener.
pub(super) fn health(access: &mut Access<'_>) -> Outcome {
    let (arn, group) = named(access, "target-group", "TargetGroupArn")?;
    let used = access
        .docs(Service::Elbv2)
        .values("listener")
        .any(|listener| super::listener::uses(listener, &json!(arn)));
    let mut rows: Vec<Value> = access
        .docs(Service::Elbv2)
        .all(TABLE)
        .filter(|(key, _)| key.split('|').next() == Some(arn.as_str()))
        .map(|(_, row)| row.clone())
        .collect();
    for asg in access.docs(Service::Autoscaling).values("group") {
        let attached = asg["TargetGroupARNs"]
            .as_array()
            .is_some_and(|all| all.iter().any(|it| it == arn.as_str()));
        for instance in asg["Instances"].as_array().into_iter().flatten().filter(|_| attached) {
            rows.push(json!({
                "Target": {"Id": instance["InstanceId"], "Port": group["Port"]},
                "HealthCheckPort": group["Port"], "TargetHealth": {"State": "healthy"},
            }));
        }
    }
    if !used {
        for row in &mut rows {
            row["TargetHealth"] = json!({
                "State": "unused", "Reason": "Target.NotInUse",
                "Description": "Target group is not configured to receive traffic from the load \
                                balancer",
            });
        }
    }
    let wanted = list(access.input(), "Targets");
    if !wanted.is_empty() {
        rows.retain(|row| wanted.iter().any(|it| it["Id"] == row["Target"]["Id"]));
    }
    Ok(json!({"TargetHealthDescriptions": rows}))
}
