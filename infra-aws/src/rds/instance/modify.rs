//! What is sent to make and to change a database.

use aws_sdk_rds::{
    operation::{
        create_db_instance::builders::CreateDBInstanceFluentBuilder,
        modify_db_instance::builders::ModifyDBInstanceFluentBuilder,
    },
    types::CloudwatchLogsExportConfiguration,
};
use infra_core::{
    Sensitive,
    provider::{Change, Cx, Error, Field, Result},
};

use super::{Instance, describe};
use crate::{Aws, classify::Classify as _, rds::tagging, types::SecurityGroupId};

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

fn ids(groups: &[SecurityGroupId]) -> Vec<String> {
    groups.iter().map(ToString::to_string).collect()
}

/// The creating call, but for the tags.
pub(super) fn creation(cx: &Cx<Aws>, want: &Instance) -> CreateDBInstanceFluentBuilder {
    let username = want.username.as_deref().unwrap_or(want.engine.username());
    let create = cx
        .rds()
        .create_db_instance()
        .set_db_instance_identifier(want.identifier.clone())
        .engine(want.engine.name())
        .engine_version(want.engine.version())
        .db_instance_class(&want.class)
        .allocated_storage(want.storage.0)
        .set_db_name(want.database.clone())
        .master_username(username)
        .multi_az(want.multi_az)
        .set_availability_zone(want.zone.clone().map(Into::into))
        .set_db_subnet_group_name(want.subnet_group.clone().map(Into::into))
        .set_vpc_security_group_ids(some(ids(&want.security_groups)))
        .publicly_accessible(want.publicly_accessible)
        .set_port(want.port.map(Into::into))
        .set_db_parameter_group_name(want.parameter_group.clone().map(Into::into))
        .storage_type(want.storage_type.as_str())
        .set_iops(want.iops)
        .set_storage_throughput(want.throughput)
        .set_max_allocated_storage(want.max_storage.map(|max| max.0))
        .storage_encrypted(want.encrypted)
        .set_kms_key_id(want.kms_key.clone().map(Into::into))
        .backup_retention_period(want.backup_retention)
        .set_preferred_backup_window(want.backup_window.clone())
        .set_preferred_maintenance_window(want.maintenance_window.clone())
        .deletion_protection(want.deletion_protection)
        .copy_tags_to_snapshot(want.copy_tags_to_snapshot)
        .set_enable_cloudwatch_logs_exports(some(want.log_exports.clone()))
        .enable_performance_insights(want.performance_insights)
        .set_performance_insights_retention_period(want.performance_insights_retention)
        .set_performance_insights_kms_key_id(want.performance_insights_key.clone().map(Into::into))
        .set_database_insights_mode(want.database_insights.map(|mode| mode.as_str().into()))
        .monitoring_interval(want.monitoring_interval)
        .set_monitoring_role_arn(want.monitoring_role.clone().map(Into::into))
        .set_ca_certificate_identifier(want.ca.clone())
        .auto_minor_version_upgrade(want.auto_minor_version_upgrade)
        .enable_iam_database_authentication(want.iam_authentication)
        .set_engine_lifecycle_support(want.lifecycle_support.clone());
    if want.manage_master_password {
        let key = want.master_secret_key.clone().map(Into::into);
        create.manage_master_user_password(true).set_master_user_secret_kms_key_id(key)
    } else {
        create.set_master_user_password(want.password.as_ref().map(Sensitive::reveal).cloned())
    }
}

/// Whether anything changes that `ModifyDBInstance` is for.
fn modifies(change: &Change<'_, Instance>) -> bool {
    let ours = [
        Instance::TAGS.name(),
        Instance::SKIP_FINAL_SNAPSHOT.name(),
        Instance::KEEP_AUTOMATED_BACKUPS.name(),
        Instance::APPLY_IMMEDIATELY.name(),
    ];
    change.paths.iter().any(|path| path.first().is_none_or(|field| !ours.contains(&field)))
}

pub(super) async fn update(cx: &Cx<Aws>, change: &Change<'_, Instance>) -> Result<()> {
    let (want, have) = (change.want()?, change.have()?);
    if change.touches(Instance::TAGS) {
        // An instance that is not ready yet has no outputs, but its tags are read all the same.
        let arn = match &have.outputs {
            Some(outputs) => outputs.arn.to_string(),
            None => format!(
                "arn:{}:rds:{}:{}:db:{}",
                cx.partition(),
                cx.region(),
                cx.account(),
                have.id
            ),
        };
        tagging::update(cx, &arn, &have.live.tags, &want.tags).await?;
    }
    if !modifies(change) {
        return Ok(());
    }
    let modify = cx.rds().modify_db_instance().db_instance_identifier(&have.id);
    // Said every time: the default leaves changes to the maintenance window.
    let modify = modify.apply_immediately(want.apply_immediately);
    let modify = settings(change, want, modify);
    let modify = password(change, modify)?;
    let modify = storage(cx, change, modify).await?;
    modify.send().await.classify().map(drop)
}

/// Everything whose new value is sent as it is.
fn settings(
    change: &Change<'_, Instance>,
    want: &Instance,
    modify: ModifyDBInstanceFluentBuilder,
) -> ModifyDBInstanceFluentBuilder {
    fn touched<T, V>(
        change: &Change<'_, Instance>,
        field: Field<Instance, T>,
        value: V,
    ) -> Option<V> {
        change.touches(field).then_some(value)
    }
    macro_rules! touched {
        ($field:ident, $value:expr) => {
            touched(change, Instance::$field, $value)
        };
    }
    let major = change.have.is_some_and(|have| have.live.engine.is_major_step(&want.engine));
    modify
        .set_engine_version(touched!(ENGINE, want.engine.version().to_owned()))
        .set_allow_major_version_upgrade(
            (change.touches(Instance::ENGINE) && major).then_some(true),
        )
        .set_db_instance_class(touched!(CLASS, want.class.clone()))
        .set_multi_az(touched!(MULTI_AZ, want.multi_az))
        .set_vpc_security_group_ids(
            touched!(SECURITY_GROUPS, ids(&want.security_groups)).and_then(some),
        )
        .set_publicly_accessible(touched!(PUBLICLY_ACCESSIBLE, want.publicly_accessible))
        .set_db_port_number(touched!(PORT, want.port.map(Into::into)).flatten())
        .set_db_parameter_group_name(
            touched!(PARAMETER_GROUP, want.parameter_group.clone().map(Into::into)).flatten(),
        )
        .set_backup_retention_period(touched!(BACKUP_RETENTION, want.backup_retention))
        .set_preferred_backup_window(touched!(BACKUP_WINDOW, want.backup_window.clone()).flatten())
        .set_preferred_maintenance_window(
            touched!(MAINTENANCE_WINDOW, want.maintenance_window.clone()).flatten(),
        )
        .set_deletion_protection(touched!(DELETION_PROTECTION, want.deletion_protection))
        .set_copy_tags_to_snapshot(touched!(COPY_TAGS_TO_SNAPSHOT, want.copy_tags_to_snapshot))
        .set_cloudwatch_logs_export_configuration(touched!(LOG_EXPORTS, log_exports(change, want)))
        .set_enable_performance_insights(touched!(PERFORMANCE_INSIGHTS, want.performance_insights))
        .set_performance_insights_retention_period(
            touched!(PERFORMANCE_INSIGHTS_RETENTION, want.performance_insights_retention).flatten(),
        )
        .set_performance_insights_kms_key_id(
            touched!(
                PERFORMANCE_INSIGHTS_KEY,
                want.performance_insights_key.clone().map(Into::into)
            )
            .flatten(),
        )
        .set_database_insights_mode(
            touched!(DATABASE_INSIGHTS, want.database_insights.map(|mode| mode.as_str().into()))
                .flatten(),
        )
        .set_monitoring_interval(touched!(MONITORING_INTERVAL, want.monitoring_interval))
        .set_monitoring_role_arn(
            touched!(MONITORING_ROLE, want.monitoring_role.clone().map(Into::into)).flatten(),
        )
        .set_ca_certificate_identifier(touched!(CA, want.ca.clone()).flatten())
        .set_auto_minor_version_upgrade(touched!(
            AUTO_MINOR_VERSION_UPGRADE,
            want.auto_minor_version_upgrade
        ))
        .set_enable_iam_database_authentication(touched!(
            IAM_AUTHENTICATION,
            want.iam_authentication
        ))
        .set_engine_lifecycle_support(
            touched!(LIFECYCLE_SUPPORT, want.lifecycle_support.clone()).flatten(),
        )
}

fn log_exports(
    change: &Change<'_, Instance>,
    want: &Instance,
) -> CloudwatchLogsExportConfiguration {
    let live = change.have.map_or(&[][..], |have| &have.live.log_exports);
    let without = |from: &[String], those: &[String]| {
        some(from.iter().filter(|log| !those.contains(log)).cloned().collect())
    };
    CloudwatchLogsExportConfiguration::builder()
        .set_enable_log_types(without(&want.log_exports, live))
        .set_disable_log_types(without(live, &want.log_exports))
        .build()
}

fn password(
    change: &Change<'_, Instance>,
    modify: ModifyDBInstanceFluentBuilder,
) -> Result<ModifyDBInstanceFluentBuilder> {
    let (want, live) = (change.want()?, &change.have()?.live);
    let password = || want.password.as_ref().map(Sensitive::reveal).cloned();
    if change.touches(Instance::MANAGE_MASTER_PASSWORD) {
        let modify = modify.manage_master_user_password(want.manage_master_password);
        return Ok(if want.manage_master_password {
            modify.set_master_user_secret_kms_key_id(want.master_secret_key.clone().map(Into::into))
        } else {
            // Without a password of our own the user could not log in any more.
            modify.set_master_user_password(password())
        });
    }
    if change.touches(Instance::MASTER_SECRET_KEY) && live.manage_master_password {
        let message = "the key of a managed password cannot be changed while RDS manages it: \
             apply manage_master_password(false) with a password first, then switch it on with the other key";
        return Err(Error::invalid(message));
    }
    let own = change.touches(Instance::PASSWORD) && !want.manage_master_password;
    Ok(modify.set_master_user_password(if own { password() } else { None }))
}

/// Size, type and speed go together: RDS wants the size with each of them.
async fn storage(
    cx: &Cx<Aws>,
    change: &Change<'_, Instance>,
    modify: ModifyDBInstanceFluentBuilder,
) -> Result<ModifyDBInstanceFluentBuilder> {
    let (want, have) = (change.want()?, change.have()?);
    let kind = change.touches(Instance::STORAGE_TYPE);
    let speed = change.touches(Instance::IOPS) || change.touches(Instance::THROUGHPUT);
    let limit = change.touches(Instance::MAX_STORAGE);
    if !(kind || speed || limit || change.touches(Instance::STORAGE)) {
        return Ok(modify);
    }
    // What it has grown to by itself is hidden in `live`, and less than that is refused.
    let now = describe(cx, std::slice::from_ref(&have.id)).await?;
    let now =
        now.first().and_then(aws_sdk_rds::types::DbInstance::allocated_storage).unwrap_or_default();
    let size = want.storage.0.max(now);
    let sized = kind || speed || size > now;
    let modify = modify.set_allocated_storage(sized.then_some(size));
    let modify = modify.set_storage_type(kind.then(|| want.storage_type.as_str().to_owned()));
    let modify = modify.set_iops(if kind || speed { want.iops } else { None });
    let modify = modify.set_storage_throughput(if kind || speed { want.throughput } else { None });
    // The same as the size: it no longer grows by itself.
    let max = want.max_storage.map_or(size, |max| max.0);
    Ok(modify.set_max_allocated_storage(limit.then_some(max)))
}
