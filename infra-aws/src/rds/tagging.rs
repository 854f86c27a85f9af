//! Tags, the same way for all kinds of the service.

use std::collections::BTreeMap;

use aws_sdk_rds::types::Tag;
use infra_core::provider::{Cx, Result};

use crate::{Aws, classify::Classify as _, tags};

pub(super) type Tags = BTreeMap<String, String>;

/// In the SDK's form, for a creating call.
pub(super) fn list(tags: Tags) -> Vec<Tag> {
    tags.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// From the SDK's form.
pub(super) fn map(tags: &[Tag]) -> Tags {
    let tag = |t: &Tag| Some((t.key()?.to_owned(), t.value().unwrap_or_default().to_owned()));
    tags.iter().filter_map(tag).collect()
}

/// The tags of a group (instances come with theirs); none where it has just gone.
pub(super) async fn of(cx: &Cx<Aws>, arn: &str) -> Result<Tags> {
    Ok(found(cx, arn).await?.unwrap_or_default())
}

/// The tags of a group; `None` where it has just gone.
pub(super) async fn found(cx: &Cx<Aws>, arn: &str) -> Result<Option<Tags>> {
    let answer = cx.rds().list_tags_for_resource().resource_name(arn).send().await.found()?;
    Ok(answer.map(|answer| map(answer.tag_list())))
}

/// Brings the user's tags of one object to `want`.
pub(super) async fn update(cx: &Cx<Aws>, arn: &str, live: &Tags, want: &Tags) -> Result<()> {
    let (put, remove) = tags::changes(live, want);
    if !put.is_empty() {
        let tag = cx.rds().add_tags_to_resource().resource_name(arn).set_tags(Some(list(put)));
        tag.send().await.classify()?;
    }
    if !remove.is_empty() {
        let untag = cx.rds().remove_tags_from_resource().resource_name(arn);
        untag.set_tag_keys(Some(remove)).send().await.classify()?;
    }
    Ok(())
}
