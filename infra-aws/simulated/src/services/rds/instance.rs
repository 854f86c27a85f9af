//! Database instances: creating, backing up, available; deleting, gone.

use serde_json::{Value, json};

use super::route::page;
use super::{automated_backup, engine, parameter_group, secret, snapshot, subnet_group, tag};
use crate::services::access::hex;
use crate::services::{Access, Service};
use crate::settings::Wait;
use crate::wire::{Failure, Outcome, fail, list, text, texts};
use crate::world;

pub(super) const TABLE: &str = "instance";

/// Parameter, field of the reply, default.
pub(super) const FIELDS: [(&str, &str, Option<&str>); 27] = [
    ("DBInstanceClass", "DBInstanceClass", None),
    ("MasterUsername", "MasterUsername", None),
    ("DBName", "DBName", None),
    ("AllocatedStorage", "AllocatedStorage", Some("20")),
    ("MaxAllocatedStorage", "MaxAllocatedStorage", None),
    ("StorageType", "StorageType", Some("gp2")),
    ("Iops", "Iops", None),
    ("StorageThroughput", "StorageThroughput", None),
    ("MultiAZ", "MultiAZ", Some("false")),
    ("StorageEncrypted", "StorageEncrypted", Some("false")),
    ("BackupRetentionPeriod", "BackupRetentionPeriod", Some("1")),
    ("PreferredBackupWindow", "PreferredBackupWindow", Some("03:00-03:30")),
    ("PreferredMaintenanceWindow", "PreferredMaintenanceWindow", Some("sun:05:00-sun:05:30")),
    ("AutoMinorVersionUpgrade", "AutoMinorVersionUpgrade", Some("true")),
    ("PubliclyAccessible", "PubliclyAccessible", Some("false")),
    ("DeletionProtection", "DeletionProtection", Some("false")),
    ("CopyTagsToSnapshot", "CopyTagsToSnapshot", Some("false")),
    ("EnableIAMDatabaseAuthentication", "IAMDatabaseAuthenticationEnabled", Some("false")),
    ("EnablePerformanceInsights", "PerformanceInsightsEnabled", Some("false")),
    ("PerformanceInsightsKMSKeyId", "PerformanceInsightsKMSKeyId", None),
    ("PerformanceInsightsRetentionPeriod", "PerformanceInsightsRetentionPeriod", None),
    ("DatabaseInsightsMode", "DatabaseInsightsMode", Some("standard")),
    ("MonitoringInterval", "MonitoringInterval", Some("0")),
    ("MonitoringRoleArn", "MonitoringRoleArn", None),
    ("CACertificateIdentifier", "CACertificateIdentifier", Some("rds-ca-rsa2048-g1")),
    ("EngineLifecycleSupport", "EngineLifecycleSupport", Some("open-source-rds-extended-support")),
    ("NetworkType", "NetworkType", Some("IPV4")),
];

pub(super) fn id(access: &Access<'_>) -> String {
    text(access.input(), "DBInstanceIdentifier").unwrap_or_default().to_lowercase()
}

pub(super) fn find(access: &mut Access<'_>, id: &str) -> Result<Value, Failure> {
    access.docs(Service::Rds).get(TABLE, id).cloned().ok_or_else(|| {
        fail("DBInstanceNotFound", format!("DBInstance {id} not found.")).status(404)
    })
}

/// The groups of the call as the reply shows them.
pub(super) fn groups(access: &mut Access<'_>) -> Result<Vec<Value>, Failure> {
    let ids = texts(access.input(), "VpcSecurityGroupIds");
    let docs = access.docs(Service::Ec2);
    ids.iter()
        .map(|id| {
            if docs.has("security-group", id) {
                Ok(json!({"VpcSecurityGroupId": id, "Status": "active"}))
            } else {
                Err(fail(
                    "InvalidParameterValue",
                    format!("Invalid security group , groupId= {id}, groupName=."),
                ))
            }
        })
        .collect()
}

pub(super) fn create(access: &mut Access<'_>) -> Outcome {
    let (id, input) = (id(access), access.input());
    if access.docs(Service::Rds).has(TABLE, &id) {
        return Err(fail("DBInstanceAlreadyExists", "DB instance already exists"));
    }
    let engine = text(input, "Engine").unwrap_or_default();
    let version = engine::resolve(engine, text(input, "EngineVersion")).ok_or_else(|| {
        fail(
            "InvalidParameterCombination",
            format!("Cannot find version {} for {engine}", input["EngineVersion"]),
        )
    })?;
    let managed = text(input, "ManageMasterUserPassword") == Some("true");
    if managed == text(input, "MasterUserPassword").is_some() {
        return Err(fail(
            "InvalidParameterCombination",
            "Exactly one of MasterUserPassword and ManageMasterUserPassword must be given.",
        ));
    }
    let group_name = text(input, "DBSubnetGroupName").ok_or_else(|| {
        fail("DBSubnetGroupNotFoundFault", "there is no default VPC: give a DB subnet group")
    })?;
    let subnet_group = subnet_group::find(access, &group_name.to_lowercase())?;
    let family = format!("{engine}{}", engine::major(&version));
    let parameters = text(input, "DBParameterGroupName")
        .map_or_else(|| format!("default.{family}"), str::to_lowercase);
    let parameter_group = parameter_group::find(access, &parameters)?;
    if parameter_group["DBParameterGroupFamily"] != family.as_str() {
        return Err(fail(
            "InvalidParameterCombination",
            format!(
                "The parameter group {parameters} cannot be used for this instance: it is of \
                     family {}",
                parameter_group["DBParameterGroupFamily"]
            ),
        ));
    }
    let mut groups = groups(access)?;
    if groups.is_empty() {
        groups = default_group(access, &subnet_group["VpcId"]);
    }
    let (region, account) = (access.region(), access.account());
    let mut instance = json!({
        "DBInstanceIdentifier": id,
        "DBInstanceArn": format!("arn:aws:rds:{region}:{account}:db:{id}"),
        "DbiResourceId": format!("db-{}", hex(26).to_uppercase()),
        "DBInstanceStatus": "creating",
        "Engine": engine,
        "EngineVersion": version,
        "DBSubnetGroup": subnet_group,
        "VpcSecurityGroups": groups,
        "DBParameterGroups":
            [{"DBParameterGroupName": parameters, "ParameterApplyStatus": "in-sync"}],
        "AvailabilityZone":
            subnet_group["Subnets"][0]["SubnetAvailabilityZone"]["Name"],
        "LicenseModel": "postgresql-license",
        "DbInstancePort": 0,
        "StorageOptimized": false,
        "CustomerOwnedIpEnabled": false,
        "DedicatedLogVolume": text(input, "DedicatedLogVolume").unwrap_or("false"),
        "TagList": tag::given(input),
        "_tags": tag::given(input),
        "_born": access.now,
        "EnabledCloudwatchLogsExports": texts(input, "EnableCloudwatchLogsExports"),
    });
    for (parameter, field, default) in FIELDS {
        instance[field] = text(input, parameter).or(default).map_or(Value::Null, |it| json!(it));
    }
    if let Some(key) = text(input, "KmsKeyId") {
        instance["KmsKeyId"] = json!(key_arn(access, key));
    } else if instance["StorageEncrypted"] == "true" {
        instance["KmsKeyId"] = json!(key_arn(access, "00000000-0000-4000-8000-00000000rds0"));
    }
    if managed {
        let username = text(input, "MasterUsername").unwrap_or("postgres");
        instance["MasterUserSecret"] = secret::make(access, username)?;
    }
    let port = text(input, "Port").unwrap_or("5432");
    let unique = hex(12);
    let endpoint = json!({
        "Endpoint": {
            "Address": format!("{id}.c{unique}.{region}.rds.simulated.invalid"), "Port": port,
            "HostedZoneId": "Z29XKXDKYMONMX",
        },
        "DBInstanceStatus": "backing-up",
        "InstanceCreateTime": access.timestamp(),
    });
    let born = access.after(Wait::DatabaseCreating);
    let done = born + Wait::DatabaseBackingUp.millis(access.durations);
    let available = json!({
        "DBInstanceStatus": "available", "LatestRestorableTime": access.timestamp(),
    });
    instance["_port"] = json!(port);
    world::plan(&mut instance, &[(born, endpoint), (done, available)]);
    access.docs(Service::Rds).put(TABLE, &id, instance.clone());
    Ok(json!({"DBInstance": instance}))
}

fn default_group(access: &mut Access<'_>, vpc: &Value) -> Vec<Value> {
    access
        .docs(Service::Ec2)
        .all("security-group")
        .filter(|(_, it)| it["vpcId"] == *vpc && it["groupName"] == "default")
        .map(|(id, _)| json!({"VpcSecurityGroupId": id, "Status": "active"}))
        .collect()
}

/// AWS answers with the key's ARN, however it was named.
fn key_arn(access: &Access<'_>, key: &str) -> String {
    if key.starts_with("arn:") {
        key.to_owned()
    } else {
        format!("arn:aws:kms:{}:{}:key/{key}", access.region(), access.account())
    }
}

pub(super) fn describe(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let (now, lag) = (access.now, access.lag);
    let visible =
        |it: &Value| lag == 0 || it["_born"].as_u64().is_none_or(|born| born + lag <= now);
    if text(input, "DBInstanceIdentifier").is_some() {
        let wanted = id(access).rsplit(':').next().unwrap_or_default().to_owned();
        let found = find(access, &wanted)?;
        if !visible(&found) {
            return Err(
                fail("DBInstanceNotFound", format!("DBInstance {wanted} not found.")).status(404)
            );
        }
        return Ok(json!({"DBInstances": [found]}));
    }
    let mut all: Vec<Value> =
        access.docs(Service::Rds).values(TABLE).filter(|it| visible(it)).cloned().collect();
    for filter in list(input, "Filters") {
        let values = texts(filter, "Values");
        let field = match text(filter, "Name") {
            Some("db-instance-id") => "DBInstanceIdentifier",
            Some("dbi-resource-id") => "DbiResourceId",
            Some("engine") => "Engine",
            other => {
                return Err(fail(
                    "InvalidParameterValue",
                    format!("Unrecognized filter name: {}", other.unwrap_or_default()),
                ));
            }
        };
        all.retain(|it| {
            values.iter().any(|value| {
                it[field] == value.to_lowercase().as_str()
                    || it[field] == value.as_str()
                    || it["DBInstanceArn"] == value.as_str()
            })
        });
    }
    Ok(page(access, "DBInstances", all))
}

pub(super) fn delete(access: &mut Access<'_>) -> Outcome {
    let (id, input) = (id(access), access.input());
    let old = find(access, &id)?;
    if old["DeletionProtection"] == "true" {
        return Err(fail(
            "InvalidParameterCombination",
            "Cannot delete protected DB Instance, please disable deletion protection and try \
             again.",
        ));
    }
    if old["DBInstanceStatus"] == "deleting" {
        return Err(fail(
            "InvalidDBInstanceState",
            format!("Instance {id} is already being deleted."),
        ));
    }
    let skip = text(input, "SkipFinalSnapshot") == Some("true");
    match (skip, text(input, "FinalDBSnapshotIdentifier")) {
        (true, None) => {}
        (false, Some(name)) => {
            snapshot::check_free(access, name)?;
            snapshot::take(access, name, &old);
        }
        (false, None) => {
            return Err(fail(
                "InvalidParameterCombination",
                "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.",
            ));
        }
        (true, Some(_)) => {
            return Err(fail(
                "InvalidParameterCombination",
                "FinalDBSnapshotIdentifier can not be specified when deleting with \
                 SkipFinalSnapshot.",
            ));
        }
    }
    secret::remove(access, &old["MasterUserSecret"]);
    automated_backup::retain(access, &old);
    let gone = access.after(Wait::DatabaseDeleted);
    let Some(instance) = access.docs(Service::Rds).edit(TABLE, &id) else {
        return find(access, &id);
    };
    instance["DBInstanceStatus"] = json!("deleting");
    world::plan(instance, &[(gone, Value::Null)]);
    Ok(json!({"DBInstance": instance}))
}
