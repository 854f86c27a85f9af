//! Definitions of kinds: their names are accepted and they are served.

use std::sync::Arc;

use serde_json::{Value, json};

use super::collect::finish;
use super::cx::{Control, ending, has_condition, set_condition};
use crate::json::{self, at, flag, items, put, text};

const TABLE: &str = "customresourcedefinitions.apiextensions.k8s.io";
const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

pub(super) fn run(cx: &mut Control<'_>) {
    for definition in cx.all(TABLE) {
        if ending(&definition) {
            end(cx, &definition);
        } else if !has_condition(&definition, "Established")
            || stored(&definition) != *at(&definition, "status.storedVersions")
        {
            accept(cx, &definition);
        }
    }
}

/// The versions that objects may be stored in.
fn stored(definition: &Value) -> Value {
    let mut all = items(definition, "status.storedVersions").to_vec();
    for version in items(definition, "spec.versions").iter().filter(|it| flag(it, "storage")) {
        if !all.contains(&version["name"]) {
            all.push(version["name"].clone());
        }
    }
    Value::from(all)
}

fn accept(cx: &mut Control<'_>, definition: &Arc<Value>) {
    let mut status = at(definition, "status").clone();
    put(&mut status, "acceptedNames", at(definition, "spec.names").clone());
    put(&mut status, "storedVersions", stored(definition));
    let now = cx.now;
    set_condition(&mut status, now, "NamesAccepted", true, "NoConflicts", "no conflicts found");
    set_condition(
        &mut status,
        now,
        "Established",
        true,
        "InitialNamesAccepted",
        "the initial names have been accepted",
    );
    cx.change(TABLE, definition, "status", |it| {
        put(it, "status", status);
        let mut finalizers = items(it, "metadata.finalizers").to_vec();
        if !finalizers.contains(&json!(CLEANUP)) {
            finalizers.push(json!(CLEANUP));
            put(it, "metadata.finalizers", finalizers);
        }
    });
}

/// The objects of a kind go before it.
fn end(cx: &mut Control<'_>, definition: &Arc<Value>) {
    let table =
        format!("{}.{}", text(definition, "spec.names.plural"), text(definition, "spec.group"));
    let mut left = false;
    for object in cx.all(&table) {
        cx.delete(&table, &object, "Background");
        left |= cx.get(&table, json::namespace(&object), json::name(&object)).is_some();
    }
    if !left {
        finish(cx, TABLE, definition, CLEANUP);
    }
}
