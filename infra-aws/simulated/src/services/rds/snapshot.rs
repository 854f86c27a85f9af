//! Snapshots: the final ones that deleting an instance leaves.

use serde_json::{Value, json};

use super::route::page;
use crate::services::{Access, Service};
use crate::wire::{Failure, Outcome, fail, text};

const TABLE: &str = "snapshot";

pub(super) fn check_free(access: &mut Access<'_>, id: &str) -> Result<(), Failure> {
    if access.docs(Service::Rds).has(TABLE, id) {
        return Err(fail(
            "DBSnapshotAlreadyExists",
            format!("Cannot create the snapshot because one with the identifier {id} exists."),
        ));
    }
    Ok(())
}

pub(super) fn take(access: &mut Access<'_>, id: &str, instance: &Value) {
    let (region, account) = (access.region(), access.account());
    let mut snapshot = json!({
        "DBSnapshotIdentifier": id, "Status": "available", "SnapshotType": "manual",
        "DBSnapshotArn": format!("arn:aws:rds:{region}:{account}:snapshot:{id}"),
        "SnapshotCreateTime": access.timestamp(), "PercentProgress": 100,
        "_tags": if instance["CopyTagsToSnapshot"] == "true" { instance["_tags"].clone() }
            else { json!([]) },
    });
    for field in [
        "DBInstanceIdentifier",
        "Engine",
        "EngineVersion",
        "AllocatedStorage",
        "MasterUsername",
        "KmsKeyId",
        "DbiResourceId",
    ] {
        snapshot[field] = instance[field].clone();
    }
    snapshot["Encrypted"] = instance["StorageEncrypted"].clone();
    access.docs(Service::Rds).put(TABLE, id, snapshot);
}

fn missing(id: &str) -> Failure {
    fail("DBSnapshotNotFound", format!("DBSnapshot {id} not found.")).status(404)
}

pub(super) fn describe(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let (id, of) = (text(input, "DBSnapshotIdentifier"), text(input, "DBInstanceIdentifier"));
    let all: Vec<Value> = access
        .docs(Service::Rds)
        .all(TABLE)
        .filter(|(key, it)| {
            id.is_none_or(|id| id == *key) && of.is_none_or(|of| it["DBInstanceIdentifier"] == of)
        })
        .map(|(_, it)| it.clone())
        .collect();
    match id {
        Some(id) if all.is_empty() => Err(missing(id)),
        _ => Ok(page(access, "DBSnapshots", all)),
    }
}

pub(super) fn delete(access: &mut Access<'_>) -> Outcome {
    let id = text(access.input(), "DBSnapshotIdentifier").unwrap_or_default();
    let gone = access.docs(Service::Rds).remove(TABLE, id).ok_or_else(|| missing(id))?;
    Ok(json!({"DBSnapshot": gone}))
}
