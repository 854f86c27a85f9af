//! Operation by operation.

use serde_json::{Value, json};

use super::{
    automated_backup, engine, instance, modification, parameter_group, snapshot, subnet_group, tag,
};
use crate::services::Access;
use crate::wire::{Outcome, fail, text};

pub(crate) fn answer(access: &mut Access<'_>) -> Outcome {
    match access.call.operation.as_str() {
        "CreateDBSubnetGroup" => subnet_group::create(access),
        "DescribeDBSubnetGroups" => subnet_group::describe(access),
        "ModifyDBSubnetGroup" => subnet_group::modify(access),
        "DeleteDBSubnetGroup" => subnet_group::delete(access),
        "CreateDBParameterGroup" => parameter_group::create(access),
        "DescribeDBParameterGroups" => parameter_group::describe(access),
        "DescribeDBParameters" => parameter_group::parameters(access),
        "ModifyDBParameterGroup" => parameter_group::modify(access),
        "ResetDBParameterGroup" => parameter_group::reset(access),
        "DeleteDBParameterGroup" => parameter_group::delete(access),
        "CreateDBInstance" => instance::create(access),
        "DescribeDBInstances" => instance::describe(access),
        "ModifyDBInstance" => modification::modify(access),
        "RebootDBInstance" => modification::reboot(access),
        "DeleteDBInstance" => instance::delete(access),
        "DescribeDBSnapshots" => snapshot::describe(access),
        "DeleteDBSnapshot" => snapshot::delete(access),
        "StartDBInstanceAutomatedBackupsReplication" => automated_backup::start(access),
        "StopDBInstanceAutomatedBackupsReplication" => automated_backup::stop(access),
        "DescribeDBInstanceAutomatedBackups" => automated_backup::describe(access),
        "DeleteDBInstanceAutomatedBackup" => automated_backup::delete(access),
        "AddTagsToResource" => tag::add(access),
        "RemoveTagsFromResource" => tag::remove(access),
        "ListTagsForResource" => tag::list(access),
        "DescribeDBEngineVersions" => Ok(engine::versions(access)),
        "DescribeOrderableDBInstanceOptions" => Ok(engine::orderable(access)),
        other => Err(fail("InvalidAction", format!("no RDS operation {other}"))),
    }
}

/// One page: `Marker` and `MaxRecords`.
pub(super) fn page(access: &Access<'_>, set: &str, all: Vec<Value>) -> Value {
    let input = access.input();
    let start: usize = text(input, "Marker").and_then(|it| it.parse().ok()).unwrap_or(0);
    let size = text(input, "MaxRecords").and_then(|it| it.parse().ok()).unwrap_or(100_usize);
    let end = start.saturating_add(size).min(all.len());
    let marker = (end < all.len()).then(|| end.to_string());
    let shown: Vec<Value> = all.into_iter().skip(start).take(end.saturating_sub(start)).collect();
    json!({set: shown, "Marker": marker})
}
