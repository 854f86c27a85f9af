//! What groups did: why an instance could not be launched is found here.

use serde_json::{Value, json};

use super::describe::page;
use crate::services::{Access, Service};
use crate::wire::{Outcome, text};

/// No object of anybody's: AWS keeps them for six weeks, whatever becomes of the group.
const TABLE: &str = "+activity";

pub(super) fn note(access: &mut Access<'_>, group: &str, what: &str, failed: Option<&str>) {
    let id = uuid::Uuid::new_v4().to_string();
    let status = if failed.is_some() { "Failed" } else { "Successful" };
    let activity = json!({
        "ActivityId": id, "AutoScalingGroupName": group, "Description": what,
        "Cause": "An instance was started in response to a difference between desired and actual \
                  capacity.",
        "StartTime": access.timestamp(), "EndTime": access.timestamp(), "StatusCode": status,
        "StatusMessage": failed, "Progress": 100,
    });
    let docs = access.docs(Service::Autoscaling);
    // In the order they happened, several in a millisecond too.
    let key = format!("{:08}", docs.all(TABLE).count());
    docs.put(TABLE, &key, activity);
}

pub(super) fn describe(access: &mut Access<'_>) -> Outcome {
    let group = text(access.input(), "AutoScalingGroupName").map(str::to_owned);
    let mut found: Vec<Value> = access
        .docs(Service::Autoscaling)
        .values(TABLE)
        .filter(|it| group.as_deref().is_none_or(|group| it["AutoScalingGroupName"] == group))
        .cloned()
        .collect();
    found.reverse();
    page(access, "Activities", found)
}
