//! Tags of groups.

use serde_json::{Value, json};

use super::dispatch::{TABLE, invalid};
use crate::services::{Access, Service};
use crate::wire::{Outcome, flags, list, text};

/// The tag as it is kept.
pub(super) fn kept(given: &Value, group: &str) -> Value {
    json!({
        "Key": given["Key"], "Value": text(given, "Value").unwrap_or_default(),
        "PropagateAtLaunch": flags(given, "PropagateAtLaunch").unwrap_or(false),
        "ResourceId": group, "ResourceType": "auto-scaling-group",
    })
}

pub(super) fn describe(access: &mut Access<'_>) -> Outcome {
    let all: Vec<Value> = access
        .docs(Service::Autoscaling)
        .values(TABLE)
        .flat_map(|group| group["Tags"].as_array().cloned().unwrap_or_default())
        .collect();
    Ok(json!({"Tags": all}))
}

pub(super) fn change(access: &mut Access<'_>, on: bool) -> Outcome {
    for tag in list(access.input(), "Tags") {
        let name = text(tag, "ResourceId").unwrap_or_default();
        let Some(group) = access.docs(Service::Autoscaling).edit(TABLE, name) else {
            return Err(invalid(format!("AutoScalingGroup name not found - {name}")));
        };
        if let Some(tags) = group["Tags"].as_array_mut() {
            tags.retain(|old| old["Key"] != tag["Key"]);
            if on {
                tags.push(kept(tag, name));
            }
        }
    }
    Ok(json!({}))
}
