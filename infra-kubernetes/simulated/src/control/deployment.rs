//! Deployments: replica sets that replace each other.

use std::sync::Arc;

use serde_json::{Value, json};

use super::cx::{Control, drop_condition, ending, has_condition, owner, set_condition};
use super::revision::hash;
use super::rollout::{self, Bounds};
use crate::json::{self, at, int, items, put, text};

const TABLE: &str = "deployments.apps";
const SETS: &str = "replicasets.apps";
const HASH: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";

pub(super) fn run(cx: &mut Control<'_>) {
    for deployment in cx.all(TABLE) {
        if !ending(&deployment) {
            // The pods of the sets count where all must be gone before the new ones come.
            let recreates = text(&deployment, "spec.strategy.type") == "Recreate";
            let pods = if recreates { cx.store.rest.of_tables(&["pods"]) } else { 0 };
            let version = cx.of_owned(&deployment).max(pods);
            cx.attend("deployment", &deployment, version, |cx| sync(cx, &deployment));
        }
    }
}

fn sync(cx: &mut Control<'_>, deployment: &Arc<Value>) {
    let paused = json::flag(deployment, "spec.paused");
    let sets = cx.owned(SETS, deployment);
    let current = sets.iter().position(|set| same_template(deployment, set));
    let (new, old) = match current {
        Some(at) => {
            let mut old = sets.clone();
            (Some(old.remove(at)), old)
        }
        None if paused => (None, sets),
        None => (begin(cx, deployment, &sets), sets),
    };
    let Some(new) = new else {
        status(cx, deployment, None, &old);
        return;
    };
    let revision = renumber(cx, deployment, &new, &old);
    if !paused {
        let bounds = Bounds::of(deployment);
        rollout::step(cx, deployment, &new, &old, &bounds);
    }
    let fresh = |cx: &Control<'_>, set: &Value| cx.get(SETS, json::namespace(set), json::name(set));
    let old: Vec<_> = old.iter().filter_map(|set| fresh(cx, set)).collect();
    let new = fresh(cx, &new);
    annotate(cx, deployment, revision);
    status(cx, deployment, new.as_ref(), &old);
    clean(cx, deployment, new.as_deref(), &old);
}

fn same_template(deployment: &Value, set: &Value) -> bool {
    let mut template = at(set, "spec.template").clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(HASH);
    }
    template == *at(deployment, "spec.template")
}

/// The replica set of a new template.
fn begin(cx: &mut Control<'_>, deployment: &Arc<Value>, old: &[Arc<Value>]) -> Option<Arc<Value>> {
    let hash = hash(at(deployment, "spec.template"));
    let mut template = at(deployment, "spec.template").clone();
    json::object_at(&mut template, "metadata.labels").insert(HASH.to_owned(), json!(hash));
    let mut selector = at(deployment, "spec.selector").clone();
    json::object_at(&mut selector, "matchLabels").insert(HASH.to_owned(), json!(hash));
    let wanted = int(deployment, "spec.replicas").unwrap_or(1);
    let bounds = Bounds::of(deployment);
    let running: i64 = old.iter().filter_map(|set| int(set, "spec.replicas")).sum();
    // Where all old pods must be gone, the new ones come later.
    let replicas = if bounds.recreate && !old.is_empty() {
        0
    } else {
        (wanted + bounds.surge - running).clamp(0, wanted)
    };
    let set = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": format!("{}-{hash}", json::name(deployment)), "namespace": json::namespace(deployment),
            "labels": at(&template, "metadata.labels"), "annotations": {
                "deployment.kubernetes.io/desired-replicas": wanted.to_string(),
                "deployment.kubernetes.io/max-replicas": (wanted + bounds.surge).to_string(),
            },
            "ownerReferences": [owner("Deployment", "apps/v1", deployment)],
        },
        "spec": {
            "replicas": replicas, "selector": selector, "template": template,
            "minReadySeconds": int(deployment, "spec.minReadySeconds").unwrap_or(0),
        },
    });
    let made = cx.create(SETS, set).ok()?;
    let (now, name) = (cx.now, json::name(&made).to_owned());
    cx.note(TABLE, deployment, "progress", Some(now));
    let message = format!("Scaled up replica set {name} from 0 to {replicas}");
    cx.event(deployment, "Normal", "ScalingReplicaSet", &message, "deployment-controller");
    Some(Arc::new(made))
}

/// The newest template has the highest revision, one that comes back too.
fn renumber(cx: &mut Control<'_>, deployment: &Value, new: &Arc<Value>, old: &[Arc<Value>]) -> i64 {
    let number = |object: &Value| -> i64 {
        at(object, "metadata.annotations")
            .get(REVISION)
            .and_then(Value::as_str)
            .and_then(|it| it.parse().ok())
            .unwrap_or(0)
    };
    let highest = old.iter().map(|set| number(set)).max().unwrap_or(0);
    let revision = if number(new) > highest { number(new) } else { highest + 1 };
    if number(new) != revision {
        if number(new) > 0 {
            let now = cx.now;
            cx.note(TABLE, deployment, "progress", Some(now));
        }
        cx.change(SETS, new, "", |set| {
            json::object_at(set, "metadata.annotations")
                .insert(REVISION.to_owned(), json!(revision.to_string()));
        });
    }
    revision
}

fn annotate(cx: &mut Control<'_>, deployment: &Value, revision: i64) {
    cx.change(TABLE, deployment, "", |it| {
        json::object_at(it, "metadata.annotations")
            .insert(REVISION.to_owned(), json!(revision.to_string()));
    });
}

fn status(
    cx: &mut Control<'_>,
    deployment: &Arc<Value>,
    new: Option<&Arc<Value>>,
    old: &[Arc<Value>],
) {
    let sum = |field: &str| -> i64 {
        let all = old.iter().chain(new);
        all.filter_map(|set| int(set, &format!("status.{field}"))).sum()
    };
    let wanted = int(deployment, "spec.replicas").unwrap_or(1);
    let total = sum("replicas");
    let (ready, available) = (sum("readyReplicas"), sum("availableReplicas"));
    let updated = new.and_then(|set| int(set, "status.replicas")).unwrap_or(0);
    let mut status = at(deployment, "status").clone();
    let mut count = |field: &str, number: i64| {
        if number > 0 {
            put(&mut status, field, number);
        } else {
            json::remove(&mut status, field);
        }
    };
    count("replicas", total);
    count("updatedReplicas", updated);
    count("readyReplicas", ready);
    count("availableReplicas", available);
    count("unavailableReplicas", (total.max(wanted) - available).max(0));
    put(&mut status, "observedGeneration", at(deployment, "metadata.generation").clone());
    let bounds = Bounds::of(deployment);
    let enough = available >= wanted - bounds.unavailable;
    let (reason, message) = if enough {
        ("MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    set_condition(&mut status, cx.now, "Available", enough, reason, message);
    let complete = updated == wanted && total == wanted && available == wanted;
    progress(cx, deployment, new, &mut status, complete, (updated, total, available));
    let failure = old.iter().chain(new).find(|set| has_condition(set, "ReplicaFailure"));
    match failure {
        Some(set) => {
            let mut conditions = items(set, "status.conditions").iter();
            let found = conditions.find(|it| it["type"] == "ReplicaFailure");
            let message = found.map_or("", |it| text(it, "message"));
            set_condition(&mut status, cx.now, "ReplicaFailure", true, "FailedCreate", message);
        }
        None => drop_condition(&mut status, "ReplicaFailure"),
    }
    cx.status(TABLE, deployment, status);
}

/// Whether it gets on, and since when it does not.
fn progress(
    cx: &mut Control<'_>,
    deployment: &Value,
    new: Option<&Arc<Value>>,
    status: &mut Value,
    complete: bool,
    counts: (i64, i64, i64),
) {
    let Some(new) = new else {
        if json::flag(deployment, "spec.paused") {
            set_condition(
                status,
                cx.now,
                "Progressing",
                false,
                "DeploymentPaused",
                "Deployment is paused",
            );
        }
        return;
    };
    let name = json::name(new);
    let told = format!("ReplicaSet {name:?}");
    if complete {
        let message = format!("{told} has successfully progressed.");
        set_condition(status, cx.now, "Progressing", true, "NewReplicaSetAvailable", &message);
        cx.note(TABLE, deployment, "progress", None);
        return;
    }
    let before = at(deployment, "status");
    let was = |field: &str| int(before, field).unwrap_or(0);
    let (updated, total, available) = counts;
    let gets_on = updated > was("updatedReplicas")
        || total - updated < was("replicas") - was("updatedReplicas")
        || available > was("availableReplicas");
    let now = cx.now;
    if gets_on || cx.noted(TABLE, deployment, "progress").is_none() {
        let finished =
            items(before, "conditions").iter().any(|it| it["reason"] == "NewReplicaSetAvailable");
        if !finished || gets_on {
            cx.note(TABLE, deployment, "progress", Some(now));
        }
    }
    let Some(since) = cx.noted(TABLE, deployment, "progress") else { return };
    let deadline = int(deployment, "spec.progressDeadlineSeconds").unwrap_or(600);
    if deadline < i64::from(i32::MAX)
        && !json::flag(deployment, "spec.paused")
        && cx.due(since + deadline * 1000)
    {
        let message = format!("{told} has timed out progressing.");
        set_condition(status, now, "Progressing", false, "ProgressDeadlineExceeded", &message);
    } else {
        let message = format!("{told} is progressing.");
        set_condition(status, now, "Progressing", true, "ReplicaSetUpdated", &message);
    }
}

/// Old replica sets are kept for a rollback, as many as are wanted.
fn clean(cx: &mut Control<'_>, deployment: &Value, new: Option<&Value>, old: &[Arc<Value>]) {
    let limit =
        usize::try_from(int(deployment, "spec.revisionHistoryLimit").unwrap_or(10)).unwrap_or(10);
    let complete = new.is_some()
        && int(deployment, "status.updatedReplicas") == int(deployment, "spec.replicas");
    if !complete {
        return;
    }
    let mut idle: Vec<_> = old
        .iter()
        .filter(|it| {
            int(it, "spec.replicas") == Some(0) && int(it, "status.replicas").unwrap_or(0) == 0
        })
        .collect();
    idle.sort_by_key(|set| cx.noted(SETS, set, "created"));
    for set in idle.iter().take(idle.len().saturating_sub(limit)) {
        cx.delete(SETS, set, "Background");
    }
}
