//! What keeps data.

use infra_core::policy::Policy;

pub(super) fn data_loss() -> Policy {
    Policy::data_loss("aws:data-loss", "aws:")
        .about("what holds data (a database, bucket, table or key) is not deleted or replaced")
}

pub(super) fn short_backups() -> Policy {
    let policy = Policy::named("aws:short-backups");
    #[cfg(feature = "rds")]
    let policy = policy.also::<crate::rds::Instance>(|it| {
        use crate::rds::Instance;
        let Some(days) = it.known(Instance::BACKUP_RETENTION).filter(|days| *days < 7) else {
            return Vec::new();
        };
        let found =
            if days == 0 { "no backups".to_owned() } else { format!("{days} days of backups") };
        vec![
            it.wrong(Instance::BACKUP_RETENTION, format!("expected 7 days or more, found {found}")),
        ]
    });
    #[cfg(feature = "dynamodb")]
    let policy = policy.also::<crate::dynamodb::Table>(|it| {
        use crate::dynamodb::Table;
        let none = it.is(Table::POINT_IN_TIME_RECOVERY, &false);
        let message = "the table has no backups: turn `point_in_time_recovery` on";
        it.wrong_if(none, Table::POINT_IN_TIME_RECOVERY, message)
    });
    policy.about("databases keep backups for 7 days at least, tables have point-in-time recovery")
}

pub(super) fn deletion_protection() -> Policy {
    let policy = Policy::named("aws:deletion-protection");
    #[cfg(any(feature = "rds", feature = "dynamodb", feature = "eks"))]
    let message =
        "nothing keeps somebody with a console from deleting it: turn `deletion_protection` on";
    #[cfg(feature = "rds")]
    let policy = policy.also::<crate::rds::Instance>(move |it| {
        use crate::rds::Instance;
        it.wrong_if(
            it.is(Instance::DELETION_PROTECTION, &false),
            Instance::DELETION_PROTECTION,
            message,
        )
    });
    #[cfg(feature = "dynamodb")]
    let policy = policy.also::<crate::dynamodb::Table>(move |it| {
        use crate::dynamodb::Table;
        it.wrong_if(it.is(Table::DELETION_PROTECTION, &false), Table::DELETION_PROTECTION, message)
    });
    #[cfg(feature = "eks")]
    let policy = policy.also::<crate::eks::Cluster>(move |it| {
        use crate::eks::Cluster;
        it.wrong_if(
            it.is(Cluster::DELETION_PROTECTION, &false),
            Cluster::DELETION_PROTECTION,
            message,
        )
    });
    policy
        .about("in production, AWS refuses to delete databases, tables and clusters")
        .only_production()
}

pub(super) fn single_zone() -> Policy {
    let policy = Policy::named("aws:single-zone");
    #[cfg(feature = "rds")]
    let policy = policy.also::<crate::rds::Instance>(|it| {
        use crate::rds::Instance;
        let message = "the loss of its zone is the loss of the database for as long as that takes: turn `multi_az` on";
        it.wrong_if(it.is(Instance::MULTI_AZ, &false), Instance::MULTI_AZ, message)
    });
    policy.about("in production, a database has a standby in another zone").only_production()
}
