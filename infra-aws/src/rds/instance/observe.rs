//! A database as RDS describes it, with what is on its way overlaid.

use aws_sdk_rds::types::{DbInstance, PendingModifiedValues};
use infra_core::{
    provider::{Observed, Readiness, Result},
    state::Value,
};

use super::{Instance, InstanceOutputs};
use crate::{
    rds::{Engine, Gib, ParameterGroupName, SubnetGroupName, tagging},
    tags,
    types::{Arn, SecurityGroupId, Zone, spelled},
};

/// RDS keeps windows in lower case.
pub(super) fn lower(value: &Value) -> Value {
    value.as_str().map_or_else(|| value.clone(), |text| Value::from(text.to_lowercase().as_str()))
}

/// The instance, read for who declared `inputs`.
///
/// `PendingModifiedValues` are overlaid: what was asked for and waits, for the window or for the storage to be
/// copied, is no drift.
pub(super) fn observed(db: &DbInstance, inputs: Option<&Instance>) -> Result<Observed<Instance>> {
    let all_tags = tagging::map(db.tag_list());
    let id = db.db_instance_identifier().unwrap_or_default();
    let readiness = readiness(db, inputs.is_none_or(|inputs| inputs.apply_immediately));
    let observed = Observed {
        id: id.to_owned(),
        readiness,
        live: live(db, inputs)?,
        outputs: outputs(db),
        owner: None,
        beyond: Vec::new(),
    };
    Ok(observed.owned_by(&all_tags))
}

/// The amount, shown as the declared one where the storage grew by itself.
fn storage(live: i32, max: Option<i32>, inputs: Option<&Instance>) -> Gib {
    let declared = inputs.map(|inputs| inputs.storage.0);
    let grown = |declared: &i32| max.is_some_and(|max| (*declared..=max).contains(&live));
    Gib(declared.filter(grown).unwrap_or(live))
}

/// The exported logs, with those on their way in and without those on their way out.
fn log_exports(db: &DbInstance, pending: Option<&PendingModifiedValues>) -> Vec<String> {
    let pending = pending.and_then(PendingModifiedValues::pending_cloudwatch_logs_exports);
    let enable = pending.map_or(&[][..], |pending| pending.log_types_to_enable());
    let disable = pending.map_or(&[][..], |pending| pending.log_types_to_disable());
    let live = db.enabled_cloudwatch_logs_exports().iter().chain(enable);
    let mut exports: Vec<_> = live.filter(|log| !disable.contains(log)).cloned().collect();
    exports.sort();
    exports.dedup();
    exports
}

fn live(db: &DbInstance, inputs: Option<&Instance>) -> Result<Instance> {
    let pending = db.pending_modified_values();
    let text = |text: Option<&str>| text.map(str::to_owned);
    let arn = |text: Option<&str>| text.map(Arn::trusted);
    let auto_minor = db.auto_minor_version_upgrade().unwrap_or(true);
    let version = pending.and_then(PendingModifiedValues::engine_version).or(db.engine_version());
    let engine = Engine::of(db.engine().unwrap_or_default(), version.unwrap_or_default())?;
    let class =
        pending.and_then(PendingModifiedValues::db_instance_class).or(db.db_instance_class());
    let allocated =
        pending.and_then(PendingModifiedValues::allocated_storage).or(db.allocated_storage());
    let kind = pending.and_then(PendingModifiedValues::storage_type).or(db.storage_type());
    let secret = db.master_user_secret();
    // Without autoscaling some answers say the storage itself.
    let max = db.max_allocated_storage().filter(|max| Some(*max) != db.allocated_storage());
    let port = pending.and_then(PendingModifiedValues::port);
    let port = port
        .or_else(|| db.endpoint().and_then(aws_sdk_rds::types::Endpoint::port))
        .or(db.db_instance_port().filter(|p| *p != 0));
    let retention = pending.and_then(PendingModifiedValues::backup_retention_period);
    let groups = db.vpc_security_groups().iter().filter(|group| group.status() != Some("removing"));
    let parameters =
        db.db_parameter_groups().first().and_then(|group| group.db_parameter_group_name());
    let subnets = pending.and_then(PendingModifiedValues::db_subnet_group_name);
    let subnets = subnets.or(db.db_subnet_group().and_then(|group| group.db_subnet_group_name()));
    let iam = pending.and_then(PendingModifiedValues::iam_database_authentication_enabled);
    let ca = pending.and_then(PendingModifiedValues::ca_certificate_identifier);
    let insights = db.database_insights_mode().map(|mode| spelled(mode.as_str())).transpose()?;
    Ok(Instance {
        engine: engine.shown(inputs.map(|inputs| &inputs.engine), auto_minor),
        class: class.unwrap_or_default().to_owned(),
        storage: storage(allocated.unwrap_or_default(), max, inputs),
        identifier: text(db.db_instance_identifier()),
        database: text(db.db_name()),
        username: text(db.master_username()),
        password: None,
        manage_master_password: secret.is_some(),
        master_secret_key: arn(secret.and_then(|secret| secret.kms_key_id())),
        multi_az: pending
            .and_then(PendingModifiedValues::multi_az)
            .or(db.multi_az())
            .unwrap_or(false),
        zone: db.availability_zone().map(Zone::trusted),
        subnet_group: subnets.map(SubnetGroupName::trusted),
        security_groups: groups
            .filter_map(|g| g.vpc_security_group_id())
            .map(SecurityGroupId::trusted)
            .collect(),
        publicly_accessible: db.publicly_accessible().unwrap_or(false),
        port: port.and_then(|port| port.try_into().ok()),
        parameter_group: parameters.map(ParameterGroupName::trusted),
        storage_type: spelled(kind.unwrap_or("gp2"))?,
        iops: pending.and_then(PendingModifiedValues::iops).or(db.iops()),
        throughput: pending
            .and_then(PendingModifiedValues::storage_throughput)
            .or(db.storage_throughput()),
        max_storage: max.map(Gib),
        encrypted: db.storage_encrypted().unwrap_or(false),
        kms_key: arn(db.kms_key_id()),
        backup_retention: retention.or(db.backup_retention_period()).unwrap_or_default(),
        backup_window: text(db.preferred_backup_window()),
        maintenance_window: db.preferred_maintenance_window().map(str::to_lowercase),
        deletion_protection: db.deletion_protection().unwrap_or(false),
        skip_final_snapshot: inputs.is_some_and(|inputs| inputs.skip_final_snapshot),
        keep_automated_backups: inputs.is_some_and(|inputs| inputs.keep_automated_backups),
        copy_tags_to_snapshot: db.copy_tags_to_snapshot().unwrap_or(false),
        log_exports: log_exports(db, pending),
        performance_insights: db.performance_insights_enabled().unwrap_or(false),
        performance_insights_retention: db.performance_insights_retention_period(),
        performance_insights_key: arn(db.performance_insights_kms_key_id()),
        database_insights: insights,
        monitoring_interval: db.monitoring_interval().unwrap_or_default(),
        monitoring_role: arn(db.monitoring_role_arn()),
        ca: text(ca.or(db.ca_certificate_identifier())),
        auto_minor_version_upgrade: auto_minor,
        iam_authentication: iam.or(db.iam_database_authentication_enabled()).unwrap_or(false),
        lifecycle_support: text(db.engine_lifecycle_support()),
        apply_immediately: inputs.is_none_or(|inputs| inputs.apply_immediately),
        tags: tags::visible(&tagging::map(db.tag_list())),
    })
}

/// Known once there is an endpoint.
fn outputs(db: &DbInstance) -> Option<InstanceOutputs> {
    let endpoint = db.endpoint()?;
    let (address, port) = (endpoint.address()?, endpoint.port()?);
    let secret = db.master_user_secret().and_then(|secret| secret.secret_arn());
    Some(InstanceOutputs {
        identifier: db.db_instance_identifier()?.to_owned(),
        arn: Arn::trusted(db.db_instance_arn()?),
        endpoint: format!("{address}:{port}"),
        address: address.to_owned(),
        port: port.try_into().ok()?,
        resource_id: db.dbi_resource_id().unwrap_or_default().to_owned(),
        master_secret_arn: secret.map(Arn::trusted),
    })
}

/// What is on its way although the status says `available`: RDS changes the status only some seconds after a call.
fn under_way(db: &DbInstance, apply_immediately: bool) -> Option<&'static str> {
    let nothing = PendingModifiedValues::builder().build();
    if apply_immediately && db.pending_modified_values().is_some_and(|pending| *pending != nothing)
    {
        return Some("modifying");
    }
    let mut groups = db.vpc_security_groups().iter().filter_map(|group| group.status());
    if groups.any(|status| matches!(status, "adding" | "removing")) {
        return Some("changing the security groups");
    }
    let mut groups =
        db.db_parameter_groups().iter().filter_map(|group| group.parameter_apply_status());
    groups.any(|status| status == "applying").then_some("applying the parameters")
}

/// Statuses: *Viewing DB instance status* in the RDS user guide.
fn readiness(db: &DbInstance, apply_immediately: bool) -> Readiness {
    let status = db.db_instance_status().unwrap_or("unknown");
    match status {
        "available" => match under_way(db, apply_immediately) {
            Some(what) => Readiness::Pending(what.to_owned()),
            None => Readiness::Ready,
        },
        // It serves while its volume is rebalanced, for hours; full storage is mended by an update; a stopped
        // instance is as its operator wants it.
        "storage-optimization" | "storage-full" | "storage-config-upgrade" | "stopped" => {
            Readiness::Ready
        }
        "deleting" | "deleted" => Readiness::Deleting(status.to_owned()),
        "failed"
        | "restore-error"
        | "insufficient-capacity"
        | "incompatible-network"
        | "incompatible-restore" => Readiness::Failed(status.to_owned()),
        // Among others what is mended by other parameters or by access to the key: the data is still there, so this
        // is no reason to make another database.
        _ => Readiness::Pending(status.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_rds::types::{VpcSecurityGroupMembership, builders::DbInstanceBuilder};

    use super::*;

    fn postgres() -> DbInstanceBuilder {
        let db = DbInstance::builder()
            .db_instance_identifier("db")
            .engine("postgres")
            .engine_version("17.4");
        db.db_instance_status("available").allocated_storage(100).storage_type("gp3")
    }

    #[test]
    fn pending_values_are_overlaid() {
        let pending = PendingModifiedValues::builder()
            .allocated_storage(200)
            .multi_az(true)
            .engine_version("18.1");
        let db = postgres().pending_modified_values(pending.build()).build();
        let found = observed(&db, None).unwrap();
        assert_eq!((found.live.storage, found.live.multi_az), (Gib(200), true));
        assert_eq!(found.live.engine, Engine::Postgres("18.1".to_owned()));
        assert_eq!(found.readiness, Readiness::Pending("modifying".to_owned()));
        assert_eq!(readiness(&db, false), Readiness::Ready);
        let nothing =
            postgres().pending_modified_values(PendingModifiedValues::builder().build()).build();
        assert_eq!(readiness(&nothing, true), Readiness::Ready);
    }

    #[test]
    fn what_grew_by_itself_is_no_drift() {
        let mut declared = observed(&postgres().build(), None).unwrap().live;
        declared.max_storage = Some(Gib(500));
        let grown = postgres().allocated_storage(150).max_allocated_storage(500).build();
        assert_eq!(observed(&grown, Some(&declared)).unwrap().live.storage, Gib(100));
        assert_eq!(observed(&grown, None).unwrap().live.storage, Gib(150));
        let by_hand = postgres().allocated_storage(150).build();
        assert_eq!(observed(&by_hand, Some(&declared)).unwrap().live.storage, Gib(150));
    }

    #[test]
    fn statuses() {
        let with = |status: &str| readiness(&postgres().db_instance_status(status).build(), true);
        assert_eq!(with("available"), Readiness::Ready);
        assert_eq!(with("storage-optimization"), Readiness::Ready);
        assert!(matches!(with("creating"), Readiness::Pending(_)));
        assert!(matches!(with("incompatible-network"), Readiness::Failed(_)));
        assert!(matches!(with("incompatible-parameters"), Readiness::Pending(_)));
        assert!(matches!(with("deleting"), Readiness::Deleting(_)));
        let group = VpcSecurityGroupMembership::builder()
            .vpc_security_group_id("sg-1")
            .status("adding")
            .build();
        let adding = postgres().vpc_security_groups(group).build();
        assert!(matches!(readiness(&adding, true), Readiness::Pending(_)));
    }
}
