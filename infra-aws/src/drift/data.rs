//! What can be lost, or read by somebody else.

use infra_core::drift::{Rule, Severity};

#[cfg(any(feature = "rds", feature = "ssm"))]
use super::lowered::changed;
#[cfg(feature = "rds")]
use super::lowered::{fewer, less, on};
#[cfg(any(feature = "rds", feature = "dynamodb", feature = "secretsmanager"))]
use super::lowered::{lost, off};

pub(super) fn rules() -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    #[cfg(feature = "rds")]
    rules.extend(databases());
    #[cfg(feature = "dynamodb")]
    rules.extend(tables());
    #[cfg(feature = "ssm")]
    rules.push(changed("aws:parameter-value", crate::ssm::Parameter::VALUE, Severity::High));
    #[cfg(feature = "secretsmanager")]
    rules.push(lost("aws:encryption", crate::secretsmanager::Secret::KMS_KEY, Severity::High));
    rules
}

#[cfg(feature = "rds")]
fn databases() -> Vec<Rule> {
    use crate::rds::{AutomatedBackupReplication as Copy, Instance as R};
    let no_backups = Rule::of::<R>("aws:no-backups", |it| {
        let none = it.touches(R::BACKUP_RETENTION) && it.live(R::BACKUP_RETENTION) == Some(0);
        none.then_some(Severity::Critical)
    });
    vec![
        no_backups,
        on("aws:public-database", R::PUBLICLY_ACCESSIBLE, Severity::Critical),
        off("aws:deletion-protection", R::DELETION_PROTECTION, Severity::High),
        off("aws:one-zone", R::MULTI_AZ, Severity::High),
        off("aws:encryption", R::ENCRYPTED, Severity::High),
        lost("aws:encryption", R::KMS_KEY, Severity::High),
        less("aws:backups", R::BACKUP_RETENTION, Severity::High),
        less("aws:backups", Copy::RETENTION, Severity::High),
        changed("aws:groups", R::SECURITY_GROUPS, Severity::High),
        off("aws:iam-authentication", R::IAM_AUTHENTICATION, Severity::Medium),
        fewer("aws:logging", R::LOG_EXPORTS, Severity::High),
    ]
}

#[cfg(feature = "dynamodb")]
fn tables() -> Vec<Rule> {
    use crate::dynamodb::Table as R;
    vec![
        off("aws:backups", R::POINT_IN_TIME_RECOVERY, Severity::High),
        off("aws:deletion-protection", R::DELETION_PROTECTION, Severity::High),
        lost("aws:encryption", R::KMS_KEY, Severity::High),
    ]
}
