//! Databases.

use infra_core::{
    state::Value,
    transfer::terraform::{Body, Object},
};

use super::{
    exports::Line,
    fields::{Draft, Given, flag, line, variant},
};

pub(super) fn exports() -> Vec<Line> {
    vec![
        line!(
            "aws:rds:Instance",
            "aws_db_instance",
            [
                "identifier" = "identifier",
                "arn" = "arn",
                "endpoint" = "endpoint",
                "address" = "address",
                "port" = "port",
                "resource_id" = "resource_id",
                "master_secret_arn" = "master_user_secret[0].secret_arn",
            ],
            instance
        ),
        line!(
            "aws:rds:SubnetGroup",
            "aws_db_subnet_group",
            ["name" = "name", "arn" = "arn", "vpc_id" = "vpc_id",],
            |it| {
                Draft::of(it)
                    .same(&["name"])
                    .or("description", "description", "made by infra")
                    .named("subnet_ids", "subnets")
                    .tags()
                    .whole("aws_db_subnet_group")
            }
        ),
        line!(
            "aws:rds:ParameterGroup",
            "aws_db_parameter_group",
            ["name" = "name", "arn" = "arn"],
            parameters
        ),
    ]
}

fn parameters(it: &Object<'_>) -> Given {
    let mut draft = Draft::of(it)
        .same(&["name", "family"])
        .or("description", "description", "made by infra")
        .tags();
    for (name, value) in it.input("parameters").and_then(Value::as_map).into_iter().flatten() {
        let body = Body::new().set("name", Some(name.as_str())).set("value", Some(value.clone()));
        draft = draft.block("parameter", body);
    }
    draft.whole("aws_db_parameter_group")
}

/// A database. Its password is not written: Terraform would set it again with the import, and no call tells whether it
/// is the same. What Terraform assumes of a database that it imports (no last snapshot, no backups after it) is written,
/// so that the plan is empty; where the program keeps more, that is said beside it.
fn instance(it: &Object<'_>) -> Given {
    let engine = it.field("engine").and_then(|engine| variant(&engine));
    let (engine, version) = engine.ok_or("its engine is not known")?;
    let managed = flag(it, "manage_master_password", false);
    Draft::of(it)
        .same(&["identifier"])
        .set("engine", Some(engine))
        .set("engine_version", version)
        .named("instance_class", "class")
        .named("allocated_storage", "storage")
        .named("max_allocated_storage", "max_storage")
        .named("db_name", "database")
        .same(&["username"])
        .set("manage_master_user_password", managed.then_some(true))
        .named("master_user_secret_kms_key_id", "master_secret_key")
        .same(&["multi_az"])
        .named("availability_zone", "zone")
        .named("db_subnet_group_name", "subnet_group")
        .named("vpc_security_group_ids", "security_groups")
        .same(&["publicly_accessible", "port"])
        .named("parameter_group_name", "parameter_group")
        .or("storage_type", "storage_type", "gp3")
        .same(&["iops"])
        .named("storage_throughput", "throughput")
        .or("storage_encrypted", "encrypted", true)
        .named("kms_key_id", "kms_key")
        .or("backup_retention_period", "backup_retention", 7_i64)
        .same(&["backup_window", "maintenance_window", "deletion_protection"])
        .or("copy_tags_to_snapshot", "copy_tags_to_snapshot", true)
        .named("enabled_cloudwatch_logs_exports", "log_exports")
        .named("performance_insights_enabled", "performance_insights")
        .named("performance_insights_retention_period", "performance_insights_retention")
        .named("performance_insights_kms_key_id", "performance_insights_key")
        .named("database_insights_mode", "database_insights")
        .same(&["monitoring_interval"])
        .named("monitoring_role_arn", "monitoring_role")
        .named("ca_cert_identifier", "ca")
        .or("auto_minor_version_upgrade", "auto_minor_version_upgrade", true)
        .named("iam_database_authentication_enabled", "iam_authentication")
        .named("engine_lifecycle_support", "lifecycle_support")
        .set("skip_final_snapshot", Some(true))
        .tags()
        .whole("aws_db_instance")
}
