//! Tags, the same way for all kinds of the service.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_elasticloadbalancingv2::types::Tag;
use futures_util::future::try_join_all;
use infra_core::provider::{Cx, Result};

use crate::{Aws, classify::Classify as _, tags};

pub(super) type Tags = BTreeMap<String, String>;

/// `DescribeTags` takes this many ARNs.
const BATCH: usize = 20;

/// In the SDK's form, for a creating call.
pub(super) fn list(tags: Tags) -> Vec<Tag> {
    tags.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// The tags of objects that were just described.
pub(super) async fn of(cx: &Cx<Aws>, arns: &[String]) -> Result<HashMap<String, Tags>> {
    let batches = arns.chunks(BATCH).map(async |arns| {
        let describe = cx.elbv2().describe_tags().set_resource_arns(Some(arns.to_vec()));
        // One that went away meanwhile fails the whole call: then nobody has tags, and the next read is right.
        describe.send().await.found()
    });
    let mut all = HashMap::new();
    for answer in try_join_all(batches).await?.into_iter().flatten() {
        for description in answer.tag_descriptions() {
            let tag =
                |t: &Tag| Some((t.key()?.to_owned(), t.value().unwrap_or_default().to_owned()));
            let tags = description.tags().iter().filter_map(tag).collect();
            all.insert(description.resource_arn().unwrap_or_default().to_owned(), tags);
        }
    }
    Ok(all)
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
