//! A bucket as it is.

use std::collections::BTreeMap;

use aws_sdk_s3::types::{BucketVersioningStatus, Tag};
use futures_util::future::{try_join, try_join3, try_join4};
use infra_core::provider::{Cx, Find, Observed, Result};

use super::{
    Bucket, BucketName, BucketOutputs, Encryption, Ownership, PublicAccessBlock, lifecycle,
};
use crate::{Aws, classify::Classify as _, tags, types::Arn};

impl Bucket {
    /// Eight calls: S3 gives each setting by itself. After the first they run at once.
    pub(super) async fn read_one(
        cx: &Cx<Aws>,
        find: &Find<'_, Self>,
    ) -> Result<Option<Observed<Self>>> {
        let named = || find.inputs().and_then(|bucket| bucket.name.as_deref());
        let (name, s3) = (find.id().or_else(named).unwrap_or_default(), cx.s3());
        if s3.head_bucket().bucket(name).send().await.found()?.is_none() {
            return Ok(None);
        }
        let versioning = async { s3.get_bucket_versioning().bucket(name).send().await.found() };
        let encryption = async { s3.get_bucket_encryption().bucket(name).send().await.found() };
        let public = async { s3.get_public_access_block().bucket(name).send().await.found() };
        let ownership =
            async { s3.get_bucket_ownership_controls().bucket(name).send().await.found() };
        let policy = async { s3.get_bucket_policy().bucket(name).send().await.found() };
        let rules =
            async { s3.get_bucket_lifecycle_configuration().bucket(name).send().await.found() };
        // Seven calls make a future too large for the stack of whoever waits for it.
        let all = Box::pin(try_join(
            try_join4(versioning, encryption, public, ownership),
            try_join3(policy, rules, tags_of(cx, name)),
        ));
        let ((versioning, encryption, public, ownership), (policy, rules, all)) = all.await?;
        let (encryption, bucket_key) = Encryption::of(
            encryption.as_ref().and_then(|it| it.server_side_encryption_configuration()),
        );
        let declared = find.inputs();
        let live = Self {
            name: Some(name.to_owned()),
            versioning: versioning
                .is_some_and(|it| it.status() == Some(&BucketVersioningStatus::Enabled)),
            encryption,
            // Without KMS it means nothing, and S3's answer to it neither.
            bucket_key: bucket_key.or(declared.map(|it| it.bucket_key)).unwrap_or(true),
            public_access_block: PublicAccessBlock::of(
                public.as_ref().and_then(|it| it.public_access_block_configuration()),
            ),
            ownership: Ownership::of(ownership.as_ref().and_then(|it| it.ownership_controls())),
            policy: policy.and_then(|it| it.policy),
            lifecycle: rules.map(|it| lifecycle::of(it.rules())).unwrap_or_default(),
            force_destroy: declared.is_some_and(|it| it.force_destroy),
            tags: tags::visible(&all),
        };
        let suffix = if cx.partition() == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
        let outputs = BucketOutputs {
            name: BucketName::trusted(name),
            arn: Arn::of(cx.partition(), "s3", "", "", name),
            regional_domain_name: format!("{name}.s3.{}.{suffix}", cx.region()),
        };
        Ok(Some(Observed::ready(name, live, outputs).owned_by(&all)))
    }
}

/// All tags; none where the bucket has none.
pub(super) async fn tags_of(cx: &Cx<Aws>, name: &str) -> Result<BTreeMap<String, String>> {
    Ok(found_tags(cx, name).await?.unwrap_or_default())
}

/// All tags; `None` where there are none, or no bucket.
pub(super) async fn found_tags(
    cx: &Cx<Aws>,
    name: &str,
) -> Result<Option<BTreeMap<String, String>>> {
    let found = cx.s3().get_bucket_tagging().bucket(name).send().await.found()?;
    let map = |tag: Tag| (tag.key, tag.value);
    Ok(found.map(|found| found.tag_set.into_iter().map(map).collect()))
}
