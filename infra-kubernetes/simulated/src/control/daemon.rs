//! Daemon sets: a pod on every node that takes it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::cx::{Control, ending};
use super::pods::{is_over, is_ready};
use super::replica::pod_of;
use super::revision::hash;
use super::rollout::share;
use crate::json::{self, at, entries, items, object_at, put, text};

const TABLE: &str = "daemonsets.apps";
const REVISION: &str = "controller-revision-hash";

pub(super) fn run(cx: &mut Control<'_>) {
    for set in cx.all(TABLE) {
        if !ending(&set) {
            let version = cx.of_owned(&set).max(cx.store.rest.of_tables(&["nodes"]));
            cx.attend("daemon", &set, version, |cx| sync(cx, &set));
        }
    }
}

fn sync(cx: &mut Control<'_>, set: &Arc<Value>) {
    let revision = hash(at(set, "spec.template"));
    let nodes = cx.all("nodes");
    let wanted: Vec<_> = nodes.iter().filter(|node| takes(set, node)).collect();
    let mut pods = cx.owned("pods", set);
    pods.retain(|pod| !ending(pod));
    for pod in pods.iter().filter(|pod| is_over(pod)) {
        cx.delete("pods", pod, "Background");
    }
    let here =
        |node: &Value| pods.iter().find(|pod| text(pod, "spec.nodeName") == json::name(node));
    for node in &wanted {
        if here(node).is_none() {
            begin(cx, set, node, &revision);
        }
    }
    for pod in &pods {
        if !wanted.iter().any(|node| json::name(node) == text(pod, "spec.nodeName")) {
            cx.delete("pods", pod, "Background");
        }
    }
    let of_revision = |pod: &Value| {
        at(pod, "metadata.labels").get(REVISION).is_some_and(|it| *it == json!(revision))
    };
    if text(set, "spec.updateStrategy.type") == "RollingUpdate" {
        let total = i64::try_from(wanted.len()).unwrap_or(0);
        let most =
            share(at(set, "spec.updateStrategy.rollingUpdate.maxUnavailable"), total, true).max(1);
        let missing =
            total - i64::try_from(pods.iter().filter(|pod| is_ready(pod)).count()).unwrap_or(0);
        let room = usize::try_from(most - missing).unwrap_or(0);
        let broken = pods.iter().filter(|pod| !of_revision(pod) && !is_ready(pod));
        let working = pods.iter().filter(|pod| !of_revision(pod) && is_ready(pod)).take(room);
        for pod in broken.chain(working) {
            cx.delete("pods", pod, "Background");
        }
    }
    let mut status = at(set, "status").clone();
    json::as_object(&mut status);
    let mut pods = cx.owned("pods", set);
    pods.retain(|pod| !ending(pod));
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    put(&mut status, "currentNumberScheduled", pods.len());
    put(&mut status, "desiredNumberScheduled", wanted.len());
    put(&mut status, "numberMisscheduled", 0);
    put(&mut status, "numberReady", ready);
    put(&mut status, "observedGeneration", at(set, "metadata.generation").clone());
    for (field, number) in [
        ("numberAvailable", ready),
        ("numberUnavailable", wanted.len().saturating_sub(ready)),
        ("updatedNumberScheduled", pods.iter().filter(|pod| of_revision(pod)).count()),
    ] {
        if number > 0 {
            put(&mut status, field, number);
        } else {
            json::remove(&mut status, field);
        }
    }
    cx.status(TABLE, set, status);
}

/// Whether a node takes the pods: its selector, and the taints that daemons do not tolerate anyway.
fn takes(set: &Value, node: &Value) -> bool {
    let template = at(set, "spec.template.spec");
    let labels = at(node, "metadata.labels");
    let selected =
        entries(template, "nodeSelector").all(|(key, value)| labels.get(key) == Some(value));
    let tolerated = items(node, "spec.taints").iter().all(|taint| {
        let key = text(taint, "key");
        key.starts_with("node.kubernetes.io/") && key != "node.kubernetes.io/unreachable"
            || text(taint, "effect") == "PreferNoSchedule"
            || items(template, "tolerations").iter().any(|it| {
                let given = text(it, "key");
                given.is_empty()
                    || given == key
                        && (text(it, "operator") == "Exists"
                            || text(it, "value") == text(taint, "value"))
            })
    });
    selected && tolerated
}

fn begin(cx: &mut Control<'_>, set: &Arc<Value>, node: &Value, revision: &str) {
    let mut pod = pod_of(set, "DaemonSet", "apps/v1");
    object_at(&mut pod, "metadata.labels").insert(REVISION.to_owned(), json!(revision));
    put(&mut pod, "spec.nodeName", json::name(node));
    match cx.create("pods", pod) {
        Ok(pod) => {
            let message = format!("Created pod: {}", json::name(&pod));
            cx.event(set, "Normal", "SuccessfulCreate", &message, "daemonset-controller");
        }
        Err(refused) => {
            let message = format!("Error creating: {}", refused.message);
            cx.event(set, "Warning", "FailedCreate", &message, "daemonset-controller");
        }
    }
}
