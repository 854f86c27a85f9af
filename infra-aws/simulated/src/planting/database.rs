//! RDS.

use serde_json::{Value, json};

use super::object::Object;
use super::planter::{Planter, Result, pairs};
use crate::services::Service;

pub(super) fn subnet_group(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let input = json!({
        "DBSubnetGroupName": object.need("name")?,
        "DBSubnetGroupDescription": object.text("description").unwrap_or("Managed by Terraform"),
        "SubnetIds": object.texts("subnet_ids"), "Tags": pairs(object),
    });
    planter.call(Service::Rds, "CreateDBSubnetGroup", input).map(drop)
}

pub(super) fn parameter_group(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let name = object.need("name")?;
    let input = json!({
        "DBParameterGroupName": name, "DBParameterGroupFamily": object.need("family")?,
        "Description": object.text("description").unwrap_or("Managed by Terraform"),
        "Tags": pairs(object),
    });
    planter.call(Service::Rds, "CreateDBParameterGroup", input)?;
    let parameters = object.attributes["parameter"].as_array().into_iter().flatten();
    let parameters: Vec<Value> = parameters
        .map(|it| {
            json!({
                "ParameterName": it["name"], "ParameterValue": it["value"],
                "ApplyMethod": it["apply_method"],
            })
        })
        .collect();
    if parameters.is_empty() {
        return Ok(());
    }
    let input = json!({"DBParameterGroupName": name, "Parameters": parameters});
    planter.call(Service::Rds, "ModifyDBParameterGroup", input).map(drop)
}

/// Attribute and parameter of the call.
const FIELDS: [(&str, &str); 26] = [
    ("engine", "Engine"),
    ("instance_class", "DBInstanceClass"),
    ("username", "MasterUsername"),
    ("name", "DBName"),
    ("db_name", "DBName"),
    ("allocated_storage", "AllocatedStorage"),
    ("max_allocated_storage", "MaxAllocatedStorage"),
    ("storage_type", "StorageType"),
    ("iops", "Iops"),
    ("storage_throughput", "StorageThroughput"),
    ("multi_az", "MultiAZ"),
    ("storage_encrypted", "StorageEncrypted"),
    ("kms_key_id", "KmsKeyId"),
    ("backup_window", "PreferredBackupWindow"),
    ("maintenance_window", "PreferredMaintenanceWindow"),
    ("auto_minor_version_upgrade", "AutoMinorVersionUpgrade"),
    ("publicly_accessible", "PubliclyAccessible"),
    ("deletion_protection", "DeletionProtection"),
    ("copy_tags_to_snapshot", "CopyTagsToSnapshot"),
    ("iam_database_authentication_enabled", "EnableIAMDatabaseAuthentication"),
    ("performance_insights_enabled", "EnablePerformanceInsights"),
    ("performance_insights_kms_key_id", "PerformanceInsightsKMSKeyId"),
    ("performance_insights_retention_period", "PerformanceInsightsRetentionPeriod"),
    ("monitoring_role_arn", "MonitoringRoleArn"),
    ("port", "Port"),
    ("manage_master_user_password", "ManageMasterUserPassword"),
];

/// It is made with a version and parameters there are today, and then has the state's.
pub(super) fn instance(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let id = object.text("identifier").map_or_else(|| object.id(), Ok)?;
    let mut input = json!({
        "DBInstanceIdentifier": id, "DBSubnetGroupName": object.need("db_subnet_group_name")?,
        "VpcSecurityGroupIds": object.texts("vpc_security_group_ids"),
        "EnableCloudwatchLogsExports": object.texts("enabled_cloudwatch_logs_exports"),
        "BackupRetentionPeriod": object.attributes["backup_retention_period"],
        "MonitoringInterval": object.attributes["monitoring_interval"], "Tags": pairs(object),
    });
    for (attribute, parameter) in FIELDS {
        let value = &object.attributes[attribute];
        if !value.is_null() && *value != "" && *value != 0 {
            input[parameter] = value.clone();
        }
    }
    if input["ManageMasterUserPassword"] != json!(true) {
        input["ManageMasterUserPassword"] = Value::Null;
        input["MasterUserPassword"] = json!(object.text("password").unwrap_or("not-in-the-state"));
    }
    let mut exact = input.clone();
    exact["EngineVersion"] =
        json!(object.text("engine_version_actual").or(object.text("engine_version")));
    exact["DBParameterGroupName"] = json!(object.text("parameter_group_name"));
    if planter.called(Service::Rds, "CreateDBInstance", exact).is_err() {
        planter.call(Service::Rds, "CreateDBInstance", input)?;
    }
    let id = id.to_lowercase();
    let made =
        planter.find(Service::Rds, "instance", |it| it["DBInstanceIdentifier"] == id.as_str());
    let made = made.unwrap_or_default();
    let mut endpoint = made["Endpoint"].clone();
    for (attribute, field) in
        [("address", "Address"), ("port", "Port"), ("hosted_zone_id", "HostedZoneId")]
    {
        let value = &object.attributes[attribute];
        if !value.is_null() && *value != "" {
            endpoint[field] = match value {
                Value::Number(number) => json!(number.to_string()),
                other => other.clone(),
            };
        }
    }
    let name = |attribute: &str, field: &str, status: (&str, &str)| match object.text(attribute) {
        Some(name) => json!([{field: name, status.0: status.1}]),
        None => Value::Null,
    };
    let said = json!({
        "EngineVersion": object.text("engine_version_actual").or(object.text("engine_version")),
        "DbiResourceId": object.attributes["resource_id"], "Endpoint": endpoint,
        "AvailabilityZone": object.attributes["availability_zone"],
        "CACertificateIdentifier": object.attributes["ca_cert_identifier"],
        "LicenseModel": object.attributes["license_model"],
        "DBParameterGroups": name(
            "parameter_group_name", "DBParameterGroupName", ("ParameterApplyStatus", "in-sync")
        ),
        "OptionGroupMemberships":
            name("option_group_name", "OptionGroupName", ("Status", "in-sync")),
    });
    planter.set(Service::Rds, "instance", &id, said);
    Ok(())
}
