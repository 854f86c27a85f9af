//! Tags, the same way for all kinds of the service; every description comes with them.

use std::collections::{BTreeMap, HashMap};

use infra_core::provider::{Cx, Result};

use crate::{Aws, classify::Classify as _, tags};

pub(super) type Tags = BTreeMap<String, String>;

/// In the SDK's form, for a creating call.
pub(super) fn list(tags: Tags) -> HashMap<String, String> {
    tags.into_iter().collect()
}

/// From the SDK's form.
pub(super) fn map(tags: Option<&HashMap<String, String>>) -> Tags {
    tags.into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// Brings the user's tags of one object to `want`.
pub(super) async fn update(cx: &Cx<Aws>, arn: &str, live: &Tags, want: &Tags) -> Result<()> {
    let (put, remove) = tags::changes(live, want);
    if !put.is_empty() {
        cx.eks()
            .tag_resource()
            .resource_arn(arn)
            .set_tags(Some(list(put)))
            .send()
            .await
            .classify()?;
    }
    if !remove.is_empty() {
        let untag = cx.eks().untag_resource().resource_arn(arn).set_tag_keys(Some(remove));
        untag.send().await.classify()?;
    }
    Ok(())
}
