//! Tags, the same way for everything in EC2.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};
use infra_core::provider::{Operation, Result};

use crate::{Aws, classify::Classify, tags};

/// The tag with the operation that made an object.
pub(super) const OPERATION: &str = "infra:operation";

type Tags = BTreeMap<String, String>;

/// The tags of an object.
pub(super) fn map(tags: &[Tag]) -> Tags {
    let pair =
        |tag: &Tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()));
    tags.iter().filter_map(pair).collect()
}

fn list(tags: Tags) -> Vec<Tag> {
    tags.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// The tags that a creating call puts on the object.
pub(super) fn specification(
    aws: &Aws,
    kind: ResourceType,
    declared: &Tags,
    op: &Operation,
) -> TagSpecification {
    let tags = list(aws.tags(declared, op));
    TagSpecification::builder().resource_type(kind).set_tags(Some(tags)).build()
}

/// The same tags for something that comes with the object and is not its own resource: no owner tags.
pub(super) fn plain(kind: ResourceType, declared: &Tags) -> Option<TagSpecification> {
    let tags = Some(list(declared.clone()));
    (!declared.is_empty())
        .then(|| TagSpecification::builder().resource_type(kind).set_tags(tags).build())
}

/// Brings the user's tags to `want`.
pub(super) async fn sync(aws: &Aws, id: &str, live: &Tags, want: &Tags) -> Result<()> {
    let (put, remove) = tags::changes(live, want);
    if !put.is_empty() {
        let call = aws.ec2().create_tags().resources(id).set_tags(Some(list(put)));
        call.send().await.classify()?;
    }
    if !remove.is_empty() {
        // Without a value a tag is removed whatever its value.
        let keys = remove.into_iter().map(|key| Tag::builder().key(key).build()).collect();
        aws.ec2().delete_tags().resources(id).set_tags(Some(keys)).send().await.classify()?;
    }
    Ok(())
}
