//! Tags by ARN.

use serde_json::{Value, json};

use super::route::missing;
use crate::services::{Access, Service};
use crate::wire::Outcome;

const ARNS: [(&str, &str); 5] = [
    ("cluster", "arn"),
    ("nodegroup", "nodegroupArn"),
    ("addon", "addonArn"),
    ("access-entry", "accessEntryArn"),
    ("pod-identity", "associationArn"),
];

fn locate(access: &mut Access<'_>, arn: &str) -> Option<(&'static str, String)> {
    let docs = access.docs(Service::Eks);
    ARNS.iter().find_map(|(table, field)| {
        docs.all(table).find(|(_, it)| it[*field] == arn).map(|(key, _)| (*table, key.to_owned()))
    })
}

fn change(access: &mut Access<'_>, arn: &str, change: impl FnOnce(&mut Value)) -> Outcome {
    let (table, key) = locate(access, arn).ok_or_else(|| missing("resource", arn))?;
    if let Some(document) = access.docs(Service::Eks).edit(table, &key) {
        change(&mut document["tags"]);
    }
    Ok(json!({}))
}

pub(super) fn put(access: &mut Access<'_>, arn: &str) -> Outcome {
    let new = access.input()["tags"].as_object().cloned().unwrap_or_default();
    change(access, arn, |tags| {
        for (key, value) in new {
            tags[key] = value;
        }
    })
}

pub(super) fn remove(access: &mut Access<'_>, arn: &str) -> Outcome {
    let query = &access.call.query;
    change(access, arn, |tags| {
        if let Some(tags) = tags.as_object_mut() {
            tags.retain(|key, _| {
                !query.iter().any(|(name, value)| name == "tagKeys" && value == key)
            });
        }
    })
}

pub(super) fn list(access: &mut Access<'_>, arn: &str) -> Outcome {
    let (table, key) = locate(access, arn).ok_or_else(|| missing("resource", arn))?;
    let tags = access.docs(Service::Eks).get(table, &key).map(|it| it["tags"].clone());
    Ok(json!({"tags": tags}))
}
