//! Taking objects away.

use std::sync::Arc;

use serde_json::{Value, json};

use super::options::Write;
use super::update::found;
use crate::failure::{Failure, Outcome};
use crate::json::{self, at, int, items, put, text};
use crate::kinds::Kind;
use crate::store::Store;
use crate::time::stamp;

/// What a delete says besides the name.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) policy: String,
    pub(crate) grace: Option<i64>,
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
}

impl DeleteOptions {
    pub(crate) fn of(body: &Value) -> Self {
        let given = |path: &str| at(body, path).as_str().map(str::to_owned);
        Self {
            policy: match at(body, "orphanDependents").as_bool() {
                Some(true) => "Orphan".to_owned(),
                Some(false) => "Background".to_owned(),
                None => text(body, "propagationPolicy").to_owned(),
            },
            grace: int(body, "gracePeriodSeconds"),
            uid: given("preconditions.uid"),
            resource_version: given("preconditions.resourceVersion"),
        }
    }
}

/// `DELETE`.
pub(crate) fn delete(write: &mut Write<'_>, name: &str, options: &DeleteOptions) -> Outcome<Value> {
    let old = found(write, name)?;
    let kind = Arc::clone(&write.kind);
    for (what, wanted, field) in [
        ("UID", &options.uid, "uid"),
        ("ResourceVersion", &options.resource_version, "resourceVersion"),
    ] {
        let is = text(&old, &format!("metadata.{field}"));
        if let Some(wanted) = wanted
            && wanted != is
        {
            let why = format!(
                "Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {is}"
            );
            return Err(Failure::conflict(&kind, name, &why));
        }
    }
    if kind.is("", "Namespace") && matches!(name, "default" | "kube-system" | "kube-public") {
        return Err(Failure::forbidden(&kind, name, "this namespace may not be deleted"));
    }
    if write.options.dry_run {
        return Ok(success(&kind, &old));
    }
    let left = end(write.store, &kind, &old, options, write.now);
    match left {
        Some(object) => Ok(Value::clone(&object)),
        None if returns_object(&kind) => Ok(Value::clone(&old)),
        None => Ok(success(&kind, &old)),
    }
}

/// Ends an object for a controller, with everything that hangs on it.
pub(crate) fn forget(store: &mut Store, kind: &Kind, object: &Arc<Value>, policy: &str, now: i64) {
    let options = DeleteOptions { policy: policy.to_owned(), ..DeleteOptions::default() };
    end(store, kind, object, &options, now);
}

/// What is left of the object: nothing, or one that waits for its finalizers or its grace.
fn end(
    store: &mut Store,
    kind: &Kind,
    old: &Arc<Value>,
    options: &DeleteOptions,
    now: i64,
) -> Option<Arc<Value>> {
    let mut object = Value::clone(old);
    let marker = match options.policy.as_str() {
        "Foreground" => Some("foregroundDeletion"),
        "Orphan" => Some("orphan"),
        _ => None,
    };
    let mut finalizers = items(&object, "metadata.finalizers").to_vec();
    if let Some(marker) = marker
        && !finalizers.contains(&json!(marker))
    {
        finalizers.push(json!(marker));
        put(&mut object, "metadata.finalizers", finalizers.clone());
    }
    let ending = !at(&object, "metadata.deletionTimestamp").is_null();
    let grace = grace(kind, &object, options);
    let namespace = kind.is("", "Namespace");
    if finalizers.is_empty() && grace == 0 && !namespace {
        store.remove(&kind.table(), json::namespace(old), json::name(old));
        return None;
    }
    if !ending || int(&object, "metadata.deletionGracePeriodSeconds").unwrap_or(0) > grace {
        put(&mut object, "metadata.deletionTimestamp", stamp(now + grace * 1000));
        put(&mut object, "metadata.deletionGracePeriodSeconds", grace);
        if kind.generation || kind.is("", "Pod") {
            let generation = int(&object, "metadata.generation").unwrap_or(0) + 1;
            put(&mut object, "metadata.generation", generation);
        }
    }
    if namespace {
        json::remove(&mut object, "metadata.deletionGracePeriodSeconds");
        put(&mut object, "status.phase", "Terminating");
    }
    if object == **old {
        return Some(Arc::clone(old));
    }
    let record = store.record(&kind.table(), json::namespace(old), json::name(old));
    let mut notes = record.map(|record| record.notes.clone()).unwrap_or_default();
    notes.entry("deleted".to_owned()).or_insert(now);
    Some(store.put(&kind.table(), object, notes))
}

/// Pods that run on a node get time to end.
fn grace(kind: &Kind, object: &Value, options: &DeleteOptions) -> i64 {
    if !kind.is("", "Pod") || text(object, "spec.nodeName").is_empty() {
        return 0;
    }
    if matches!(text(object, "status.phase"), "Succeeded" | "Failed") {
        return 0;
    }
    let own = int(object, "spec.terminationGracePeriodSeconds").unwrap_or(30);
    options.grace.unwrap_or(own).max(0)
}

fn returns_object(kind: &Kind) -> bool {
    let kinds = [
        "Pod",
        "Service",
        "ServiceAccount",
        "PersistentVolumeClaim",
        "PersistentVolume",
        "ResourceQuota",
    ];
    kind.group.is_empty() && kinds.contains(&kind.kind.as_str())
}

fn success(kind: &Kind, old: &Value) -> Value {
    let mut details = json!({"name": json::name(old), "kind": kind.plural, "uid": json::uid(old)});
    if !kind.group.is_empty() {
        details["group"] = json!(kind.group);
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}
