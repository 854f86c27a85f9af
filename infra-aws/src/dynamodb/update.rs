//! Bringing a table to what is wanted.

use aws_sdk_dynamodb::types::{PointInTimeRecoverySpecification, TimeToLiveSpecification};
use infra_core::provider::{Change, Cx, Result};

use super::{Index, Table, table::tag_list};
use crate::{Aws, classify::Classify as _, tags};

impl Table {
    /// What settles at once goes first. Of what makes the table busy, one thing is begun: the engine waits until the
    /// table is active again and comes back for the next. (API reference, `UpdateTable`: "only one of" throughput,
    /// streams, one index at once.)
    pub(super) async fn update_one(cx: &Cx<Aws>, change: &Change<'_, Self>) -> Result<()> {
        let (name, want) = (change.id()?, change.want()?);
        let have = &change.have()?.live;
        if change.touches(Self::TAGS) {
            want.put_tags(cx, change).await?;
        }
        if change.touches(Self::POINT_IN_TIME_RECOVERY) {
            let specification = PointInTimeRecoverySpecification::builder()
                .point_in_time_recovery_enabled(want.point_in_time_recovery)
                .build()
                .classify()?;
            let update = cx.dynamodb().update_continuous_backups().table_name(name);
            let update = update.point_in_time_recovery_specification(specification);
            update.send().await.classify()?;
        }
        if change.touches(Self::TTL) && have.ttl != want.ttl {
            want.put_ttl(cx, name, have.ttl.as_deref()).await?;
        }
        want.begin(cx, name, change).await
    }

    /// Another attribute has to be switched on after the old one was switched off, so the first call switches off.
    async fn put_ttl(&self, cx: &Cx<Aws>, name: &str, have: Option<&str>) -> Result<()> {
        let attribute = have.or(self.ttl.as_deref()).unwrap_or_default();
        let specification = TimeToLiveSpecification::builder()
            .enabled(have.is_none())
            .attribute_name(attribute)
            .build()
            .classify()?;
        let update = cx.dynamodb().update_time_to_live().table_name(name);
        update.time_to_live_specification(specification).send().await.classify().map(drop)
    }

    /// Begins one of the changes that make the table busy.
    async fn begin(&self, cx: &Cx<Aws>, name: &str, change: &Change<'_, Self>) -> Result<()> {
        let have = &change.have()?.live;
        let update = cx.dynamodb().update_table().table_name(name);
        let update = if change.touches(Self::BILLING) && have.billing != self.billing {
            let update = update.billing_mode(self.billing.mode());
            update.set_provisioned_throughput(self.billing.throughput()?)
        } else if change.touches(Self::DELETION_PROTECTION)
            && have.deletion_protection != self.deletion_protection
        {
            update.deletion_protection_enabled(self.deletion_protection)
        } else if change.touches(Self::STREAM) && have.stream != self.stream {
            // A stream shows what it was made with: another view needs a new stream, and so two calls.
            let off = Self { stream: None, ..self.clone() };
            let next = if have.stream.is_some() { &off } else { self };
            update.stream_specification(next.streams()?)
        } else if change.touches(Self::KMS_KEY) && have.kms_key != self.kms_key {
            update.sse_specification(self.encryption())
        } else if change.touches(Self::CLASS) && have.class != self.class {
            update.table_class(self.class.as_str().into())
        } else if change.touches(Self::INDEXES)
            && let Some(step) = Index::next(&have.indexes, &self.indexes)?
        {
            let update = update.set_attribute_definitions(Some(self.definitions()?));
            update.global_secondary_index_updates(step)
        } else {
            return Ok(());
        };
        update.send().await.classify().map(drop)
    }

    async fn put_tags(&self, cx: &Cx<Aws>, change: &Change<'_, Self>) -> Result<()> {
        let have = change.have()?;
        let (put, remove) = tags::changes(&have.live.tags, &self.tags);
        let arn = have.outputs.as_ref().map(|outputs| outputs.arn.to_string());
        if !remove.is_empty() {
            let untag = cx.dynamodb().untag_resource().set_resource_arn(arn.clone());
            untag.set_tag_keys(Some(remove)).send().await.classify()?;
        }
        if !put.is_empty() {
            let tag = cx.dynamodb().tag_resource().set_resource_arn(arn);
            tag.set_tags(Some(tag_list(&put)?)).send().await.classify()?;
        }
        Ok(())
    }
}
