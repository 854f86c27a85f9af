//! Tags in KMS's own type.

use std::collections::BTreeMap;

use aws_sdk_kms::types::Tag;
use infra_core::provider::Result;

use crate::classify::Classify as _;

pub(super) fn list(tags: &BTreeMap<String, String>) -> Result<Vec<Tag>> {
    let tag = |(key, value)| Tag::builder().tag_key(key).tag_value(value).build().classify();
    tags.iter().map(tag).collect()
}

pub(super) fn map(tags: &[Tag]) -> BTreeMap<String, String> {
    tags.iter().map(|tag| (tag.tag_key.clone(), tag.tag_value.clone())).collect()
}
