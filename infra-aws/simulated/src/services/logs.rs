//! CloudWatch Logs: log groups.

use serde_json::{Value, json};

use super::{Access, Service};
use crate::wire::{Failure, Outcome, fail, text, texts};

const TABLE: &str = "log-group";
const RETENTION: [u64; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

pub(crate) fn answer(access: &mut Access<'_>) -> Outcome {
    match access.call.operation.as_str() {
        "CreateLogGroup" => create(access),
        "DescribeLogGroups" => Ok(describe(access)),
        "DeleteLogGroup" => {
            let (name, group) = named(access)?;
            if group["deletionProtectionEnabled"] == true {
                return Err(fail(
                    "ValidationException",
                    format!("Log group {name} has deletion protection enabled"),
                ));
            }
            access.docs(Service::Logs).remove(TABLE, &name);
            Ok(json!({}))
        }
        "PutRetentionPolicy" => {
            let days = access.input()["retentionInDays"].as_u64().unwrap_or(0);
            if !RETENTION.contains(&days) {
                return Err(fail(
                    "InvalidParameterException",
                    format!("Invalid parameter: retentionInDays {days}"),
                ));
            }
            set(access, "retentionInDays", json!(days))
        }
        "DeleteRetentionPolicy" => set(access, "retentionInDays", Value::Null),
        "AssociateKmsKey" => {
            let key = access.input()["kmsKeyId"].clone();
            set(access, "kmsKeyId", key)
        }
        "DisassociateKmsKey" => set(access, "kmsKeyId", Value::Null),
        "PutLogGroupDeletionProtection" => {
            let on = access.input()["deletionProtectionEnabled"].clone();
            set(access, "deletionProtectionEnabled", on)
        }
        "TagResource" | "TagLogGroup" => tag(access),
        "UntagResource" | "UntagLogGroup" => untag(access),
        "ListTagsForResource" | "ListTagsLogGroup" => {
            let (_, group) = named(access)?;
            Ok(json!({"tags": group["_tags"]}))
        }
        other => Err(fail("InvalidParameterException", format!("no operation {other}"))),
    }
}

/// The group the call names: by name, identifier or ARN.
fn named(access: &mut Access<'_>) -> Result<(String, Value), Failure> {
    let input = access.input();
    let given = ["logGroupName", "logGroupIdentifier", "resourceArn", "resourceIdentifier"]
        .iter()
        .find_map(|field| text(input, field))
        .unwrap_or_default();
    let name = name_of(given);
    let found = access.docs(Service::Logs).get(TABLE, &name).cloned();
    found
        .map(|group| (name, group))
        .ok_or_else(|| fail("ResourceNotFoundException", "The specified log group does not exist."))
}

fn name_of(given: &str) -> String {
    let name = given.split_once(":log-group:").map_or(given, |(_, name)| name);
    name.trim_end_matches(":*").to_owned()
}

fn set(access: &mut Access<'_>, field: &str, value: Value) -> Outcome {
    let (name, _) = named(access)?;
    if let Some(group) = access.docs(Service::Logs).edit(TABLE, &name) {
        group[field] = value;
    }
    Ok(json!({}))
}

fn create(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let name = text(input, "logGroupName").unwrap_or_default();
    if access.docs(Service::Logs).has(TABLE, name) {
        return Err(fail(
            "ResourceAlreadyExistsException",
            "The specified log group already exists",
        ));
    }
    let arn = format!("arn:aws:logs:{}:{}:log-group:{name}", access.region(), access.account());
    let group = json!({
        "logGroupName": name, "arn": format!("{arn}:*"), "logGroupArn": arn,
        "creationTime": access.now, "storedBytes": 0, "metricFilterCount": 0,
        "logGroupClass": text(input, "logGroupClass").unwrap_or("STANDARD"),
        "kmsKeyId": input["kmsKeyId"],
        "deletionProtectionEnabled": input["deletionProtectionEnabled"] == json!(true),
        "_tags": if input["tags"].is_null() { json!({}) } else { input["tags"].clone() },
    });
    access.docs(Service::Logs).put(TABLE, name, group);
    Ok(json!({}))
}

fn describe(access: &mut Access<'_>) -> Value {
    let input = access.input();
    let prefix = text(input, "logGroupNamePrefix").unwrap_or_default();
    let pattern = text(input, "logGroupNamePattern").unwrap_or_default();
    let wanted: Vec<String> =
        texts(input, "logGroupIdentifiers").iter().map(|it| name_of(it)).collect();
    let all: Vec<Value> = access
        .docs(Service::Logs)
        .all(TABLE)
        .filter(|(name, _)| {
            name.starts_with(prefix)
                && name.contains(pattern)
                && (wanted.is_empty() || wanted.iter().any(|it| it == name))
        })
        .map(|(_, group)| group.clone())
        .collect();
    let start: usize = text(input, "nextToken").and_then(|it| it.parse().ok()).unwrap_or(0);
    let size = input["limit"].as_u64().and_then(|it| it.try_into().ok()).unwrap_or(50_usize);
    let end = (start + size).min(all.len());
    let next = (end < all.len()).then(|| end.to_string());
    let page: Vec<Value> = all.into_iter().skip(start).take(end.saturating_sub(start)).collect();
    json!({"logGroups": page, "nextToken": next})
}

fn tag(access: &mut Access<'_>) -> Outcome {
    let (name, _) = named(access)?;
    let new = access.input()["tags"].as_object().cloned().unwrap_or_default();
    if let Some(group) = access.docs(Service::Logs).edit(TABLE, &name) {
        for (key, value) in new {
            group["_tags"][key] = value;
        }
    }
    Ok(json!({}))
}

fn untag(access: &mut Access<'_>) -> Outcome {
    let (name, _) = named(access)?;
    let input = access.input();
    let mut keys = texts(input, "tagKeys");
    keys.extend(texts(input, "tags"));
    if let Some(group) = access.docs(Service::Logs).edit(TABLE, &name)
        && let Some(tags) = group["_tags"].as_object_mut()
    {
        tags.retain(|key, _| !keys.contains(key));
    }
    Ok(json!({}))
}
