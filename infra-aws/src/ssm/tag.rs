//! Tags of parameters.

use std::collections::BTreeMap;

use aws_sdk_ssm::{
    operation::list_tags_for_resource::ListTagsForResourceError,
    types::{ResourceTypeForTagging, Tag},
};
use infra_core::provider::{Cx, Result};

use crate::{Aws, classify::Classify as _, tags};

pub(super) fn list(tags: &BTreeMap<String, String>) -> Result<Vec<Tag>> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build().classify();
    tags.iter().map(tag).collect()
}

/// All tags of a parameter; `None` where it is gone meanwhile.
pub(super) async fn of(cx: &Cx<Aws>, name: &str) -> Result<Option<BTreeMap<String, String>>> {
    let list = cx.ssm().list_tags_for_resource().resource_id(name);
    let found = list.resource_type(ResourceTypeForTagging::Parameter).send().await;
    // A parameter that is not there is an "invalid resource id" to this call.
    let found = match found {
        Err(e)
            if e.as_service_error()
                .is_some_and(ListTagsForResourceError::is_invalid_resource_id) =>
        {
            None
        }
        found => found.found()?,
    };
    let map = |tag: &Tag| (tag.key.clone(), tag.value.clone());
    Ok(found.map(|found| found.tag_list().iter().map(map).collect()))
}

pub(super) async fn sync(
    cx: &Cx<Aws>,
    name: &str,
    have: &BTreeMap<String, String>,
    want: &BTreeMap<String, String>,
) -> Result<()> {
    let (put, remove) = tags::changes(have, want);
    if !remove.is_empty() {
        let untag = cx.ssm().remove_tags_from_resource().resource_id(name);
        let untag = untag.resource_type(ResourceTypeForTagging::Parameter);
        untag.set_tag_keys(Some(remove)).send().await.classify()?;
    }
    if !put.is_empty() {
        let tag = cx.ssm().add_tags_to_resource().resource_id(name);
        let tag = tag.resource_type(ResourceTypeForTagging::Parameter);
        tag.set_tags(Some(list(&put)?)).send().await.classify()?;
    }
    Ok(())
}
