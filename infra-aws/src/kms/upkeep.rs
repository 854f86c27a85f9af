//! What primary keys and replicas have in common: their life, their policy, their tags.

use std::{collections::BTreeMap, sync::Arc};

use aws_sdk_kms::types::{KeyMetadata, KeyState};
use infra_core::{
    Resource,
    provider::{Cx, Observed, Readiness, Result},
};

use super::tag;
use crate::{Aws, batch, classify::Classify as _, owned, tags};

/// The only name a key policy can have.
const POLICY: &str = "default";

/// Whether it is scheduled for deletion. A primary waits for that until its last replica is gone.
pub(super) fn is_dying(key: &KeyMetadata) -> bool {
    matches!(key.key_state(), Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion))
}

/// The key as KMS says it is; `None` if it is somebody else's that is about to go, which is not ours to restore.
pub(super) fn settled<R: Resource>(
    observed: Observed<R>,
    key: &KeyMetadata,
) -> Option<Observed<R>> {
    match key.key_state() {
        _ if is_dying(key) && observed.owner.is_none() => None,
        Some(KeyState::PendingReplicaDeletion) => {
            let why = "KMS deletes it after its last replica".to_owned();
            Some(observed.but(Readiness::Restorable(why)))
        }
        _ if is_dying(key) => {
            let date = key.deletion_date().map_or_else(String::new, |date| format!(" on {date}"));
            Some(observed.but(Readiness::Restorable(format!("KMS deletes it{date}"))))
        }
        Some(KeyState::Creating | KeyState::Updating | KeyState::PendingImport) => {
            let state = key.key_state().map_or("", KeyState::as_str).to_lowercase();
            Some(observed.but(Readiness::Pending(state)))
        }
        Some(KeyState::Unavailable) => {
            Some(observed.but(Readiness::Failed("its key store is not available".to_owned())))
        }
        _ => Some(observed),
    }
}

/// Takes it back from deletion; it is disabled after that.
pub(super) async fn restore(cx: &Cx<Aws>, id: &str, enabled: bool) -> Result<()> {
    cx.kms().cancel_key_deletion().key_id(id).send().await.classify()?;
    if enabled {
        cx.kms().enable_key().key_id(id).send().await.classify()?;
    }
    Ok(())
}

pub(super) async fn describe(cx: &Cx<Aws>, id: &str, description: Option<&str>) -> Result<()> {
    let update = cx.kms().update_key_description().key_id(id);
    update.description(description.unwrap_or_default()).send().await.classify().map(drop)
}

pub(super) async fn policy(cx: &Cx<Aws>, id: &str) -> Result<Option<String>> {
    let get = cx.kms().get_key_policy().key_id(id).policy_name(POLICY);
    Ok(get.send().await.found()?.and_then(|answer| answer.policy))
}

/// A policy that is not declared any more stays.
pub(super) async fn put_policy(cx: &Cx<Aws>, id: &str, policy: Option<&str>) -> Result<()> {
    let Some(policy) = policy else { return Ok(()) };
    let put = cx.kms().put_key_policy().key_id(id).policy_name(POLICY).policy(policy);
    put.send().await.classify().map(drop)
}

/// Brings the user's tags from `live` to `want`.
pub(super) async fn tag(
    cx: &Cx<Aws>,
    id: &str,
    live: &BTreeMap<String, String>,
    want: &BTreeMap<String, String>,
) -> Result<()> {
    let (put, remove) = tags::changes(live, want);
    if !remove.is_empty() {
        let untag = cx.kms().untag_resource().key_id(id).set_tag_keys(Some(remove));
        untag.send().await.classify()?;
    }
    if !put.is_empty() {
        let tag = cx.kms().tag_resource().key_id(id).set_tags(Some(tag::list(&put)?));
        tag.send().await.classify()?;
    }
    Ok(())
}

/// Whether a create of this kind wrote the tags: a region's keys are listed together, whatever they are.
pub(super) fn is_of<R: Resource>(tags: &BTreeMap<String, String>) -> bool {
    let urn = tags.get("infra:urn").and_then(|urn| urn.strip_prefix(R::KIND));
    urn.is_some_and(|name| name.starts_with("::"))
}

pub(super) async fn tags_of(cx: &Cx<Aws>, id: &str) -> Result<Option<BTreeMap<String, String>>> {
    let mut all = BTreeMap::new();
    let mut pages = cx.kms().list_resource_tags().key_id(id).into_paginator().send();
    while let Some(page) = pages.next().await {
        let Some(page) = page.found()? else { return Ok(None) };
        all.extend(tag::map(page.tags()));
    }
    Ok(Some(all))
}

/// The tags of every key in the account and region: KMS cannot search by tag. Only asked for after a crash.
pub(super) async fn all_tags(
    cx: &Cx<Aws>,
) -> Result<Arc<BTreeMap<String, BTreeMap<String, String>>>> {
    let ask = || async {
        let mut ids = Vec::new();
        let mut pages = cx.kms().list_keys().into_paginator().send();
        while let Some(page) = pages.next().await {
            ids.extend(page.classify()?.keys().iter().filter_map(|key| key.key_id.clone()));
        }
        let tags = batch::each(&ids, |id| tags_of(cx, id)).await;
        // A key whose policy shuts us out is not one that we made.
        Ok(owned::answered(ids, tags, |_| false)?.into_iter().collect())
    };
    cx.memo("kms:tags", ask).await
}
