//! The table of leases: what it has to be like, looked at and put right.

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client,
    error::BuildError,
    operation::{
        create_table::CreateTableError, describe_table::DescribeTableError,
        update_continuous_backups::UpdateContinuousBackupsError,
    },
    types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType,
        PointInTimeRecoverySpecification, PointInTimeRecoveryStatus, ScalarAttributeType,
        TableDescription, TableStatus,
    },
};

use super::{
    S3Address,
    answer::Answer as _,
    bucket::{BOOTSTRAP, plain, unseen, waited},
    item::KEY,
};
use crate::{Env, Error, ErrorKind, Finding, Grade, Result};

/// How often a table is asked for that is being made or changed, and how long apart.
const SETTLED: (u32, Duration) = (300, Duration::from_secs(1));

/// The table of a place.
pub(super) struct Table<'a> {
    pub(super) client: &'a Client,
    pub(super) place: &'a S3Address,
    pub(super) env: &'a dyn Env,
}

/// A setting that a table of leases should have.
#[derive(Clone, Copy)]
enum Setting {
    OnDemand,
    Protected,
    BackedUp,
}

const SETTINGS: [Setting; 3] = [Setting::OnDemand, Setting::Protected, Setting::BackedUp];

impl Setting {
    fn right(self) -> &'static str {
        match self {
            Self::OnDemand => "capacity of the table: on demand",
            Self::Protected => "deletion protection of the table: on",
            Self::BackedUp => "backups of the table: point-in-time recovery is on",
        }
    }

    fn wrong(self) -> &'static str {
        match self {
            Self::OnDemand => {
                "capacity of the table: provisioned, so a lock may have to wait for it"
            }
            Self::Protected => {
                "deletion protection of the table: off; who deletes the table stops every run in progress"
            }
            Self::BackedUp => "backups of the table: no point-in-time recovery",
        }
    }
}

impl Table<'_> {
    pub(super) async fn examine(&self) -> Result<Vec<Finding>> {
        let name = &self.place.table;
        let table = match self.describe().await {
            Ok(Some(table)) => table,
            Ok(None) => {
                let what = format!(
                    "there is no table {name}, so nobody can take a lock. Nothing is lost with it: the state counts \
                     its holders itself"
                );
                return Ok(vec![Finding::wrong(what, "`bootstrap` makes it")]);
            }
            Err(e) => return Ok(vec![unseen(&format!("table {name}"), e)?]),
        };
        if let Err(e) = self.check_key(&table) {
            return Ok(vec![plain(Grade::Wrong, waited(e)?)]);
        }
        let mut findings = vec![match table.table_status() {
            Some(TableStatus::Active | TableStatus::Updating) => {
                Finding::good(format!("the table {name} is there, with the hash key {KEY}"))
            }
            status => {
                let status = status.map_or("unknown", TableStatus::as_str);
                let what = format!("the table {name} cannot be used yet ({status})");
                Finding::wrong(what, "wait, and look again")
            }
        }];
        let backed_up = self.is_backed_up().await;
        for setting in SETTINGS {
            let right = match setting {
                Setting::OnDemand => is_on_demand(&table),
                Setting::Protected => is_protected(&table),
                Setting::BackedUp => match &backed_up {
                    Ok(on) => *on,
                    Err(_) => continue,
                },
            };
            findings.push(if right {
                Finding::good(setting.right())
            } else {
                Finding::notice(setting.wrong(), BOOTSTRAP)
            });
        }
        if let Err(e) = backed_up {
            findings.push(unseen("backups of the table", e)?);
        }
        Ok(findings)
    }

    /// A table that is there is adopted with what is in it.
    pub(super) async fn prepare(&self) -> Result<Vec<Finding>> {
        let name = &self.place.table;
        let (table, made) = match self.settled().await? {
            Some(table) => (table, Finding::good(format!("the table {name} was there"))),
            None => {
                (self.make().await?, plain(Grade::Notice, format!("the table {name} was made")))
            }
        };
        self.check_key(&table)?;
        let mut findings = vec![made];
        for setting in SETTINGS {
            let right = match setting {
                Setting::OnDemand => is_on_demand(&table),
                Setting::Protected => is_protected(&table),
                Setting::BackedUp => self.is_backed_up().await?,
            };
            findings.push(if right {
                Finding::good(setting.right())
            } else {
                self.set(setting).await?;
                plain(Grade::Notice, format!("{} (was not)", setting.right()))
            });
        }
        Ok(findings)
    }

    async fn set(&self, setting: Setting) -> Result<()> {
        let update = self.client.update_table().table_name(&self.place.table);
        let update = match setting {
            Setting::OnDemand => update.billing_mode(BillingMode::PayPerRequest),
            Setting::Protected => update.deletion_protection_enabled(true),
            Setting::BackedUp => return self.back_up().await,
        };
        update.send().await.answer(self.place, "dynamodb:UpdateTable")?;
        // One change at a time.
        self.settled().await.map(drop)
    }

    async fn describe(&self) -> Result<Option<TableDescription>> {
        let describe = self.client.describe_table().table_name(&self.place.table);
        match describe.send().await {
            Err(e)
                if e.as_service_error()
                    .is_some_and(DescribeTableError::is_resource_not_found_exception) =>
            {
                Ok(None)
            }
            found => Ok(found.answer(self.place, "dynamodb:DescribeTable")?.table),
        }
    }

    /// The table when it is active, or none when there is none (any more).
    async fn settled(&self) -> Result<Option<TableDescription>> {
        let (times, pause) = SETTLED;
        for _ in 0..times {
            let Some(table) = self.describe().await? else { return Ok(None) };
            match table.table_status() {
                Some(TableStatus::Active) | None => return Ok(Some(table)),
                Some(
                    status @ (TableStatus::Archived
                    | TableStatus::Archiving
                    | TableStatus::InaccessibleEncryptionCredentials),
                ) => {
                    let message = format!(
                        "the table {} cannot be used ({status}): its encryption key cannot be had. Make the key \
                         available, or name another table",
                        self.place.table
                    );
                    return Err(Error::new(ErrorKind::Refused, message));
                }
                Some(_) => self.env.sleep(pause).await,
            }
        }
        let message = format!("the table {} does not become active", self.place.table);
        Err(Error::new(ErrorKind::Unavailable, message))
    }

    async fn make(&self) -> Result<TableDescription> {
        let key = || -> Result<_, BuildError> {
            let element = KeySchemaElement::builder().attribute_name(KEY).key_type(KeyType::Hash);
            let attribute = AttributeDefinition::builder().attribute_name(KEY);
            let attribute = attribute.attribute_type(ScalarAttributeType::S).build()?;
            Ok((element.build()?, attribute))
        };
        let (element, attribute) = key().map_err(|e| {
            Error::new(ErrorKind::Invalid, "the table's key cannot be written").because(e)
        })?;
        let create = self
            .client
            .create_table()
            .table_name(&self.place.table)
            .key_schema(element)
            .attribute_definitions(attribute)
            .billing_mode(BillingMode::PayPerRequest)
            .deletion_protection_enabled(true);
        match create.send().await {
            // Somebody else makes it at the same time, or the reply to our own call was lost.
            Err(e)
                if e.as_service_error()
                    .is_some_and(CreateTableError::is_resource_in_use_exception) => {}
            created => drop(created.answer(self.place, "dynamodb:CreateTable")?),
        }
        self.settled().await?.ok_or_else(|| {
            let message = format!("the table {} was made, but is not there yet", self.place.table);
            Error::new(ErrorKind::Unavailable, message)
        })
    }

    fn check_key(&self, table: &TableDescription) -> Result<()> {
        let is_text = |attribute: &AttributeDefinition| {
            attribute.attribute_name() == KEY
                && *attribute.attribute_type() == ScalarAttributeType::S
        };
        match table.key_schema() {
            [only]
                if only.attribute_name() == KEY
                    && *only.key_type() == KeyType::Hash
                    && table.attribute_definitions().iter().any(is_text) =>
            {
                Ok(())
            }
            other => {
                let names: Vec<_> = other.iter().map(KeySchemaElement::attribute_name).collect();
                let message = format!(
                    "the table {} has the key {}. State needs a table whose only key is the hash key `{KEY}` (a \
                     string), as Terraform's: name another table, and `bootstrap` makes it",
                    self.place.table,
                    names.join(" and ")
                );
                Err(Error::new(ErrorKind::Refused, message))
            }
        }
    }

    async fn is_backed_up(&self) -> Result<bool> {
        let describe = self.client.describe_continuous_backups().table_name(&self.place.table);
        let found =
            describe.send().await.answer(self.place, "dynamodb:DescribeContinuousBackups")?;
        let recovery = found
            .continuous_backups_description
            .and_then(|it| it.point_in_time_recovery_description);
        Ok(recovery.is_some_and(|it| {
            it.point_in_time_recovery_status() == Some(&PointInTimeRecoveryStatus::Enabled)
        }))
    }

    async fn back_up(&self) -> Result<()> {
        let on = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(true);
        let on = on.build().map_err(|e| {
            Error::new(ErrorKind::Invalid, "the backups cannot be switched on").because(e)
        })?;
        let (times, pause) = SETTLED;
        let mut left = times;
        loop {
            let update = self.client.update_continuous_backups().table_name(&self.place.table);
            let update = update.point_in_time_recovery_specification(on.clone()).send().await;
            left -= 1;
            match update {
                // Some seconds long after a table became active.
                Err(e)
                    if left > 0
                        && e.as_service_error()
                            .is_some_and(UpdateContinuousBackupsError::is_continuous_backups_unavailable_exception) =>
                {
                    self.env.sleep(pause).await;
                }
                done => {
                    return done.answer(self.place, "dynamodb:UpdateContinuousBackups").map(drop);
                }
            }
        }
    }
}

fn is_on_demand(table: &TableDescription) -> bool {
    table
        .billing_mode_summary()
        .is_some_and(|summary| summary.billing_mode() == Some(&BillingMode::PayPerRequest))
}

fn is_protected(table: &TableDescription) -> bool {
    table.deletion_protection_enabled() == Some(true)
}
