//! Namespaces: what is in a new one, and how one ends.

use std::sync::Arc;

use serde_json::{Value, json};

use super::cx::{Control, ending, set_condition};
use crate::json::{self, at, items, put};
use crate::store::Notes;
use crate::time::stamp;

pub(super) fn run(cx: &mut Control<'_>) {
    for namespace in cx.all("namespaces") {
        if ending(&namespace) {
            end(cx, &namespace);
        } else {
            fill(cx, json::name(&namespace));
        }
    }
}

/// Every namespace has a service account and the certificate of the cluster.
fn fill(cx: &mut Control<'_>, namespace: &str) {
    let metadata = |cx: &Control<'_>, name: &str| {
        json!({
            "name": name, "namespace": namespace, "uid": uuid::Uuid::new_v4().to_string(),
            "creationTimestamp": stamp(cx.now),
        })
    };
    let notes = Notes::from([("own".to_owned(), 1)]);
    if cx.get("serviceaccounts", namespace, "default").is_none() {
        let account = json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(cx, "default"),
        });
        cx.store.put("serviceaccounts", account, notes.clone());
    }
    if cx.get("configmaps", namespace, "kube-root-ca.crt").is_none() {
        let certificate = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(cx, "kube-root-ca.crt"),
            "data": {"ca.crt": "-----BEGIN CERTIFICATE-----\nsimulated\n-----END CERTIFICATE-----\n"},
        });
        cx.store.put("configmaps", certificate, notes);
    }
}

fn end(cx: &mut Control<'_>, namespace: &Arc<Value>) {
    let name = json::name(namespace).to_owned();
    let since = cx.since("namespaces", namespace, "deleted");
    let takes = i64::try_from(cx.settings.namespace_end.as_millis()).unwrap_or(0);
    let tables: Vec<_> =
        cx.store.tables().map(str::to_owned).filter(|table| !table.starts_with('+')).collect();
    let mut left = Vec::new();
    for table in &tables {
        for object in cx.within(table, &name) {
            if table == "events" {
                continue;
            }
            cx.delete(table, &object, "Background");
            if let Some(still) = cx.get(table, &name, json::name(&object)) {
                left.push((table.clone(), still));
            }
        }
    }
    if left.is_empty() && cx.due(since + takes) {
        for event in cx.within("events", &name) {
            cx.store.remove("events", &name, json::name(&event));
        }
        if items(namespace, "metadata.finalizers").is_empty() {
            cx.store.remove("namespaces", "", &name);
        } else {
            cx.change("namespaces", namespace, "", |it| put(it, "spec.finalizers", json!([])));
        }
        return;
    }
    let status = remaining(at(namespace, "status").clone(), cx.now, &left);
    cx.status("namespaces", namespace, status);
}

/// What is said about a namespace that still holds something.
fn remaining(mut status: Value, now: i64, left: &[(String, Arc<Value>)]) -> Value {
    set_condition(
        &mut status,
        now,
        "NamespaceDeletionDiscoveryFailure",
        false,
        "ResourcesDiscovered",
        "All resources successfully discovered",
    );
    set_condition(
        &mut status,
        now,
        "NamespaceDeletionGroupVersionParsingFailure",
        false,
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    );
    set_condition(
        &mut status,
        now,
        "NamespaceDeletionContentFailure",
        false,
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    );
    let tables = counted(left.iter().map(|(table, _)| resource(table)));
    if tables.is_empty() {
        set_condition(
            &mut status,
            now,
            "NamespaceContentRemaining",
            false,
            "ContentRemoved",
            "All content successfully removed",
        );
    } else {
        let parts: Vec<_> = tables
            .iter()
            .map(|(table, count)| format!("{table} has {count} resource instances"))
            .collect();
        let message = format!("Some resources are remaining: {}", parts.join(", "));
        set_condition(
            &mut status,
            now,
            "NamespaceContentRemaining",
            true,
            "SomeResourcesRemain",
            &message,
        );
    }
    let finalizers =
        left.iter().flat_map(|(_, it)| items(it, "metadata.finalizers")).filter_map(Value::as_str);
    let finalizers = counted(finalizers.map(str::to_owned));
    if finalizers.is_empty() {
        set_condition(
            &mut status,
            now,
            "NamespaceFinalizersRemaining",
            false,
            "ContentHasNoFinalizers",
            "All content-preserving finalizers finished",
        );
    } else {
        let parts: Vec<_> = finalizers
            .iter()
            .map(|(name, count)| format!("{name} in {count} resource instances"))
            .collect();
        let message =
            format!("Some content in the namespace has finalizers remaining: {}", parts.join(", "));
        set_condition(
            &mut status,
            now,
            "NamespaceFinalizersRemaining",
            true,
            "SomeFinalizersRemain",
            &message,
        );
    }
    put(&mut status, "phase", "Terminating");
    status
}

/// `deployments.apps`, and `pods.` for what has no group.
fn resource(table: &str) -> String {
    if table.contains('.') { table.to_owned() } else { format!("{table}.") }
}

fn counted(names: impl Iterator<Item = String>) -> std::collections::BTreeMap<String, usize> {
    names.fold(std::collections::BTreeMap::new(), |mut counts, name| {
        *counts.entry(name).or_default() += 1;
        counts
    })
}
