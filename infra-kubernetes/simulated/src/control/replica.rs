//! Replica sets: so many pods of one template.

use std::sync::Arc;

use serde_json::{Value, json};

use super::cx::{Control, controller, drop_condition, ending, has_condition, owner, set_condition};
use super::pods::{is_over, is_ready};
use crate::json::{self, at, int, put, text};
use crate::time::parse;
use crate::write::suffix;

const TABLE: &str = "replicasets.apps";

pub(super) fn run(cx: &mut Control<'_>) {
    for set in cx.all(TABLE) {
        if !ending(&set) {
            let version = cx.of_owned(&set);
            cx.attend("replica", &set, version, |cx| sync(cx, &set));
        }
    }
}

fn sync(cx: &mut Control<'_>, set: &Arc<Value>) {
    let mut pods: Vec<_> = cx.owned("pods", set);
    pods.retain(|pod| !ending(pod) && !is_over(pod));
    let wanted = usize::try_from(int(set, "spec.replicas").unwrap_or(1)).unwrap_or(0);
    let mut failure = None;
    for _ in pods.len()..wanted {
        match cx.create("pods", pod_of(set, "ReplicaSet", "apps/v1")) {
            Ok(pod) => {
                let message = format!("Created pod: {}", json::name(&pod));
                cx.event(set, "Normal", "SuccessfulCreate", &message, "replicaset-controller");
                pods.push(Arc::new(pod));
            }
            Err(refused) => {
                let message = format!("Error creating: {}", refused.message);
                cx.event(set, "Warning", "FailedCreate", &message, "replicaset-controller");
                failure = Some(refused.message);
                break;
            }
        }
    }
    if pods.len() > wanted {
        // Those that serve least go first, then the youngest.
        pods.sort_by_key(|pod| {
            (
                is_ready(pod),
                !text(pod, "spec.nodeName").is_empty(),
                text(pod, "status.phase") == "Running",
                std::cmp::Reverse(cx.noted("pods", pod, "created")),
            )
        });
        for pod in pods.drain(..pods.len() - wanted) {
            let message = format!("Deleted pod: {}", json::name(&pod));
            cx.event(set, "Normal", "SuccessfulDelete", &message, "replicaset-controller");
            cx.delete("pods", &pod, "Background");
        }
    }
    let mut status = at(set, "status").clone();
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    let available = available(cx, &pods, int(set, "spec.minReadySeconds").unwrap_or(0));
    put(&mut status, "replicas", pods.len());
    put(&mut status, "fullyLabeledReplicas", pods.len());
    put(&mut status, "readyReplicas", ready);
    put(&mut status, "availableReplicas", available);
    put(&mut status, "observedGeneration", at(set, "metadata.generation").clone());
    match failure {
        Some(message) => {
            set_condition(&mut status, cx.now, "ReplicaFailure", true, "FailedCreate", &message);
        }
        None if has_condition(set, "ReplicaFailure") => {
            drop_condition(&mut status, "ReplicaFailure");
        }
        None => {}
    }
    for field in ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"] {
        if int(&status, field) == Some(0) {
            json::remove(&mut status, field);
        }
    }
    cx.status(TABLE, set, status);
}

/// How many pods have been ready long enough.
pub(super) fn available(cx: &mut Control<'_>, pods: &[Arc<Value>], least: i64) -> usize {
    let mut count = 0;
    for pod in pods.iter().filter(|pod| is_ready(pod)) {
        let conditions = json::items(pod, "status.conditions").iter();
        let since = conditions
            .filter(|it| it["type"] == "Ready")
            .find_map(|it| parse(text(it, "lastTransitionTime")));
        if least == 0 || cx.due(since.unwrap_or(0) + least * 1000) {
            count += 1;
        }
    }
    count
}

/// A pod of a controller's template.
pub(super) fn pod_of(of: &Value, kind: &str, api_version: &str) -> Value {
    let template = at(of, "spec.template");
    let prefix: String = json::name(of).chars().take(57).collect();
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod", "spec": at(template, "spec"),
        "metadata": {
            "name": format!("{prefix}-{}", suffix(5)),
            "generateName": format!("{prefix}-"),
            "namespace": json::namespace(of), "ownerReferences": [owner(kind, api_version, of)],
        },
    });
    for field in ["labels", "annotations"] {
        let value = at(template, &format!("metadata.{field}"));
        if value.is_object() {
            put(&mut pod, &format!("metadata.{field}"), value.clone());
        }
    }
    pod
}

/// Whether somebody controls the object.
pub(super) fn is_controlled(object: &Value) -> bool {
    controller(object).is_some()
}
