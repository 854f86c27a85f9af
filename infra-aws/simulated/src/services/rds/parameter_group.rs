//! DB parameter groups.

use serde_json::{Value, json};

use super::route::page;
use super::tag;
use crate::services::{Access, Service};
use crate::wire::{Failure, Outcome, fail, list, text};

const TABLE: &str = "parameter-group";
/// Parameters that need a reboot.
const STATIC: [&str; 7] = [
    "shared_preload_libraries",
    "max_connections",
    "shared_buffers",
    "wal_buffers",
    "max_worker_processes",
    "max_replication_slots",
    "rds.logical_replication",
];

fn name(access: &Access<'_>) -> String {
    text(access.input(), "DBParameterGroupName").unwrap_or_default().to_lowercase()
}

/// A group; the defaults of AWS exist without being made.
pub(super) fn find(access: &mut Access<'_>, name: &str) -> Result<Value, Failure> {
    if let Some(family) = name.strip_prefix("default.") {
        return Ok(json!({
            "DBParameterGroupName": name, "DBParameterGroupFamily": family,
            "Description": "Default parameter group", "_parameters": {},
        }));
    }
    access.docs(Service::Rds).get(TABLE, name).cloned().ok_or_else(|| {
        fail("DBParameterGroupNotFound", format!("DBParameterGroup not found: {name}")).status(404)
    })
}

pub(super) fn create(access: &mut Access<'_>) -> Outcome {
    let (name, input) = (name(access), access.input());
    if access.docs(Service::Rds).has(TABLE, &name) {
        return Err(fail(
            "DBParameterGroupAlreadyExists",
            format!("Parameter group {name} already exists"),
        ));
    }
    let family = text(input, "DBParameterGroupFamily").unwrap_or_default();
    if !["postgres", "mysql", "mariadb", "aurora", "sqlserver", "oracle", "db2"]
        .iter()
        .any(|engine| family.starts_with(engine))
    {
        return Err(fail(
            "InvalidParameterValue",
            format!("ParameterGroupFamily {family} is not a valid parameter group family"),
        ));
    }
    let (region, account) = (access.region(), access.account());
    let group = json!({
        "DBParameterGroupName": name, "DBParameterGroupFamily": family,
        "Description": input["Description"],
        "DBParameterGroupArn": format!("arn:aws:rds:{region}:{account}:pg:{name}"),
        "_parameters": {}, "_tags": tag::given(input),
    });
    access.docs(Service::Rds).put(TABLE, &name, group.clone());
    Ok(json!({"DBParameterGroup": group}))
}

pub(super) fn describe(access: &mut Access<'_>) -> Outcome {
    if text(access.input(), "DBParameterGroupName").is_some() {
        let name = name(access);
        return Ok(json!({"DBParameterGroups": [find(access, &name)?]}));
    }
    let all = access.docs(Service::Rds).values(TABLE).cloned().collect();
    Ok(page(access, "DBParameterGroups", all))
}

/// What was set (`Source=user`); engine defaults are not listed.
pub(super) fn parameters(access: &mut Access<'_>) -> Outcome {
    let name = name(access);
    let group = find(access, &name)?;
    if text(access.input(), "Source").is_some_and(|source| source != "user") {
        return Ok(json!({"Parameters": []}));
    }
    let all: Vec<Value> =
        group["_parameters"].as_object().into_iter().flatten().map(|(_, it)| it.clone()).collect();
    Ok(page(access, "Parameters", all))
}

/// At most twenty parameters a call; static ones cannot be immediate.
pub(super) fn modify(access: &mut Access<'_>) -> Outcome {
    let name = name(access);
    find(access, &name)?;
    let given = list(access.input(), "Parameters");
    if given.len() > 20 {
        return Err(fail("InvalidParameterValue", "at most 20 parameters can be modified at once"));
    }
    for parameter in &given {
        let key = text(parameter, "ParameterName").unwrap_or_default();
        if STATIC.contains(&key) && parameter["ApplyMethod"] == "immediate" {
            return Err(fail(
                "InvalidParameterCombination",
                format!("cannot use immediate apply method for static parameter {key}"),
            ));
        }
    }
    if let Some(group) = access.docs(Service::Rds).edit(TABLE, &name) {
        for parameter in given {
            let key = text(parameter, "ParameterName").unwrap_or_default();
            let kind = if STATIC.contains(&key) { "static" } else { "dynamic" };
            group["_parameters"][key] = json!({
                "ParameterName": key, "ParameterValue": parameter["ParameterValue"],
                "ApplyMethod": parameter["ApplyMethod"], "Source": "user", "ApplyType": kind,
                "IsModifiable": true,
            });
        }
    }
    Ok(json!({"DBParameterGroupName": name}))
}

pub(super) fn reset(access: &mut Access<'_>) -> Outcome {
    let name = name(access);
    find(access, &name)?;
    let input = access.input();
    let all = text(input, "ResetAllParameters") == Some("true");
    let names: Vec<&str> =
        list(input, "Parameters").into_iter().filter_map(|it| text(it, "ParameterName")).collect();
    if let Some(group) = access.docs(Service::Rds).edit(TABLE, &name)
        && let Some(parameters) = group["_parameters"].as_object_mut()
    {
        parameters.retain(|key, _| !all && !names.contains(&key.as_str()));
    }
    Ok(json!({"DBParameterGroupName": name}))
}

pub(super) fn delete(access: &mut Access<'_>) -> Outcome {
    let name = name(access);
    find(access, &name)?;
    let docs = access.docs(Service::Rds);
    let used = docs
        .values("instance")
        .any(|instance| instance["DBParameterGroups"][0]["DBParameterGroupName"] == name.as_str());
    if used || name.starts_with("default.") {
        return Err(fail(
            "InvalidDBParameterGroupState",
            "One or more database instances are still members of this parameter group, so the \
             group cannot be deleted",
        ));
    }
    docs.remove(TABLE, &name);
    Ok(json!({}))
}
