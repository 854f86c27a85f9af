//! Tags by ARN.

use serde_json::{Value, json};

use super::automated_backup;
use crate::services::{Access, Service};
use crate::wire::{self, Failure, Outcome, fail, text, texts};

const ARNS: [(&str, &str); 5] = [
    ("instance", "DBInstanceArn"),
    ("subnet-group", "DBSubnetGroupArn"),
    ("parameter-group", "DBParameterGroupArn"),
    ("snapshot", "DBSnapshotArn"),
    (automated_backup::TABLE, "DBInstanceAutomatedBackupsArn"),
];

/// The tags a create call gives.
pub(super) fn given(input: &Value) -> Value {
    wire::list(input, "Tags")
        .into_iter()
        .map(|tag| json!({"Key": tag["Key"], "Value": text(tag, "Value").unwrap_or("")}))
        .collect()
}

fn locate(access: &mut Access<'_>) -> Result<(&'static str, String), Failure> {
    let arn = text(access.input(), "ResourceName").unwrap_or_default();
    let docs = access.docs(Service::Rds);
    ARNS.iter()
        .find_map(|(table, field)| {
            docs.all(table).find(|(_, it)| it[*field] == arn).map(|(id, _)| (*table, id.to_owned()))
        })
        .ok_or_else(|| {
            let code = match arn.split(':').nth(5) {
                Some("subgrp") => "DBSubnetGroupNotFoundFault",
                Some("pg") => "DBParameterGroupNotFound",
                Some("snapshot") => "DBSnapshotNotFound",
                Some("auto-backup") => "DBInstanceAutomatedBackupNotFound",
                _ => "DBInstanceNotFound",
            };
            fail(code, format!("Could not find the resource for {arn}")).status(404)
        })
}

fn change(access: &mut Access<'_>, gone: &[String], new: &Value) -> Outcome {
    let (table, id) = locate(access)?;
    if let Some(document) = access.docs(Service::Rds).edit(table, &id) {
        let mut tags = document["_tags"].as_array().cloned().unwrap_or_default();
        let new = new.as_array().cloned().unwrap_or_default();
        tags.retain(|tag| {
            !gone.iter().any(|key| tag["Key"] == key.as_str())
                && !new.iter().any(|it| it["Key"] == tag["Key"])
        });
        tags.extend(new);
        if table == "instance" || table == automated_backup::TABLE {
            document["TagList"] = json!(tags);
        }
        document["_tags"] = json!(tags);
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

pub(super) fn list(access: &mut Access<'_>) -> Outcome {
    let (table, id) = locate(access)?;
    let tags = access.docs(Service::Rds).get(table, &id).map(|it| it["_tags"].clone());
    Ok(json!({"TagList": tags}))
}
