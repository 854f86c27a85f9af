//! Databases.

use infra_core::{
    state::Value,
    transfer::terraform::{Body, Hcl, Object},
};

use super::{
    exports::Line,
    fields::{Draft, Given, line, variant},
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
            "aws:rds:AutomatedBackupReplication",
            "aws_db_instance_automated_backups_replication",
            ["arn" = "id"],
            |it| {
                Draft::of(it)
                    .named("source_db_instance_arn", "source")
                    .or("retention_period", "retention", 7_i64)
                    .named("kms_key_id", "kms_key")
                    .whole("aws_db_instance_automated_backups_replication")
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
        let later = STATIC.contains(&name.as_str()).then_some("pending-reboot");
        let body = Body::new()
            .set("name", Some(name.as_str()))
            .set("value", Some(value.clone()))
            .set("apply_method", later);
        draft = draft.block("parameter", body);
    }
    draft.whole("aws_db_parameter_group")
}

/// Static parameters: what is set is there after the next reboot, and saying so is part of setting them.
const STATIC: [&str; 14] = [
    "autovacuum_max_workers",
    "huge_pages",
    "innodb_log_file_size",
    "max_connections",
    "max_locks_per_transaction",
    "max_prepared_transactions",
    "max_replication_slots",
    "max_wal_senders",
    "max_worker_processes",
    "performance_schema",
    "rds.logical_replication",
    "shared_buffers",
    "shared_preload_libraries",
    "track_activity_query_size",
];

/// A database. Whose password it is (a text, or RDS) is not written: Terraform would set it again with the import, and no
/// call tells whether it is the same. That it goes without a last snapshot is what Terraform assumes of what it imports: before
/// it is destroyed there, that is to be changed, and what holds data is not to be destroyed (`prevent_destroy`).
fn instance(it: &Object<'_>) -> Given {
    let engine = it.field("engine").and_then(|engine| variant(&engine));
    let (engine, version) = engine.ok_or("its engine is not known")?;
    // A version without its minor one is any of them here; there it is a change of what is running.
    let parts = if engine == "postgres" { 2 } else { 3 };
    let exact = |version: &Hcl| version.text().is_some_and(|text| text.split('.').count() >= parts);
    Draft::of(it)
        .same(&["identifier"])
        .set("engine", Some(engine))
        .set("engine_version", version.filter(exact))
        .named("instance_class", "class")
        .named("allocated_storage", "storage")
        .named("max_allocated_storage", "max_storage")
        .named("db_name", "database")
        .same(&["username"])
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
