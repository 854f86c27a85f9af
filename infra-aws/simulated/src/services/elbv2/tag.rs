//! Tags by ARN.

use serde_json::{Value, json};

use crate::services::{Access, Service};
use crate::wire::{Failure, Outcome, fail, list, text, texts};

const TABLES: [&str; 3] = ["load-balancer", "target-group", "listener"];

/// The tags a create call gives.
pub(super) fn given(input: &Value) -> Value {
    list(input, "Tags")
        .into_iter()
        .map(|tag| json!({"Key": tag["Key"], "Value": text(tag, "Value").unwrap_or("")}))
        .collect()
}

fn table(access: &mut Access<'_>, arn: &str) -> Result<&'static str, Failure> {
    let docs = access.docs(Service::Elbv2);
    TABLES.into_iter().find(|table| docs.has(table, arn)).ok_or_else(|| {
        let table = if arn.contains(":loadbalancer/") {
            "load-balancer"
        } else if arn.contains(":targetgroup/") {
            "target-group"
        } else {
            "listener"
        };
        super::route::missing(table, arn)
    })
}

fn change(access: &mut Access<'_>, gone: &[String], new: &Value) -> Outcome {
    for arn in texts(access.input(), "ResourceArns") {
        let table = table(access, &arn)?;
        if let Some(document) = access.docs(Service::Elbv2).edit(table, &arn) {
            let mut tags = document["_tags"].as_array().cloned().unwrap_or_default();
            let new = new.as_array().cloned().unwrap_or_default();
            tags.retain(|tag| {
                !gone.iter().any(|key| tag["Key"] == key.as_str())
                    && !new.iter().any(|it| it["Key"] == tag["Key"])
            });
            tags.extend(new);
            document["_tags"] = json!(tags);
        }
    }
    Ok(json!({}))
}

pub(super) fn add(access: &mut Access<'_>) -> Outcome {
    let new = given(access.input());
    change(access, &[], &new)
}

pub(super) fn remove(access: &mut Access<'_>) -> Outcome {
    let keys = texts(access.input(), "TagKeys");
    change(access, &keys, &json!([]))
}

/// At most twenty ARNs a call.
pub(super) fn describe(access: &mut Access<'_>) -> Outcome {
    let arns = texts(access.input(), "ResourceArns");
    if arns.len() > 20 {
        return Err(fail("ValidationError", "at most 20 resources can be described at once"));
    }
    let mut rows = Vec::new();
    for arn in arns {
        let table = table(access, &arn)?;
        let tags = access.docs(Service::Elbv2).get(table, &arn).map(|it| it["_tags"].clone());
        rows.push(json!({"ResourceArn": arn, "Tags": tags}));
    }
    Ok(json!({"TagDescriptions": rows}))
}
