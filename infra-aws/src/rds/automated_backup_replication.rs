//! Automated backups in another region.

use std::{collections::BTreeMap, sync::Arc};

use aws_sdk_rds::types::DbInstanceAutomatedBackup;
use infra_core::{
    Outputs, Resource,
    provider::{
        Change, Class, Cx, Error, Find, Grant, Managed, Observed, Once, Operation, Partial,
        Readiness, Result, Timeouts, Violation,
    },
    state::{StackName, Value},
};

use super::{tagging, types::arn};
use crate::{
    Aws,
    capacity::less,
    classify::Classify as _,
    owned,
    policy::{Verb, encrypts, grants, subject},
    tags,
    types::Arn,
};

/// The automated backups of a database, snapshots and transaction logs, copied to another region as soon as there are
/// any: from them the database can be restored there to any second of the retention, though its own region is lost.
///
/// `AutomatedBackupReplication::new(&db.arn).kms_key(&key_there.arn).provider(&there)`: it belongs to a provider of the
/// region the backups go to. The database keeps automated backups itself (`backup_retention` is not 0).
///
/// RDS cannot change a replication, so another source, retention or key replaces it: it is stopped and started again.
/// Stopping deletes nothing at once: what was copied is kept (`retained`) until the retention that it was copied with is
/// over, and costs as long. But the copies end there, so deleting or replacing it needs to be allowed, as with all that
/// holds data. While there are retained backups, RDS starts a replication of the same database only with the key that
/// those are encrypted with; for another key they have to be deleted first (`DeleteDBInstanceAutomatedBackup`).
/// RDS stops by itself if one of the keys is disabled or deleted; then the next `up` starts it again.
///
/// Needs `rds:StartDBInstanceAutomatedBackupsReplication` and `StopDBInstanceAutomatedBackupsReplication` on the
/// database, `AddTagsToResource` and `RemoveTagsFromResource` on the copies, `DescribeDBInstanceAutomatedBackups`;
/// `kms:CreateGrant` and `kms:DescribeKey` on the key. (RDS API reference; RDS user guide, "Replicating automated
/// backups to another AWS Region", "Stopping automated backup replication", "Troubleshooting stopped cross-Region
/// automated backups".)
#[derive(Resource, Clone, Debug)]
#[resource(
    kind = "aws:rds:AutomatedBackupReplication",
    outputs = AutomatedBackupReplicationOutputs,
    holds_data
)]
pub struct AutomatedBackupReplication {
    /// The ARN of the database instance, in its own region. Another replaces it.
    #[field(replace)]
    pub source: Arn,
    /// Days that the copies are kept, 1 to 35. A change replaces it.
    #[field(replace, default = 7i32)]
    pub retention: i32,
    /// The key they are encrypted with, of the region they go to. An encrypted database needs one. Another replaces it.
    #[field(replace, computed)]
    pub kms_key: Option<Arn>,
    /// Tags of the copies.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What the replication gives.
#[derive(Outputs, Clone, Debug)]
pub struct AutomatedBackupReplicationOutputs {
    /// The ARN of the copies, `…:auto-backup:ab-…`: what a restore to a point in time starts from.
    #[output(stable)]
    pub arn: Arn,
}

/// Whether it is still being copied. RDS writes its states now in one case, now in the other.
fn is_live(backup: &DbInstanceAutomatedBackup) -> bool {
    !backup.status().is_some_and(|status| status.eq_ignore_ascii_case("retained"))
}

/// All that is copied to the region; there are few, RDS allows 20 by default.
async fn list(cx: &Cx<Aws>) -> Result<Vec<DbInstanceAutomatedBackup>> {
    let items = cx.rds().describe_db_instance_automated_backups().into_paginator().items().send();
    let all = items.collect::<std::result::Result<Vec<_>, _>>().await.classify()?;
    Ok(all.into_iter().filter(is_live).collect())
}

async fn listed(cx: &Cx<Aws>) -> Result<Arc<Vec<DbInstanceAutomatedBackup>>> {
    cx.memo("rds:automated-backups", || list(cx)).await
}

fn name(backup: &DbInstanceAutomatedBackup) -> &str {
    backup.db_instance_automated_backups_arn().unwrap_or_default()
}

fn readiness(status: Option<&str>) -> Readiness {
    match status.unwrap_or_default().to_ascii_lowercase().as_str() {
        "replicating" | "active" => Readiness::Ready,
        // Until the first snapshot is over there.
        other => Readiness::Pending(other.to_owned()),
    }
}

impl AutomatedBackupReplication {
    fn observed(backup: &DbInstanceAutomatedBackup) -> Observed<Self> {
        let all = tagging::map(backup.tag_list());
        let live = Self {
            source: Arn::trusted(backup.db_instance_arn().unwrap_or_default()),
            retention: backup.backup_retention_period().unwrap_or(7),
            kms_key: backup.kms_key_id().map(Arn::trusted),
            tags: tags::visible(&all),
        };
        let outputs = AutomatedBackupReplicationOutputs { arn: Arn::trusted(name(backup)) };
        Observed::ready(name(backup), live, outputs).but(readiness(backup.status())).owned_by(&all)
    }

    fn find<'a>(
        backups: &'a [DbInstanceAutomatedBackup],
        find: &Find<'_, Self>,
    ) -> Option<&'a DbInstanceAutomatedBackup> {
        backups.iter().find(|backup| match find {
            Find::Id { id, .. } => name(backup) == *id,
            Find::Made { want, .. } => backup.db_instance_arn() == Some(want.source.as_str()),
        })
    }

    /// RDS says of a replication that there is one already as it says of a database that is busy.
    async fn existing(&self, cx: &Cx<Aws>, op: &Operation, refused: Error) -> Result<String> {
        let backups = list(cx).await?;
        match Self::find(&backups, &Find::Made { want: self, op }) {
            Some(found)
                if tagging::map(found.tag_list()).get("infra:operation") == Some(&op.token()) =>
            {
                Ok(name(found).to_owned())
            }
            Some(found) => {
                let message = format!("{} is copied here already, to {}", self.source, name(found));
                Err(Error::new(Class::Exists, message).because(refused))
            }
            None => Err(refused),
        }
    }
}

impl Managed for AutomatedBackupReplication {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        let backups = listed(cx).await;
        let answer = |find: &Find<'_, Self>| {
            let backups = backups.as_ref().map_err(Error::again)?;
            Ok(Self::find(backups, find).map(Self::observed))
        };
        find.iter().map(answer).collect()
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        let backups = listed(cx).await?;
        let ours = backups.iter().filter(|it| owned::carries(&tagging::map(it.tag_list()), stack));
        Ok(Some(ours.map(Self::observed).collect()))
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        if want.source.region() == cx.region() {
            let message = format!(
                "backups are copied to another region than the database's, and {} is in {}: \
                 give the replication a provider of another region",
                want.source,
                cx.region()
            );
            return Err(Error::invalid(message));
        }
        let own = cx.tags(&want.tags, op);
        let start = cx
            .rds()
            .start_db_instance_automated_backups_replication()
            .source_db_instance_arn(want.source.as_str())
            .backup_retention_period(want.retention)
            .set_kms_key_id(want.kms_key.as_ref().map(ToString::to_string))
            .set_tags(Some(tagging::list(own)));
        match start.send().await.classify() {
            Ok(started) => {
                let none =
                    || Error::invalid("StartDBInstanceAutomatedBackupsReplication gave no ARN");
                let backup = started.db_instance_automated_backup;
                backup.and_then(|it| it.db_instance_automated_backups_arn).ok_or_else(none)
            }
            Err(e) if matches!(e.class(), Class::Conflict | Class::Exists) => {
                want.existing(cx, op, e).await
            }
            Err(e) => Err(e),
        }
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        if change.touches(Self::TAGS) {
            let (live, want) = (&change.have()?.live.tags, &change.want()?.tags);
            tagging::update(cx, change.id()?, live, want).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        let stop = cx.rds().stop_db_instance_automated_backups_replication();
        match stop.source_db_instance_arn(have.live.source.as_str()).send().await.gone() {
            // It was stopped before, and is not shown as that yet.
            Err(e) if e.class() == Class::Conflict && e.to_string().contains("not replicating") => {
                Ok(())
            }
            done => done,
        }
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let it = subject(change);
        let source = it.map_or("*", |it| it.source.as_str());
        let copies = arn("auto-backup", None);
        let mut all = grants("*", ["rds:DescribeDBInstanceAutomatedBackups"]);
        match Verb::of(change) {
            Verb::Search | Verb::Read => {}
            Verb::Create => {
                all.extend(grants(source, ["rds:StartDBInstanceAutomatedBackupsReplication"]));
                all.extend(grants(copies, ["rds:AddTagsToResource"]));
                if let Some(key) = it.and_then(|it| it.kms_key.as_ref()) {
                    all.extend(encrypts(key.as_str()));
                }
            }
            Verb::Update => {
                if change.touches(Self::TAGS) {
                    let both = ["rds:AddTagsToResource", "rds:RemoveTagsFromResource"];
                    all.extend(grants(copies, both));
                }
            }
            Verb::Delete => {
                all.extend(grants(source, ["rds:StopDBInstanceAutomatedBackupsReplication"]));
            }
        }
        all
    }

    fn foreseen(_: &Self) -> Vec<(&'static str, Value)> {
        vec![("arn", arn("auto-backup", None).as_str().into())]
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let mut violations = Vec::new();
        if let Some(source) = want.get(Self::SOURCE).known()
            && !(source.service() == "rds" && source.resource().starts_with("db:"))
        {
            let message =
                format!("expected the ARN of a database, `arn:…:db:IDENTIFIER`, found {source}");
            violations.push(Violation::of(Self::SOURCE, message));
        }
        if let Some(days) = want.get(Self::RETENTION).known()
            && !(1..=35).contains(&days)
        {
            let message = format!("expected 1 to 35 days, found {days}");
            violations.push(Violation::of(Self::RETENTION, message));
        }
        violations
    }

    fn collides(old: &Self, new: &Partial<Self>) -> Option<String> {
        let same = new.get(Self::SOURCE).known().as_ref() == Some(&old.source);
        same.then(|| "the backups of a database are copied to a region once".to_owned())
    }

    fn shrinks(live: &Self, want: &Self) -> Option<String> {
        less("days of copied backups", live.retention, want.retention)
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }

    fn timeouts() -> Timeouts {
        // The first snapshot has to be over there.
        Timeouts::minutes(75)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rds_would_refuse_is_found_at_preview() {
        let check = |source: &str, days: i32| {
            let value = Value::from([("source", source.into()), ("retention", days.into())]);
            AutomatedBackupReplication::check(&Partial::new(value)).len()
        };
        assert_eq!(check("arn:aws:rds:eu-west-1:123456789012:db:ledger", 35), 0);
        assert_eq!(check("arn:aws:rds:eu-west-1:123456789012:cluster:ledger", 0), 2);
    }

    #[test]
    fn states_are_read_in_any_case() {
        assert_eq!(readiness(Some("Replicating")), Readiness::Ready);
        assert_eq!(readiness(Some("Pending")), Readiness::Pending("pending".to_owned()));
        let kept = DbInstanceAutomatedBackup::builder().status("Retained").build();
        assert!(!is_live(&kept));
    }
}
