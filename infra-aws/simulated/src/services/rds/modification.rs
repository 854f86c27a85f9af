//! Changing an instance: what waits for the window, what is pending, what is at once.

use serde_json::{Map, Value, json};

use super::instance::{FIELDS, TABLE, find, groups, id};
use super::{engine, parameter_group, secret, subnet_group};
use crate::services::{Access, Service};
use crate::settings::Wait;
use crate::wire::{Outcome, fail, text, texts};
use crate::world;

/// Changes that obey `ApplyImmediately`; all others are made as soon as possible.
const OBEDIENT: [&str; 10] = [
    "DBInstanceClass",
    "AllocatedStorage",
    "StorageType",
    "Iops",
    "StorageThroughput",
    "MultiAZ",
    "BackupRetentionPeriod",
    "IAMDatabaseAuthenticationEnabled",
    "CACertificateIdentifier",
    "EngineVersion",
];

pub(super) fn modify(access: &mut Access<'_>) -> Outcome {
    let (id, input) = (id(access), access.input());
    let old = find(access, &id)?;
    if matches!(old["DBInstanceStatus"].as_str(), Some("creating" | "deleting" | "modifying")) {
        return Err(fail(
            "InvalidDBInstanceState",
            format!("Instance {id} is not in available state"),
        ));
    }
    let mut wanted = Map::new();
    for (parameter, field, _) in FIELDS {
        if let Some(value) = text(input, parameter)
            && old[field] != value
        {
            wanted.insert(field.to_owned(), json!(value));
        }
    }
    if let Some(asked) = text(input, "EngineVersion") {
        let name = old["Engine"].as_str().unwrap_or_default();
        let have = old["EngineVersion"].as_str().unwrap_or_default();
        let version = engine::resolve(name, Some(asked)).ok_or_else(|| {
            fail("InvalidParameterCombination", format!("Cannot find version {asked} for {name}"))
        })?;
        let major = engine::major(&version) != engine::major(have);
        if major && text(input, "AllowMajorVersionUpgrade") != Some("true") {
            return Err(fail(
                "InvalidParameterCombination",
                "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major \
                 version.",
            ));
        }
        if version != have && asked != engine::major(have) {
            wanted.insert("EngineVersion".to_owned(), json!(version));
        }
    }
    let shrinks = wanted.get("AllocatedStorage").is_some_and(|new| {
        let number = |it: &Value| it.as_str().and_then(|it| it.parse::<u64>().ok()).unwrap_or(0);
        number(new) < number(&old["AllocatedStorage"])
    });
    if shrinks {
        return Err(fail(
            "InvalidParameterCombination",
            "Requested storage size cannot be less than the current storage size.",
        ));
    }
    let now = text(input, "ApplyImmediately") == Some("true");
    let (mut pending, mut direct): (Map<String, Value>, Map<String, Value>) =
        wanted.into_iter().partition(|(field, _)| OBEDIENT.contains(&field.as_str()));
    if text(input, "MasterUserPassword").is_some() {
        pending.insert("MasterUserPassword".to_owned(), json!("****"));
    }
    let new_groups = groups(access)?;
    if !new_groups.is_empty() {
        direct.insert("VpcSecurityGroups".to_owned(), json!(new_groups));
    }
    if let Some(name) = text(input, "DBParameterGroupName") {
        let name = name.to_lowercase();
        parameter_group::find(access, &name)?;
        let status =
            json!([{"DBParameterGroupName": name, "ParameterApplyStatus": "pending-reboot"}]);
        if old["DBParameterGroups"][0]["DBParameterGroupName"] != name.as_str() {
            direct.insert("DBParameterGroups".to_owned(), status);
        }
    }
    if let Some(name) = text(input, "DBSubnetGroupName") {
        let group = subnet_group::find(access, &name.to_lowercase())?;
        direct.insert("DBSubnetGroup".to_owned(), group);
    }
    let logs = &input["CloudwatchLogsExportConfiguration"];
    if !logs.is_null() {
        let mut now = texts(&old, "EnabledCloudwatchLogsExports");
        let disable = texts(logs, "DisableLogTypes");
        now.retain(|it| !disable.contains(it));
        now.extend(texts(logs, "EnableLogTypes"));
        now.sort();
        now.dedup();
        direct.insert("EnabledCloudwatchLogsExports".to_owned(), json!(now));
    }
    if let Some(port) = text(input, "DBPortNumber") {
        direct.insert("Endpoint".to_owned(), json!({"Port": port}));
    }
    match text(input, "ManageMasterUserPassword") {
        Some("true") if old["MasterUserSecret"].is_null() => {
            let username = old["MasterUsername"].as_str().unwrap_or("postgres").to_owned();
            direct.insert("MasterUserSecret".to_owned(), secret::make(access, &username)?);
        }
        Some("false") if old["MasterUserSecret"].is_object() => {
            secret::remove(access, &old["MasterUserSecret"]);
            direct.insert("MasterUserSecret".to_owned(), Value::Null);
        }
        _ => {}
    }
    apply(access, &id, pending, direct, now);
    Ok(json!({"DBInstance": find(access, &id)?}))
}

/// `available` for a few seconds more, then `modifying`, then `available` with the new values.
fn apply(
    access: &mut Access<'_>,
    id: &str,
    mut pending: Map<String, Value>,
    direct: Map<String, Value>,
    now: bool,
) {
    let starts = access.after(Wait::DatabaseModifyStarts);
    let done = starts + Wait::DatabaseModifying.millis(access.durations);
    let Some(instance) = access.docs(Service::Rds).edit(TABLE, id) else { return };
    let nothing = direct.is_empty() && (pending.is_empty() || !now);
    let shown = pending.clone();
    let mut finished = Map::new();
    if now {
        pending.remove("MasterUserPassword");
        finished.append(&mut pending);
        finished.insert("PendingModifiedValues".to_owned(), Value::Null);
    }
    finished.extend(direct);
    finished.insert("DBInstanceStatus".to_owned(), json!("available"));
    if !shown.is_empty() {
        let mut all = instance["PendingModifiedValues"].as_object().cloned().unwrap_or_default();
        all.extend(shown);
        instance["PendingModifiedValues"] = Value::Object(all);
    }
    if !nothing {
        world::plan(
            instance,
            &[(starts, json!({"DBInstanceStatus": "modifying"})), (done, Value::Object(finished))],
        );
    }
}

/// A reboot applies static parameters.
pub(super) fn reboot(access: &mut Access<'_>) -> Outcome {
    let id = id(access);
    let old = find(access, &id)?;
    if old["DBInstanceStatus"] != "available" {
        return Err(fail("InvalidDBInstanceState", format!("Instance {id} is not available")));
    }
    let done = access.after(Wait::DatabaseModifying);
    let Some(instance) = access.docs(Service::Rds).edit(TABLE, &id) else {
        return find(access, &id);
    };
    instance["DBInstanceStatus"] = json!("rebooting");
    let mut groups = instance["DBParameterGroups"].clone();
    groups[0]["ParameterApplyStatus"] = json!("in-sync");
    let after = json!({"DBInstanceStatus": "available", "DBParameterGroups": groups});
    world::plan(instance, &[(done, after)]);
    Ok(json!({"DBInstance": instance}))
}
