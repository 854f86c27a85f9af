//! Database instances.

mod declared;
mod modify;
mod observe;

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_rds::types::{DbInstance, Filter};
use infra_core::{
    Output, Outputs, Resource, Sensitive,
    provider::{
        Change, Class, Cx, Error, Find, Grant, Managed, Observed, Once, Operation, Part, Partial,
        Readiness, Reason, Result, Timeouts, Violation,
    },
    state::{StackName, Value},
};

use super::{
    DatabaseInsights, Engine, Gib, ParameterGroupName, StorageType, SubnetGroupName, tagging,
};
use crate::{
    Aws,
    capacity::{less, smaller_class},
    classify::Classify as _,
    owned,
    types::{Arn, SecurityGroupId, Zone},
};

/// A database: `Instance::new(Engine::postgres("17"), "db.t4g.micro", gib(100)).multi_az(true)`.
///
/// Replaced, with what is in it, by: another identifier, database name, user, subnet group, encryption or key, zone; an
/// older engine version or another engine; less storage. Everything else changes in place, at once unless
/// `apply_immediately(false)` leaves it to the maintenance window (class, version and storage type cost downtime;
/// *Settings for DB instances* in the RDS user guide). It holds data: deleting or replacing it needs to be allowed.
///
/// The user's password is either [`password`](InstanceDecl::password) or, with `manage_master_password`, one that RDS
/// keeps and rotates in Secrets Manager. A deletion takes a final snapshot (`IDENTIFIER-final-…`) unless
/// `skip_final_snapshot`; a deletion protection is never switched off by a deletion.
///
/// Needs `rds:CreateDBInstance` on it and its groups, `ModifyDBInstance`, `DeleteDBInstance`, `CreateDBSnapshot`,
/// `DescribeDBInstances`, the tag actions; `iam:CreateServiceLinkedRole` for the first; `iam:PassRole` for the
/// monitoring role; `kms:CreateGrant` and `kms:DescribeKey` on its keys; `secretsmanager:CreateSecret` and
/// `TagResource` for a managed password.
#[expect(clippy::struct_excessive_bools, reason = "the fields of the AWS API")]
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:rds:Instance", outputs = InstanceOutputs, holds_data)]
pub struct Instance {
    /// Engine and version. A newer version is an upgrade in place; an older one or another engine replaces it.
    pub engine: Engine,
    /// Its class, `db.m7g.large`.
    pub class: String,
    /// Its storage. It can only grow, and not twice within six hours: less replaces it.
    pub storage: Gib,
    /// Its identifier, in lower case. Another replaces it.
    #[field(replace, name(max = 63, extra = "-", lowercase))]
    pub identifier: Option<String>,
    /// The database made at first. Another replaces it.
    #[field(replace)]
    pub database: Option<String>,
    /// The master user; `postgres` or `admin` if left out. Another replaces it.
    #[field(replace, computed)]
    pub username: Option<String>,
    /// The master user's password.
    #[field(write_only)]
    pub password: Option<Sensitive<String>>,
    /// Whether RDS keeps the password in Secrets Manager and rotates it every seven days.
    #[field(default = false)]
    pub manage_master_password: bool,
    /// The key of that secret. It is chosen when RDS begins to manage the password.
    #[field(computed)]
    pub master_secret_key: Option<Arn>,
    /// Whether a standby in another zone takes over.
    #[field(default = false)]
    pub multi_az: bool,
    /// The zone of an instance that is in one only. Another replaces it.
    #[field(replace, computed)]
    pub zone: Option<Zone>,
    /// Its subnets. Another group replaces it.
    #[field(replace, computed)]
    pub subnet_group: Option<SubnetGroupName>,
    /// Its security groups.
    #[field(set, computed)]
    pub security_groups: Vec<SecurityGroupId>,
    /// Whether it has a public address.
    #[field(default = false)]
    pub publicly_accessible: bool,
    /// Its port. Another reboots it at once, whatever the window.
    #[field(computed)]
    pub port: Option<u16>,
    /// Its parameters. Static ones of another group wait for a reboot.
    #[field(computed)]
    pub parameter_group: Option<ParameterGroupName>,
    /// What its storage is made of.
    #[field(default = StorageType::Gp3)]
    pub storage_type: StorageType,
    /// IO operations per second, where they can be chosen.
    #[field(computed)]
    pub iops: Option<i32>,
    /// Throughput in MiB per second, where it can be chosen.
    #[field(computed)]
    pub throughput: Option<i32>,
    /// How far the storage grows by itself; what it has grown to is no drift.
    pub max_storage: Option<Gib>,
    /// Whether it is encrypted at rest. Changing it replaces it.
    #[field(replace, default = true)]
    pub encrypted: bool,
    /// The key it is encrypted with; AWS's own if left out. Another replaces it.
    #[field(replace, computed)]
    pub kms_key: Option<Arn>,
    /// Days that backups are kept, 0 (none) to 35.
    #[field(default = 7i32)]
    pub backup_retention: i32,
    /// When it is backed up, in UTC: `03:00-04:00`.
    #[field(computed)]
    pub backup_window: Option<String>,
    /// When it is maintained, in UTC: `sun:04:00-sun:05:00`.
    #[field(computed, normalize = observe::lower)]
    pub maintenance_window: Option<String>,
    /// Whether AWS refuses to delete it.
    #[field(default = false)]
    pub deletion_protection: bool,
    /// Whether a deletion takes no last snapshot.
    #[field(write_only, default = false)]
    pub skip_final_snapshot: bool,
    /// Whether the automated backups outlive it.
    #[field(write_only, default = false)]
    pub keep_automated_backups: bool,
    /// Whether its snapshots get its tags.
    #[field(default = true)]
    pub copy_tags_to_snapshot: bool,
    /// The logs sent to CloudWatch: `postgresql`, `upgrade`; `error`, `slowquery`.
    #[field(set)]
    pub log_exports: Vec<String>,
    /// Whether performance insights are gathered.
    #[field(default = false)]
    pub performance_insights: bool,
    /// Days that performance insights are kept: 7, multiples of 31, or 731.
    #[field(computed)]
    pub performance_insights_retention: Option<i32>,
    /// The key performance insights are encrypted with; chosen when they are switched on.
    #[field(computed)]
    pub performance_insights_key: Option<Arn>,
    /// How much Database Insights looks at.
    #[field(computed)]
    pub database_insights: Option<DatabaseInsights>,
    /// Seconds between two readings of enhanced monitoring: 0 (none), 1, 5, 10, 15, 30, 60.
    #[field(default = 0i32)]
    pub monitoring_interval: i32,
    /// The role that enhanced monitoring writes with.
    pub monitoring_role: Option<Arn>,
    /// The authority of its certificate, `rds-ca-rsa2048-g1`.
    #[field(computed)]
    pub ca: Option<String>,
    /// Whether AWS installs minor versions in the maintenance window.
    #[field(default = true)]
    pub auto_minor_version_upgrade: bool,
    /// Whether IAM principals may log in.
    #[field(default = false)]
    pub iam_authentication: bool,
    /// `open-source-rds-extended-support`, or `…-disabled` for being upgraded instead of paying.
    #[field(computed)]
    pub lifecycle_support: Option<String>,
    /// Whether changes are made at once rather than in the maintenance window.
    #[field(write_only, default = true)]
    pub apply_immediately: bool,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What a database instance gives.
#[derive(Outputs, Clone, Debug)]
pub struct InstanceOutputs {
    /// Its identifier.
    #[output(stable)]
    pub identifier: String,
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
    /// `ADDRESS:PORT`.
    pub endpoint: String,
    /// Its name in DNS.
    #[output(stable)]
    pub address: String,
    /// Its port.
    pub port: u16,
    /// AWS's own id of it (`db-…`), which IAM authentication is granted on.
    #[output(stable)]
    pub resource_id: String,
    /// The secret with the master user's password, where RDS manages it.
    pub master_secret_arn: Option<Arn>,
}

impl InstanceRefs {
    /// The secret with the master user's password; it fails whoever uses it where RDS does not manage the password.
    pub fn master_secret(&self) -> Output<Arn> {
        self.master_secret_arn.try_map(|arn| {
            arn.ok_or_else(|| {
                "the instance has no managed password: set manage_master_password(true)".to_owned()
            })
        })
    }
}

/// `DescribeDBInstances` takes this many values in one filter.
const BATCH: usize = 100;

/// Those of `names` that exist; a filter leaves out what does not, where a name would fail the call.
async fn describe(cx: &Cx<Aws>, names: &[String]) -> Result<Vec<DbInstance>> {
    let mut all = Vec::new();
    for names in names.chunks(BATCH) {
        let filter =
            Filter::builder().name("db-instance-id").set_values(Some(names.to_vec())).build();
        let mut pages = cx.rds().describe_db_instances().filters(filter).into_paginator().send();
        while let Some(page) = pages.next().await {
            all.extend(page.found()?.iter().flat_map(aws_sdk_rds::operation::describe_db_instances::DescribeDbInstancesOutput::db_instances).cloned());
        }
    }
    Ok(all)
}

/// All of the region.
async fn list(cx: &Cx<Aws>) -> Result<Vec<DbInstance>> {
    let pages = cx.rds().describe_db_instances().into_paginator().items().send();
    pages.collect::<Result<Vec<_>, _>>().await.classify()
}

fn name<'a>(find: &Find<'a, Instance>) -> Option<&'a str> {
    match find {
        Find::Id { id, .. } => Some(id),
        Find::Made { want, .. } => want.identifier.as_deref(),
    }
}

impl Managed for Instance {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        let names: Vec<_> = find.iter().filter_map(name).map(str::to_lowercase).collect();
        let found = match describe(cx, &names).await {
            Ok(found) => found,
            Err(e) => return find.iter().map(|_| Err(e.again())).collect(),
        };
        let observed = |find: &Find<'_, Self>| {
            let name = name(find).map(str::to_lowercase);
            let found = found.iter().find(|db| db.db_instance_identifier() == name.as_deref());
            found.map(|found| observe::observed(found, find.inputs())).transpose()
        };
        find.iter().map(observed).collect()
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        let found = list(cx).await?.into_iter();
        let ours = found.filter(|db| owned::carries(&tagging::map(db.tag_list()), stack));
        owned::read(cx, ours.filter_map(|db| db.db_instance_identifier).collect()).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let tags = Some(tagging::list(cx.tags(&want.tags, op)));
        let answer = modify::creation(cx, want).set_tags(tags).send().await.classify()?;
        // AWS keeps the identifier in lower case.
        let name = answer.db_instance().and_then(DbInstance::db_instance_identifier);
        Ok(name.or(want.identifier.as_deref()).unwrap_or_default().to_lowercase())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        modify::update(cx, change).await
    }

    async fn delete(
        cx: &Cx<Aws>,
        have: &Observed<Self>,
        recorded: &Self,
        op: &Operation,
    ) -> Result<()> {
        if matches!(have.readiness, Readiness::Deleting(_)) {
            return Ok(());
        }
        if have.live.deletion_protection {
            let message = format!(
                "the database {} has deletion protection: \
                 set deletion_protection(false) and apply that before deleting it",
                have.id
            );
            return Err(Error::invalid(message));
        }
        let delete = cx.rds().delete_db_instance().db_instance_identifier(&have.id);
        let delete = delete.delete_automated_backups(!recorded.keep_automated_backups);
        let delete = if recorded.skip_final_snapshot {
            delete.skip_final_snapshot(true)
        } else {
            delete
                .skip_final_snapshot(false)
                .final_db_snapshot_identifier(final_snapshot(&have.id, op))
        };
        match delete.send().await.gone() {
            // The first attempt's reply was lost.
            Err(e)
                if e.class() == Class::Conflict
                    && e.to_string().contains("already being deleted") =>
            {
                Ok(())
            }
            done => done,
        }
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        declared::grants(change)
    }

    fn foreseen(want: &Self) -> Vec<(&'static str, Value)> {
        let name = want.identifier.as_deref().unwrap_or("*");
        vec![("arn", format!("arn:*:rds:{{region}}:*:db:{name}").as_str().into())]
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        declared::check(want)
    }

    fn replaces(old: &Self, new: &Partial<Self>) -> Option<Reason> {
        if let Part::Known(engine) = new.get(Self::ENGINE) {
            if engine.name() != old.engine.name() {
                return Some(Reason::of(Self::ENGINE, "a database cannot change its engine"));
            }
            if old.engine.is_newer_than(&engine) {
                return Some(Reason::of(
                    Self::ENGINE,
                    "an engine can only move to a newer version",
                ));
            }
        }
        match new.get(Self::STORAGE) {
            Part::Known(storage) if storage < old.storage => {
                Some(Reason::of(Self::STORAGE, "storage can only grow"))
            }
            _ => None,
        }
    }

    fn shrinks(live: &Self, want: &Self) -> Option<String> {
        smaller_class(&live.class, &want.class)
            .or_else(|| less("GiB", live.storage.0, want.storage.0))
            .or_else(|| less("IOPS", live.iops, want.iops))
            // Automated snapshots older than that are deleted.
            .or_else(|| less("days of backups", live.backup_retention, want.backup_retention))
            .or_else(|| {
                let one = live.multi_az && !want.multi_az;
                one.then(|| "two zones, then one".to_owned())
            })
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }

    fn timeouts() -> Timeouts {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        Timeouts { create: minutes(60), update: minutes(80), delete: minutes(60) }
    }
}

/// Unique per deletion, and the same when a deletion is tried again.
fn final_snapshot(identifier: &str, op: &Operation) -> String {
    let id = op.id.simple().to_string();
    format!("{identifier}-final-{}", &id[..12])
}

#[cfg(test)]
mod tests {
    use super::{declared::check, *};

    fn number(n: i32) -> Value {
        Value::Number(n.into())
    }

    fn declared(engine: &str, storage: i32) -> Partial<Instance> {
        let engine = Value::from([("postgres", Value::from(engine))]);
        let class = Value::from("db.t4g.micro");
        Partial::new(Value::from([
            ("engine", engine),
            ("class", class),
            ("storage", number(storage)),
        ]))
    }

    #[test]
    fn downgrades_and_shrinking_replace() {
        let old = declared("17.4", 100).complete().unwrap().unwrap();
        assert!(Instance::replaces(&old, &declared("18", 100)).is_none());
        assert!(Instance::replaces(&old, &declared("17", 200)).is_none());
        assert_eq!(
            Instance::replaces(&old, &declared("16", 100)).unwrap().path,
            Instance::ENGINE.path()
        );
        assert_eq!(
            Instance::replaces(&old, &declared("17.4", 50)).unwrap().path,
            Instance::STORAGE.path()
        );
    }

    #[test]
    fn a_password_is_needed_once() {
        assert_eq!(check(&declared("17", 100)).len(), 1);
        let mut value = declared("17", 100).value().clone();
        let Value::Map(map) = &mut value else { panic!("a map") };
        map.insert("password".to_owned(), Value::from("geheim").secret());
        assert!(check(&Partial::new(value.clone())).is_empty());
        let Value::Map(map) = &mut value else { panic!("a map") };
        map.insert("manage_master_password".to_owned(), Value::Bool(true));
        map.insert("backup_retention".to_owned(), number(36));
        assert_eq!(check(&Partial::new(value)).len(), 2);
    }
}
