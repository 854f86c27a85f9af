//! A table as it is.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{
    BillingMode, GlobalSecondaryIndexDescription, IndexStatus, PointInTimeRecoveryStatus,
    ProvisionedThroughputDescription, SseStatus, StreamViewType, TableDescription, TableStatus,
    Tag, TimeToLiveStatus,
};
use futures_util::future::try_join3;
use infra_core::{
    Data as _,
    provider::{Cx, Find, Observed, Readiness, Result},
};

use super::{Billing, Index, StreamView, Table, TableClass, TableOutputs, attribute::of_schema};
use crate::{Aws, classify::Classify as _, tags, types::Arn};

impl Table {
    pub(super) async fn read_one(
        cx: &Cx<Aws>,
        find: &Find<'_, Self>,
    ) -> Result<Option<Observed<Self>>> {
        let named = || find.inputs().and_then(|table| table.name.as_deref());
        let name = find.id().or_else(named).unwrap_or_default();
        let describe = cx.dynamodb().describe_table().table_name(name).send().await.found()?;
        let Some(table) = describe.and_then(|answer| answer.table) else { return Ok(None) };
        let arn = table.table_arn().unwrap_or_default().to_owned();
        let parts = try_join3(recovers(cx, name), ttl(cx, name), tags_of(cx, &arn)).await?;
        let (Some(recovers), Some(ttl), Some(all)) = parts else {
            // It went between the calls.
            return Ok(None);
        };
        let (hash_key, range_key) = of_schema(table.key_schema(), table.attribute_definitions());
        let indexes = table.global_secondary_indexes().iter();
        let stream = table.stream_specification().filter(|stream| stream.stream_enabled());
        let view = stream.and_then(|stream| stream.stream_view_type()).map(StreamViewType::as_str);
        let class = table.table_class_summary().and_then(|summary| summary.table_class());
        let live = Self {
            hash_key,
            range_key,
            name: Some(name.to_owned()),
            billing: billing(&table),
            indexes: indexes.map(|it| Index::of(it, table.attribute_definitions())).collect(),
            ttl,
            point_in_time_recovery: recovers,
            deletion_protection: table.deletion_protection_enabled().unwrap_or_default(),
            kms_key: key(&table),
            stream: view.map(|view| StreamView::from_value(&view.into())).transpose()?,
            class: TableClass::from_value(
                &class.map_or("STANDARD", |class| class.as_str()).into(),
            )?,
            tags: tags::visible(&all),
        };
        let outputs = TableOutputs {
            arn: Arn::trusted(arn),
            name: name.to_owned(),
            stream_arn: stream.and_then(|_| table.latest_stream_arn()).map(Arn::trusted),
        };
        let observed = Observed::ready(name, live, outputs).owned_by(&all);
        Ok(Some(observed.but(readiness(&table))))
    }
}

fn billing(table: &TableDescription) -> Billing {
    let mode = table.billing_mode_summary().and_then(|summary| summary.billing_mode());
    if mode == Some(&BillingMode::PayPerRequest) {
        return Billing::OnDemand;
    }
    let throughput = table.provisioned_throughput();
    Billing::of(
        throughput.and_then(ProvisionedThroughputDescription::read_capacity_units),
        throughput.and_then(ProvisionedThroughputDescription::write_capacity_units),
    )
}

fn key(table: &TableDescription) -> Option<Arn> {
    let encryption = table.sse_description()?;
    let on = matches!(
        encryption.status(),
        Some(SseStatus::Enabled | SseStatus::Enabling | SseStatus::Updating)
    );
    encryption.kms_master_key_arn().filter(|_| on).map(Arn::trusted)
}

fn readiness(table: &TableDescription) -> Readiness {
    let status = table.table_status().map_or("", TableStatus::as_str).to_lowercase();
    match table.table_status() {
        Some(TableStatus::Active) => {}
        Some(TableStatus::Deleting) => return Readiness::Deleting(status),
        Some(TableStatus::InaccessibleEncryptionCredentials) => {
            return Readiness::Failed("DynamoDB cannot use its KMS key".to_owned());
        }
        Some(TableStatus::Archived | TableStatus::Archiving) => {
            return Readiness::Failed(
                "it was archived because its KMS key could not be used".to_owned(),
            );
        }
        _ => return Readiness::Pending(status),
    }
    let busy = |index: &&GlobalSecondaryIndexDescription| {
        index.index_status().is_some_and(|status| *status != IndexStatus::Active)
    };
    match table.global_secondary_indexes().iter().find(busy) {
        Some(index) => {
            let status = index.index_status().map_or("", IndexStatus::as_str).to_lowercase();
            Readiness::Pending(format!(
                "index {} is {status}",
                index.index_name().unwrap_or_default()
            ))
        }
        None => Readiness::Ready,
    }
}

async fn recovers(cx: &Cx<Aws>, name: &str) -> Result<Option<bool>> {
    let found =
        cx.dynamodb().describe_continuous_backups().table_name(name).send().await.found()?;
    Ok(found.map(|found| {
        let backups = found.continuous_backups_description();
        let recovery = backups.and_then(|it| it.point_in_time_recovery_description());
        let status = recovery.and_then(|it| it.point_in_time_recovery_status());
        status == Some(&PointInTimeRecoveryStatus::Enabled)
    }))
}

/// The attribute that says when an item expires; `Some(None)` where there is none.
async fn ttl(cx: &Cx<Aws>, name: &str) -> Result<Option<Option<String>>> {
    let found = cx.dynamodb().describe_time_to_live().table_name(name).send().await.found()?;
    Ok(found.map(|found| {
        let ttl = found.time_to_live_description?;
        let on = matches!(
            ttl.time_to_live_status(),
            Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
        );
        ttl.attribute_name.filter(|_| on)
    }))
}

/// The tags of a table by its name.
pub(super) async fn tags_of_table(
    cx: &Cx<Aws>,
    name: &str,
) -> Result<Option<BTreeMap<String, String>>> {
    let table = format!("table/{name}");
    let arn = Arn::of(cx.partition(), "dynamodb", cx.region(), cx.account(), &table);
    tags_of(cx, arn.as_str()).await
}

async fn tags_of(cx: &Cx<Aws>, arn: &str) -> Result<Option<BTreeMap<String, String>>> {
    let mut all = BTreeMap::new();
    let mut next = None;
    loop {
        let list = cx.dynamodb().list_tags_of_resource().resource_arn(arn);
        let page = list.set_next_token(next).send().await.found()?;
        let Some(page) = page else { return Ok(None) };
        all.extend(page.tags().iter().map(|tag: &Tag| (tag.key.clone(), tag.value.clone())));
        next = page.next_token;
        if next.is_none() {
            return Ok(Some(all));
        }
    }
}
