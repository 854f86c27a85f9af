//! Bringing a bucket's settings to what is wanted.

use std::collections::BTreeMap;

use aws_sdk_s3::types::{BucketVersioningStatus, Tag, Tagging, VersioningConfiguration};
use infra_core::provider::{Change, Cx, Result};

use super::{Bucket, lifecycle, read::tags_of};
use crate::{Aws, classify::Classify as _, tags};

impl Bucket {
    /// One setting after the other: S3 answers `OperationAborted` to some of them together. What is blocked comes
    /// before the policy, which it may forbid.
    pub(super) async fn update_settings(cx: &Cx<Aws>, change: &Change<'_, Self>) -> Result<()> {
        let (name, want, s3) = (change.id()?, change.want()?, cx.s3());
        if change.touches(Self::OWNERSHIP) {
            let put = s3.put_bucket_ownership_controls().bucket(name);
            put.ownership_controls(want.ownership.send()?).send().await.classify()?;
        }
        if change.touches(Self::PUBLIC_ACCESS_BLOCK) {
            let put = s3.put_public_access_block().bucket(name);
            let put = put.public_access_block_configuration(want.public_access_block.send());
            put.send().await.classify()?;
        }
        if change.touches(Self::POLICY) {
            if let Some(policy) = &want.policy {
                s3.put_bucket_policy().bucket(name).policy(policy).send().await.classify()?;
            } else {
                s3.delete_bucket_policy().bucket(name).send().await.gone()?;
            }
        }
        if change.touches(Self::ENCRYPTION) || change.touches(Self::BUCKET_KEY) {
            let put = s3.put_bucket_encryption().bucket(name);
            let configuration = want.encryption.send(want.bucket_key)?;
            put.server_side_encryption_configuration(configuration).send().await.classify()?;
        }
        if change.touches(Self::VERSIONING) {
            let status = if want.versioning {
                BucketVersioningStatus::Enabled
            } else {
                BucketVersioningStatus::Suspended
            };
            let versioning = VersioningConfiguration::builder().status(status).build();
            let put = s3.put_bucket_versioning().bucket(name);
            put.versioning_configuration(versioning).send().await.classify()?;
        }
        if change.touches(Self::LIFECYCLE) {
            if want.lifecycle.is_empty() {
                s3.delete_bucket_lifecycle().bucket(name).send().await.gone()?;
            } else {
                let put = s3.put_bucket_lifecycle_configuration().bucket(name);
                let rules = lifecycle::send(&want.lifecycle)?;
                put.lifecycle_configuration(rules).send().await.classify()?;
            }
        }
        if change.touches(Self::TAGS) {
            want.put_tags(cx, name).await?;
        }
        Ok(())
    }

    /// The call replaces all tags, so those that are not the user's are sent again as they are.
    async fn put_tags(&self, cx: &Cx<Aws>, name: &str) -> Result<()> {
        let mut all = tags_of(cx, name).await?;
        all.retain(|key, _| !tags::is_visible(key));
        all.extend(tags::visible(&self.tags));
        if all.is_empty() {
            return cx.s3().delete_bucket_tagging().bucket(name).send().await.gone();
        }
        let tagging = Tagging::builder().set_tag_set(Some(tag_list(&all)?)).build().classify()?;
        let put = cx.s3().put_bucket_tagging().bucket(name).tagging(tagging);
        put.send().await.classify().map(drop)
    }
}

pub(super) fn tag_list(tags: &BTreeMap<String, String>) -> Result<Vec<Tag>> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build().classify();
    tags.iter().map(tag).collect()
}
