//! The garbage collector: what belongs to nobody any more goes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::cx::{Control, ending};
use crate::json::{self, flag, items, text};

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

pub(super) fn run(cx: &mut Control<'_>) {
    let mut objects: Vec<(String, Arc<Value>)> = Vec::new();
    let tables: Vec<_> = cx.store.tables().map(str::to_owned).collect();
    for table in tables.into_iter().filter(|table| table != "events" && !table.starts_with('+')) {
        objects.extend(cx.all(&table).into_iter().map(|it| (table.clone(), it)));
    }
    let uids: HashSet<String> = objects.iter().map(|(_, it)| json::uid(it).to_owned()).collect();
    let mut dependents: HashMap<&str, Vec<&(String, Arc<Value>)>> = HashMap::new();
    for entry in &objects {
        for owner in items(&entry.1, "metadata.ownerReferences") {
            dependents.entry(text(owner, "uid")).or_default().push(entry);
        }
    }
    for (table, object) in &objects {
        let finalizers = items(object, "metadata.finalizers");
        if ending(object) {
            let mine = dependents.get(json::uid(object)).map_or(&[][..], Vec::as_slice);
            if finalizers.contains(&json!(ORPHAN)) {
                release(cx, table, object, mine);
            } else if finalizers.contains(&json!(FOREGROUND)) {
                foreground(cx, table, object, mine);
            }
            continue;
        }
        let owners = items(object, "metadata.ownerReferences");
        let gone = |owner: &Value| !uids.contains(text(owner, "uid"));
        if !owners.is_empty() && owners.iter().all(gone) {
            cx.delete(table, object, "Background");
        }
    }
}

/// The dependents stay, without their owner.
fn release(
    cx: &mut Control<'_>,
    table: &str,
    object: &Arc<Value>,
    dependents: &[&(String, Arc<Value>)],
) {
    let uid = json::uid(object).to_owned();
    for (table, dependent) in dependents {
        cx.change(table, dependent, "", |it| {
            let rest: Vec<_> = items(it, "metadata.ownerReferences")
                .iter()
                .filter(|owner| text(owner, "uid") != uid)
                .cloned()
                .collect();
            if rest.is_empty() {
                json::remove(it, "metadata.ownerReferences");
            } else {
                json::put(it, "metadata.ownerReferences", rest);
            }
        });
    }
    finish(cx, table, object, ORPHAN);
}

/// The object waits until those that block it are gone.
fn foreground(
    cx: &mut Control<'_>,
    table: &str,
    object: &Arc<Value>,
    dependents: &[&(String, Arc<Value>)],
) {
    for (table, dependent) in dependents {
        if !ending(dependent) {
            let policy = if table == "pods" { "Background" } else { "Foreground" };
            cx.delete(table, dependent, policy);
        }
    }
    let uid = json::uid(object);
    let blocked = dependents.iter().any(|(table, dependent)| {
        let still = cx.get(table, json::namespace(dependent), json::name(dependent));
        still.is_some_and(|it| {
            json::uid(&it) == json::uid(dependent)
                && items(&it, "metadata.ownerReferences")
                    .iter()
                    .any(|owner| text(owner, "uid") == uid && flag(owner, "blockOwnerDeletion"))
        })
    });
    if !blocked {
        finish(cx, table, object, FOREGROUND);
    }
}

/// Takes a finalizer off; the last one lets the object go.
pub(super) fn finish(cx: &mut Control<'_>, table: &str, object: &Arc<Value>, finalizer: &str) {
    let Some(object) = cx.get(table, json::namespace(object), json::name(object)) else { return };
    let rest: Vec<_> = items(&object, "metadata.finalizers")
        .iter()
        .filter(|it| **it != finalizer)
        .cloned()
        .collect();
    let graced = json::int(&object, "metadata.deletionGracePeriodSeconds").unwrap_or(0) > 0;
    if rest.is_empty() && ending(&object) && !graced {
        cx.store.remove(table, json::namespace(&object), json::name(&object));
        return;
    }
    cx.change(table, &object, "", |it| {
        if rest.is_empty() {
            json::remove(it, "metadata.finalizers");
        } else {
            json::put(it, "metadata.finalizers", rest);
        }
    });
}
