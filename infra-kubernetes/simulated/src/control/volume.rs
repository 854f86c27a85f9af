//! Volumes: claims find theirs, made for them if need be.

use std::sync::Arc;

use serde_json::{Value, json};

use super::collect::finish;
use super::cx::{Control, ending};
use super::pods::is_over;
use crate::json::{self, at, items, put, text};
use crate::store::Notes;
use crate::time::stamp;

const CLAIMS: &str = "persistentvolumeclaims";
const VOLUMES: &str = "persistentvolumes";

pub(super) fn run(cx: &mut Control<'_>) {
    for claim in cx.all(CLAIMS) {
        if ending(&claim) {
            if !is_used(cx, &claim, |_| true) {
                release(cx, &claim);
                finish(cx, CLAIMS, &claim, "kubernetes.io/pvc-protection");
            }
        } else if text(&claim, "status.phase") != "Bound" {
            bind(cx, &claim);
        } else {
            resize(cx, &claim);
        }
    }
    for volume in cx.all(VOLUMES) {
        let claim = at(&volume, "spec.claimRef");
        let bound = cx.get(CLAIMS, text(claim, "namespace"), text(claim, "name"));
        let bound = bound.is_some_and(|it| json::uid(&it) == text(claim, "uid"));
        if ending(&volume) && !bound {
            finish(cx, VOLUMES, &volume, "kubernetes.io/pv-protection");
        } else if claim.is_null() && text(&volume, "status.phase") != "Available" {
            cx.status(VOLUMES, &volume, json!({"phase": "Available"}));
        }
    }
}

/// Whether a pod has the claim.
fn is_used(cx: &Control<'_>, claim: &Value, which: impl Fn(&Value) -> bool) -> bool {
    cx.within("pods", json::namespace(claim)).iter().any(|pod| {
        !is_over(pod)
            && which(pod)
            && items(pod, "spec.volumes")
                .iter()
                .any(|it| text(it, "persistentVolumeClaim.claimName") == json::name(claim))
    })
}

fn bind(cx: &mut Control<'_>, claim: &Arc<Value>) {
    let class = text(claim, "spec.storageClassName");
    if let Some(volume) = waiting(cx, claim) {
        tie(cx, claim, &volume);
        return;
    }
    let Some(found) = cx.get("storageclasses.storage.k8s.io", "", class) else {
        if !class.is_empty() {
            let message = format!("storageclass.storage.k8s.io {class:?} not found");
            cx.event(
                claim,
                "Warning",
                "ProvisioningFailed",
                &message,
                "persistentvolume-controller",
            );
        }
        return;
    };
    let placed = |pod: &Value| !text(pod, "spec.nodeName").is_empty();
    if text(&found, "volumeBindingMode") == "WaitForFirstConsumer" && !is_used(cx, claim, placed) {
        let message = "waiting for first consumer to be created before binding";
        cx.event(claim, "Normal", "WaitForFirstConsumer", message, "persistentvolume-controller");
        return;
    }
    let since = cx.since(CLAIMS, claim, "provisioning");
    let takes = i64::try_from(cx.settings.volume.as_millis()).unwrap_or(0);
    if !cx.due(since + takes) {
        return;
    }
    let name = format!("pvc-{}", json::uid(claim));
    let size = at(claim, "spec.resources.requests.storage").clone();
    let volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {
            "name": name, "uid": uuid::Uuid::new_v4().to_string(), "creationTimestamp": stamp(cx.now),
            "annotations": {"pv.kubernetes.io/provisioned-by": text(&found, "provisioner")},
            "finalizers": ["kubernetes.io/pv-protection"],
        },
        "spec": {
            "capacity": {"storage": size}, "accessModes": at(claim, "spec.accessModes"),
            "volumeMode": at(claim, "spec.volumeMode"), "storageClassName": class,
            "persistentVolumeReclaimPolicy": at(&found, "reclaimPolicy"),
            "csi": {"driver": text(&found, "provisioner"), "volumeHandle": format!("vol-{}", json::uid(claim).replace('-', "").chars().take(17).collect::<String>())},
        },
        "status": {"phase": "Available"},
    });
    let made = cx.store.put(VOLUMES, volume, Notes::from([("own".to_owned(), 1)]));
    let message = format!("Successfully provisioned volume {name}");
    cx.event(claim, "Normal", "ProvisioningSucceeded", &message, text(&found, "provisioner"));
    tie(cx, claim, &made);
}

/// A volume that somebody made for such a claim.
fn waiting(cx: &Control<'_>, claim: &Value) -> Option<Arc<Value>> {
    let named = text(claim, "spec.volumeName");
    let size = |value: &Value| crate::schema::milli(value).unwrap_or(0);
    cx.all(VOLUMES).into_iter().find(|volume| {
        let free = at(volume, "spec.claimRef").is_null();
        let fits = text(volume, "spec.storageClassName") == text(claim, "spec.storageClassName")
            && size(at(volume, "spec.capacity.storage"))
                >= size(at(claim, "spec.resources.requests.storage"))
            && items(claim, "spec.accessModes")
                .iter()
                .all(|mode| items(volume, "spec.accessModes").contains(mode));
        free && (if named.is_empty() { fits } else { json::name(volume) == named })
    })
}

fn tie(cx: &mut Control<'_>, claim: &Arc<Value>, volume: &Arc<Value>) {
    let reference = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": json::name(claim),
        "namespace": json::namespace(claim), "uid": json::uid(claim),
    });
    cx.change(VOLUMES, volume, "", |it| {
        put(it, "spec.claimRef", reference);
        put(it, "status.phase", "Bound");
    });
    let (name, capacity) = (json::name(volume).to_owned(), at(volume, "spec.capacity").clone());
    cx.change(CLAIMS, claim, "", |it| {
        put(it, "spec.volumeName", name);
        let modes = at(it, "spec.accessModes").clone();
        put(it, "status", json!({"phase": "Bound", "accessModes": modes, "capacity": capacity}));
        let annotations = json::object_at(it, "metadata.annotations");
        annotations.insert("pv.kubernetes.io/bind-completed".to_owned(), json!("yes"));
    });
}

/// A claim that asks for more gets it.
fn resize(cx: &mut Control<'_>, claim: &Arc<Value>) {
    let wanted = at(claim, "spec.resources.requests.storage");
    let has = at(claim, "status.capacity.storage");
    if crate::schema::milli(wanted) > crate::schema::milli(has) {
        let mut status = at(claim, "status").clone();
        put(&mut status, "capacity.storage", wanted.clone());
        cx.status(CLAIMS, claim, status);
    }
}

/// The volume of a claim that goes, goes too or is kept.
fn release(cx: &mut Control<'_>, claim: &Value) {
    let Some(volume) = cx.get(VOLUMES, "", text(claim, "spec.volumeName")) else { return };
    if text(&volume, "spec.persistentVolumeReclaimPolicy") == "Delete" {
        cx.store.remove(VOLUMES, "", json::name(&volume));
    } else if text(&volume, "status.phase") != "Released" {
        cx.status(VOLUMES, &volume, json!({"phase": "Released"}));
    }
}
