//! Stateful sets: pods with names and volumes of their own, one after the other.

use std::sync::Arc;

use serde_json::{Value, json};

use super::cx::{Control, ending, owner};
use super::pods::{is_over, is_ready};
use super::replica::{available, pod_of};
use super::revision::hash;
use crate::json::{self, at, int, items, object_at, put, text};

const TABLE: &str = "statefulsets.apps";
const REVISION: &str = "controller-revision-hash";

pub(super) fn run(cx: &mut Control<'_>) {
    for set in cx.all(TABLE) {
        if !ending(&set) {
            let claims = cx.store.rest.of_tables(&["persistentvolumeclaims"]);
            let version = cx.of_owned(&set).max(claims);
            cx.attend("stateful", &set, version, |cx| sync(cx, &set));
        }
    }
}

fn sync(cx: &mut Control<'_>, set: &Arc<Value>) {
    let update = format!("{}-{}", json::name(set), hash(at(set, "spec.template")));
    remember(cx, set, &update);
    let pods = cx.owned("pods", set);
    let first = int(set, "spec.ordinals.start").unwrap_or(0);
    let wanted = int(set, "spec.replicas").unwrap_or(1);
    let name = |ordinal: i64| format!("{}-{ordinal}", json::name(set));
    let find = |ordinal: i64| pods.iter().find(|pod| json::name(pod) == name(ordinal));
    let parallel = text(set, "spec.podManagementPolicy") == "Parallel";
    let mut steady = true;
    for ordinal in first..first + wanted {
        claims(cx, set, ordinal);
        match find(ordinal) {
            Some(pod) if is_over(pod) => {
                cx.delete("pods", pod, "Background");
                steady = false;
            }
            Some(pod) => steady &= is_ready(pod) && !ending(pod),
            None => {
                if steady || parallel {
                    begin(cx, set, ordinal, &update);
                }
                steady = false;
            }
        }
        if !steady && !parallel {
            break;
        }
    }
    let mut surplus: Vec<_> = pods.iter().filter(|pod| ordinal(pod) >= first + wanted).collect();
    surplus.sort_by_key(|pod| std::cmp::Reverse(ordinal(pod)));
    if steady || parallel {
        for pod in surplus.iter().take(if parallel { surplus.len() } else { 1 }) {
            cx.delete("pods", pod, "Background");
        }
    }
    if (steady || stuck(&pods, &update))
        && surplus.is_empty()
        && text(set, "spec.updateStrategy.type") == "RollingUpdate"
    {
        let partition = int(set, "spec.updateStrategy.rollingUpdate.partition").unwrap_or(0);
        let old = (first + partition..first + wanted).rev().filter_map(find);
        let old = old.filter(|pod| revision(pod) != update).find(|pod| !ending(pod));
        if let Some(pod) = old {
            cx.delete("pods", pod, "Background");
        }
    }
    status(cx, set, &update);
}

/// A pod of an old revision that does not work is not waited for.
fn stuck(pods: &[Arc<Value>], update: &str) -> bool {
    pods.iter().all(|pod| is_ready(pod) || revision(pod) != update)
        && pods.iter().all(|pod| !ending(pod))
}

fn ordinal(pod: &Value) -> i64 {
    json::name(pod).rsplit('-').next().and_then(|it| it.parse().ok()).unwrap_or(0)
}

fn revision(pod: &Value) -> &str {
    at(pod, "metadata.labels").get(REVISION).and_then(Value::as_str).unwrap_or_default()
}

fn remember(cx: &mut Control<'_>, set: &Arc<Value>, name: &str) {
    let table = "controllerrevisions.apps";
    if cx.get(table, json::namespace(set), name).is_some() {
        return;
    }
    let number = i64::try_from(cx.owned(table, set).len()).unwrap_or(0) + 1;
    let revision = json!({
        "apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": number,
        "metadata": {
            "name": name, "namespace": json::namespace(set),
            "labels": at(set, "spec.template.metadata.labels"), "ownerReferences": [owner(text(set, "kind"), "apps/v1", set)],
        },
        "data": {"spec": {"template": at(set, "spec.template")}},
    });
    let _ = cx.create(table, revision);
}

fn claims(cx: &mut Control<'_>, set: &Arc<Value>, ordinal: i64) {
    for template in items(set, "spec.volumeClaimTemplates") {
        let name = format!("{}-{}-{ordinal}", json::name(template), json::name(set));
        if cx.get("persistentvolumeclaims", json::namespace(set), &name).is_some() {
            continue;
        }
        let mut claim = json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "spec": at(template, "spec"),
            "metadata": {"name": name, "namespace": json::namespace(set), "labels": at(set, "spec.selector.matchLabels")},
        });
        if text(set, "spec.persistentVolumeClaimRetentionPolicy.whenDeleted") == "Delete" {
            put(
                &mut claim,
                "metadata.ownerReferences",
                json!([owner("StatefulSet", "apps/v1", set)]),
            );
        }
        let _ = cx.create("persistentvolumeclaims", claim);
    }
}

fn begin(cx: &mut Control<'_>, set: &Arc<Value>, ordinal: i64, revision: &str) {
    let mut pod = pod_of(set, "StatefulSet", "apps/v1");
    let name = format!("{}-{ordinal}", json::name(set));
    let labels = object_at(&mut pod, "metadata.labels");
    labels.insert("statefulset.kubernetes.io/pod-name".to_owned(), json!(name));
    labels.insert("apps.kubernetes.io/pod-index".to_owned(), json!(ordinal.to_string()));
    labels.insert(REVISION.to_owned(), json!(revision));
    put(&mut pod, "metadata.name", name.clone());
    json::remove(&mut pod, "metadata.generateName");
    put(&mut pod, "spec.hostname", name.clone());
    let service = text(set, "spec.serviceName");
    if !service.is_empty() {
        put(&mut pod, "spec.subdomain", service);
    }
    let mut volumes = items(&pod, "spec.volumes").to_vec();
    for template in items(set, "spec.volumeClaimTemplates") {
        let claim = format!("{}-{}-{ordinal}", json::name(template), json::name(set));
        volumes.retain(|it| text(it, "name") != json::name(template));
        volumes.push(
            json!({"name": json::name(template), "persistentVolumeClaim": {"claimName": claim}}),
        );
    }
    if !volumes.is_empty() {
        put(&mut pod, "spec.volumes", volumes);
    }
    match cx.create("pods", pod) {
        Ok(_) => {
            let message =
                format!("create Pod {name} in StatefulSet {} successful", json::name(set));
            cx.event(set, "Normal", "SuccessfulCreate", &message, "statefulset-controller");
        }
        Err(refused) => {
            let message = format!(
                "create Pod {name} in StatefulSet {} failed error: {}",
                json::name(set),
                refused.message
            );
            cx.event(set, "Warning", "FailedCreate", &message, "statefulset-controller");
        }
    }
}

fn status(cx: &mut Control<'_>, set: &Arc<Value>, update: &str) {
    let mut pods = cx.owned("pods", set);
    pods.retain(|pod| !ending(pod));
    let mut status = at(set, "status").clone();
    json::as_object(&mut status);
    let count = |which: &dyn Fn(&Value) -> bool| pods.iter().filter(|pod| which(pod)).count();
    let updated = count(&|pod| revision(pod) == update);
    let before = text(&status, "currentRevision").to_owned();
    let wanted = usize::try_from(int(set, "spec.replicas").unwrap_or(1)).unwrap_or(0);
    let done = updated == wanted && count(&is_ready) == wanted;
    let current = if before.is_empty() || done { update.to_owned() } else { before };
    let least = int(set, "spec.minReadySeconds").unwrap_or(0);
    let available = available(cx, &pods, least);
    put(&mut status, "replicas", pods.len());
    put(&mut status, "availableReplicas", available);
    put(&mut status, "updateRevision", update);
    put(&mut status, "currentRevision", current.clone());
    put(&mut status, "collisionCount", 0);
    put(&mut status, "observedGeneration", at(set, "metadata.generation").clone());
    for (field, number) in [
        ("readyReplicas", count(&is_ready)),
        ("updatedReplicas", updated),
        ("currentReplicas", count(&|pod| revision(pod) == current)),
    ] {
        if number > 0 {
            put(&mut status, field, number);
        } else {
            json::remove(&mut status, field);
        }
    }
    cx.status(TABLE, set, status);
}
