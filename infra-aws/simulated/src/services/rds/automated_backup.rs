//! Automated backups replicated from another region. The call comes to the region they go to, and names the instance
//! where it is. (RDS user guide, "Replicating automated backups to another AWS Region".)

use serde_json::{Value, json};

use super::route::page;
use super::{instance, tag};
use crate::services::access::digest;
use crate::services::{Access, Service, neighbour};
use crate::settings::Wait;
use crate::wire::{Failure, Outcome, fail, list, text, texts};
use crate::world::{self, CellId};

pub(super) const TABLE: &str = "automated-backup";

/// What the backup shows of the instance it is of.
const OF_INSTANCE: [&str; 12] = [
    "DBInstanceArn",
    "DbiResourceId",
    "DBInstanceIdentifier",
    "AllocatedStorage",
    "AvailabilityZone",
    "InstanceCreateTime",
    "MasterUsername",
    "Engine",
    "EngineVersion",
    "LicenseModel",
    "StorageType",
    "IAMDatabaseAuthenticationEnabled",
];

/// Where an instance is, and what it is called there.
struct Source {
    arn: String,
    place: CellId,
    id: String,
}

fn source(access: &Access<'_>) -> Result<Source, Failure> {
    let arn = text(access.input(), "SourceDBInstanceArn").unwrap_or_default().to_owned();
    let parts: Vec<&str> = arn.splitn(7, ':').collect();
    match parts[..] {
        ["arn", _, "rds", region, account, "db", id] => {
            let place = CellId::new(account, region, Service::Rds);
            let id = id.to_lowercase();
            Ok(Source { arn, place, id })
        }
        _ => Err(fail("InvalidParameterValue", format!("Invalid source DB instance ARN: {arn}"))),
    }
}

fn missing(id: &str) -> Failure {
    fail("DBInstanceNotFound", format!("DBInstance {id} not found.")).status(404)
}

/// Of one instance there is one replicated backup a region, whatever becomes of it.
fn name(arn: &str, region: &str) -> String {
    format!("ab-{}", digest(format!("{arn} {region}"), 32))
}

pub(super) fn start(access: &mut Access<'_>) -> Outcome {
    let (input, region) = (access.input(), access.region());
    let source = source(access)?;
    let docs = access.world.docs(&source.place);
    let instance = docs.and_then(|docs| docs.get(instance::TABLE, &source.id)).cloned();
    let instance = instance.ok_or_else(|| missing(&source.id))?;
    if source.place.region == region {
        let message = "The source and destination Regions of a replication must not be the same.";
        return Err(fail("InvalidParameterValue", message));
    }
    let refused = |message: String| Err(fail("InvalidDBInstanceState", message));
    if instance["DBInstanceStatus"] != "available" {
        return refused(format!("DB instance {} is not in the available state.", source.id));
    }
    if instance["BackupRetentionPeriod"] == "0" {
        return refused(format!("Automated backups are not enabled for {}.", source.id));
    }
    let name = name(&source.arn, region);
    let old = access.docs(Service::Rds).get(TABLE, &name).cloned();
    if old.as_ref().is_some_and(|old| old["Status"] != "retained") {
        return refused(format!("DB instance {} is already replicating to {region}.", source.id));
    }
    let retention = text(input, "BackupRetentionPeriod").unwrap_or("7");
    if !retention.parse().is_ok_and(|days| (1..=35).contains(&days)) {
        let message = format!("Invalid backup retention period: {retention}");
        return Err(fail("InvalidParameterValue", message));
    }
    let key = key(access, &instance)?;
    if old.as_ref().is_some_and(|old| old["KmsKeyId"] != key) {
        let message = "The KMS key is not the one that the retained backups are encrypted with.";
        return Err(fail("InvalidParameterValue", message));
    }
    let arn = format!("arn:aws:rds:{region}:{}:auto-backup:{name}", access.account());
    let mut backup = json!({
        "Region": source.place.region, "Status": "pending", "KmsKeyId": key,
        "Encrypted": instance["StorageEncrypted"], "Port": instance["_port"],
        "BackupRetentionPeriod": retention, "DBInstanceAutomatedBackupsArn": arn,
        "TagList": tag::given(input), "_tags": tag::given(input),
    });
    for field in OF_INSTANCE {
        backup[field] = instance[field].clone();
    }
    let replicating = json!({
        "Status": "replicating",
        "RestoreWindow": {"EarliestTime": access.timestamp(), "LatestTime": access.timestamp()},
    });
    world::plan(&mut backup, &[(access.after(Wait::BackupsReplicated), replicating)]);
    access.docs(Service::Rds).put(TABLE, &name, backup.clone());
    if let Some(instance) = access.world.cell(&source.place).docs.edit(instance::TABLE, &source.id)
    {
        let mut all = instance["DBInstanceAutomatedBackupsReplications"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        all.push(json!({"DBInstanceAutomatedBackupsArn": arn}));
        instance["DBInstanceAutomatedBackupsReplications"] = json!(all);
    }
    Ok(json!({"DBInstanceAutomatedBackup": backup}))
}

/// The key that the backups are encrypted with here: of an encrypted instance there has to be one.
fn key(access: &mut Access<'_>, instance: &Value) -> Result<Value, Failure> {
    let given = text(access.input(), "KmsKeyId");
    let Some(given) = given else {
        return if instance["StorageEncrypted"] == "true" {
            let message = "KmsKeyId is required to replicate the backups of an encrypted instance.";
            Err(fail("InvalidParameterCombination", message))
        } else {
            Ok(Value::Null)
        };
    };
    let id = given.rsplit('/').next().unwrap_or(given);
    let foreign = given.starts_with("arn:") && !given.contains(&format!(":{}:", access.region()));
    let unknown =
        neighbour::is_here(access, Service::Kms) && !access.docs(Service::Kms).has("keys", id);
    if foreign || unknown {
        let message = format!(
            "The specified KMS key [{given}] does not exist, is not enabled or you do not have \
             permissions to access it."
        );
        return Err(fail("KMSKeyNotAccessibleFault", message));
    }
    let arn = format!("arn:aws:kms:{}:{}:key/{id}", access.region(), access.account());
    Ok(if given.starts_with("arn:") { json!(given) } else { json!(arn) })
}

pub(super) fn stop(access: &mut Access<'_>) -> Outcome {
    let source = source(access)?;
    let name = name(&source.arn, access.region());
    let gone = access.after(Wait::BackupsRetained);
    let backup = access.docs(Service::Rds).edit(TABLE, &name);
    let backup = backup.filter(|backup| backup["Status"] != "retained").ok_or_else(|| {
        let message =
            format!("DB instance {} is not replicating to the current region.", source.id);
        fail("InvalidDBInstanceState", message)
    })?;
    // It goes on replicating for a moment, and its answer says so.
    world::plan(backup, &[(gone, json!({"Status": "retained"}))]);
    let backup = backup.clone();
    let arn = &backup["DBInstanceAutomatedBackupsArn"];
    if let Some(instance) = access.world.cell(&source.place).docs.edit(instance::TABLE, &source.id)
        && let Some(all) = instance["DBInstanceAutomatedBackupsReplications"].as_array_mut()
    {
        all.retain(|it| it["DBInstanceAutomatedBackupsArn"] != *arn);
    }
    Ok(json!({"DBInstanceAutomatedBackup": backup}))
}

fn absent(what: &str) -> Failure {
    fail("DBInstanceAutomatedBackupNotFound", format!("{what} not found.")).status(404)
}

pub(super) fn describe(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let mut all: Vec<Value> = access.docs(Service::Rds).values(TABLE).cloned().collect();
    for (parameter, field) in [
        ("DBInstanceAutomatedBackupsArn", "DBInstanceAutomatedBackupsArn"),
        ("DbiResourceId", "DbiResourceId"),
        ("DBInstanceIdentifier", "DBInstanceIdentifier"),
    ] {
        let Some(wanted) = text(input, parameter) else { continue };
        all.retain(|it| it[field].as_str().is_some_and(|is| is.eq_ignore_ascii_case(wanted)));
        if all.is_empty() {
            return Err(absent(wanted));
        }
    }
    for filter in list(input, "Filters") {
        let fields: &[&str] = match text(filter, "Name") {
            Some("status") => &["Status"],
            Some("db-instance-id") => &["DBInstanceIdentifier", "DBInstanceArn"],
            Some("dbi-resource-id") => &["DbiResourceId"],
            other => {
                let message = format!("Unrecognized filter name: {}", other.unwrap_or_default());
                return Err(fail("InvalidParameterValue", message));
            }
        };
        let values = texts(filter, "Values");
        all.retain(|it| {
            fields.iter().any(|of| values.iter().any(|value| it[*of] == value.as_str()))
        });
    }
    Ok(page(access, "DBInstanceAutomatedBackups", all))
}

/// Backups that are kept can be thrown away; those that are being replicated cannot.
pub(super) fn delete(access: &mut Access<'_>) -> Outcome {
    let arn = text(access.input(), "DBInstanceAutomatedBackupsArn").unwrap_or_default();
    let name = arn.rsplit(':').next().unwrap_or_default();
    let docs = access.docs(Service::Rds);
    let backup = docs.get(TABLE, name).ok_or_else(|| absent(arn))?;
    if backup["Status"] != "retained" {
        let message = format!("The automated backup {arn} is in use.");
        return Err(fail("InvalidDBInstanceAutomatedBackupState", message));
    }
    Ok(json!({"DBInstanceAutomatedBackup": docs.remove(TABLE, name)}))
}

/// What was replicated of an instance that is deleted is kept.
pub(super) fn retain(access: &mut Access<'_>, instance: &Value) {
    let regions: Vec<CellId> =
        access.world.ids().filter(|id| id.service == Service::Rds).cloned().collect();
    for region in regions {
        let docs = &mut access.world.cell(&region).docs;
        for name in docs.ids(TABLE) {
            if let Some(backup) = docs.edit(TABLE, &name)
                && backup["DBInstanceArn"] == instance["DBInstanceArn"]
            {
                world::plan(backup, &[]);
                backup["Status"] = json!("retained");
            }
        }
    }
}
