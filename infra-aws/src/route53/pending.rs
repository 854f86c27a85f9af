//! Changes that Route 53 has taken and not yet brought to all its servers.
//!
//! A record does not say which change it came from, so the process remembers. If it dies the next one takes the
//! record as it is: by then the servers have it (30 to 60 seconds).

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
};

use aws_sdk_route53::types::{ChangeInfo, ChangeStatus};
use infra_core::provider::{Cx, Readiness, Result};

use super::dns::short;
use crate::{Aws, classify::Classify as _};

/// Change ids by account and id of the object. Zone ids are unique in all of AWS.
static CHANGES: LazyLock<Mutex<HashMap<(String, String), String>>> = LazyLock::new(Mutex::default);

fn key(cx: &Cx<Aws>, object: &str) -> (String, String) {
    (cx.account().to_owned(), object.to_owned())
}

/// Remembers what a call answered.
pub(super) fn remember(cx: &Cx<Aws>, object: &str, change: Option<&ChangeInfo>) {
    let Some(change) = change.filter(|change| *change.status() != ChangeStatus::Insync) else {
        return;
    };
    let mut changes = CHANGES.lock().unwrap_or_else(PoisonError::into_inner);
    changes.insert(key(cx, object), short(change.id()).to_owned());
}

/// Whether the last change of this object is everywhere.
pub(super) async fn readiness(cx: &Cx<Aws>, object: &str) -> Result<Readiness> {
    let key = key(cx, object);
    let change = CHANGES.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
    let Some(change) = change else { return Ok(Readiness::Ready) };
    let answer = cx.route53().get_change().id(&change).send().await.found()?;
    let status = answer.as_ref().and_then(|answer| answer.change_info()).map(ChangeInfo::status);
    if status == Some(&ChangeStatus::Pending) {
        return Ok(Readiness::Pending("on its way to all name servers".to_owned()));
    }
    let mut changes = CHANGES.lock().unwrap_or_else(PoisonError::into_inner);
    if changes.get(&key) == Some(&change) {
        changes.remove(&key);
    }
    Ok(Readiness::Ready)
}
