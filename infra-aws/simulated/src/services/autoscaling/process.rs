//! What a group does not do for now, and which metrics it sends.

use serde_json::{Value, json};

use super::dispatch::{TABLE, invalid, named};
use crate::services::{Access, Service};
use crate::wire::{Outcome, texts};

const PROCESSES: [&str; 9] = [
    "AddToLoadBalancer",
    "AlarmNotification",
    "AZRebalance",
    "HealthCheck",
    "InstanceRefresh",
    "Launch",
    "ReplaceUnhealthy",
    "ScheduledActions",
    "Terminate",
];

const METRICS: [&str; 8] = [
    "GroupMinSize",
    "GroupMaxSize",
    "GroupDesiredCapacity",
    "GroupInServiceInstances",
    "GroupPendingInstances",
    "GroupStandbyInstances",
    "GroupTerminatingInstances",
    "GroupTotalInstances",
];

/// Whether the group does not do this for now.
pub(super) fn is_suspended(group: &Value, process: &str) -> bool {
    let suspended = group["SuspendedProcesses"].as_array().into_iter().flatten();
    suspended.into_iter().any(|it| it["ProcessName"] == process)
}

pub(super) fn suspend(access: &mut Access<'_>) -> Outcome {
    let asked = texts(access.input(), "ScalingProcesses");
    if let Some(wrong) = asked.iter().find(|it| !PROCESSES.contains(&it.as_str())) {
        return Err(invalid(format!("'{wrong}' is not a valid scaling process")));
    }
    let asked = if asked.is_empty() { PROCESSES.map(str::to_owned).to_vec() } else { asked };
    let reason = format!("User suspended at {}", access.timestamp());
    let row = |name: &String| json!({"ProcessName": name, "SuspensionReason": reason});
    change(access, "SuspendedProcesses", "ProcessName", &asked, Some(&row))
}

pub(super) fn resume(access: &mut Access<'_>) -> Outcome {
    let asked = texts(access.input(), "ScalingProcesses");
    let asked = if asked.is_empty() { PROCESSES.map(str::to_owned).to_vec() } else { asked };
    change(access, "SuspendedProcesses", "ProcessName", &asked, None)?;
    let (name, _) = named(access)?;
    super::group::fill(access, &name);
    Ok(json!({}))
}

pub(super) fn enable_metrics(access: &mut Access<'_>) -> Outcome {
    let asked = texts(access.input(), "Metrics");
    let asked = if asked.is_empty() { METRICS.map(str::to_owned).to_vec() } else { asked };
    let row = |name: &String| json!({"Metric": name, "Granularity": "1Minute"});
    change(access, "EnabledMetrics", "Metric", &asked, Some(&row))
}

pub(super) fn disable_metrics(access: &mut Access<'_>) -> Outcome {
    let asked = texts(access.input(), "Metrics");
    let asked = if asked.is_empty() { METRICS.map(str::to_owned).to_vec() } else { asked };
    change(access, "EnabledMetrics", "Metric", &asked, None)
}

/// Takes the named rows out of a list of the group, and puts them in again where there is a `row`.
fn change(
    access: &mut Access<'_>,
    set: &str,
    field: &str,
    names: &[String],
    row: Option<&dyn Fn(&String) -> Value>,
) -> Outcome {
    let (name, _) = named(access)?;
    if let Some(group) = access.docs(Service::Autoscaling).edit(TABLE, &name) {
        let mut rows = group[set].as_array().cloned().unwrap_or_default();
        rows.retain(|old| !names.iter().any(|name| old[field] == name.as_str()));
        rows.extend(names.iter().filter_map(|name| row.map(|row| row(name))));
        group[set] = json!(rows);
    }
    Ok(json!({}))
}
