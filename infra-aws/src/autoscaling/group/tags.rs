//! A group's tags, each of which says whether instances get it too.

use std::collections::BTreeMap;

use aws_sdk_autoscaling::types::{Tag, TagDescription};
use infra_core::provider::{Change, Cx, Result};

use super::Group;
use crate::{Aws, classify::Classify as _, tags};

pub(super) type Tags = BTreeMap<String, String>;

pub(super) fn map(found: &[TagDescription]) -> Tags {
    let pair = |tag: &TagDescription| {
        Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()))
    };
    found.iter().filter_map(pair).collect()
}

/// The keys of the user's tags that instances get.
pub(super) fn propagated(found: &[TagDescription]) -> Vec<String> {
    let given = found.iter().filter(|tag| tag.propagate_at_launch().unwrap_or_default());
    given
        .filter_map(TagDescription::key)
        .filter(|key| tags::is_visible(key))
        .map(str::to_owned)
        .collect()
}

/// In the SDK's form. The engine's own tags are the group's alone: an instance is not an object of a stack.
pub(super) fn list(group: &str, all: &Tags, propagate: &[String]) -> Vec<Tag> {
    let tag = |(key, value): (&String, &String)| {
        Tag::builder()
            .resource_id(group)
            .resource_type("auto-scaling-group")
            .key(key)
            .value(value)
            .propagate_at_launch(propagate.contains(key))
            .build()
    };
    all.iter().map(tag).collect()
}

pub(super) async fn update(cx: &Cx<Aws>, change: &Change<'_, Group>) -> Result<()> {
    if !change.touches(Group::TAGS) && !change.touches(Group::PROPAGATE_AT_LAUNCH) {
        return Ok(());
    }
    let (name, want, have) = (change.id()?, change.want()?, &change.have()?.live);
    let (mut put, remove) = tags::changes(&have.tags, &want.tags);
    let given = |group: &Group, key: &String| group.propagate_at_launch.contains(key);
    let moved = want.tags.iter().filter(|(key, _)| given(want, key) != given(have, key));
    put.extend(moved.map(|(key, value)| (key.clone(), value.clone())));
    if !put.is_empty() {
        let call = cx.autoscaling().create_or_update_tags();
        let tags = list(name, &put, &want.propagate_at_launch);
        call.set_tags(Some(tags)).send().await.classify()?;
    }
    if !remove.is_empty() {
        let gone = remove.into_iter().map(|key| (key, String::new())).collect();
        let call = cx.autoscaling().delete_tags();
        call.set_tags(Some(list(name, &gone, &[]))).send().await.classify()?;
    }
    Ok(())
}
