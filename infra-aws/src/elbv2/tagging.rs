//! Tags, the same way for all kinds of the service.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_elasticloadbalancingv2::types::{Tag, TagDescription};
use infra_core::provider::{Cx, Grant, Result};

use super::find;
use crate::{Aws, classify::Classify as _, tags};

pub(super) type Tags = BTreeMap<String, String>;

/// In the SDK's form, for a creating call.
pub(super) fn list(tags: Tags) -> Vec<Tag> {
    tags.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// The tags of objects that were just described; without those that have gone since.
pub(super) async fn of(cx: &Cx<Aws>, arns: &[String]) -> Result<HashMap<String, Tags>> {
    let describe = async |arns| {
        let describe = cx.elbv2().describe_tags().set_resource_arns(Some(arns));
        let found = describe.send().await.found()?;
        Ok(found.map(|found| found.tag_descriptions.unwrap_or_default()))
    };
    let tag = |t: Tag| Some((t.key?, t.value.unwrap_or_default()));
    let tags = |found: TagDescription| {
        let tags = found.tags.unwrap_or_default().into_iter().filter_map(tag).collect();
        Some((found.resource_arn?, tags))
    };
    Ok(find::by_arn(arns, describe).await?.into_iter().filter_map(tags).collect())
}

/// Brings the user's tags of one object to `want`.
pub(super) async fn update(cx: &Cx<Aws>, arn: &str, live: &Tags, want: &Tags) -> Result<()> {
    let (put, remove) = tags::changes(live, want);
    if !put.is_empty() {
        cx.elbv2()
            .add_tags()
            .resource_arns(arn)
            .set_tags(Some(list(put)))
            .send()
            .await
            .classify()?;
    }
    if !remove.is_empty() {
        let untag = cx.elbv2().remove_tags().resource_arns(arn);
        untag.set_tag_keys(Some(remove)).send().await.classify()?;
    }
    Ok(())
}

/// What is asked for a read: these, and the tags. None of it can be restricted to a resource.
pub(super) fn reads(actions: &[&str]) -> Vec<Grant> {
    let all = actions.iter().chain(&["DescribeTags"]);
    all.map(|action| Grant::new(format!("elasticloadbalancing:{action}"), "*")).collect()
}
