//! Workloads.

use serde_json::{Value, json};

use super::pod;
use crate::json::{at, items_mut, put_new, text};

pub(super) fn deployment(object: &mut Value) {
    put_new(object, "spec.replicas", 1);
    put_new(object, "spec.revisionHistoryLimit", 10);
    put_new(object, "spec.progressDeadlineSeconds", 600);
    put_new(object, "spec.strategy.type", "RollingUpdate");
    if text(object, "spec.strategy.type") == "RollingUpdate" {
        put_new(object, "spec.strategy.rollingUpdate.maxUnavailable", "25%");
        put_new(object, "spec.strategy.rollingUpdate.maxSurge", "25%");
    }
    pod::template(object, "spec.template");
}

pub(super) fn replica_set(object: &mut Value) {
    put_new(object, "spec.replicas", 1);
    pod::template(object, "spec.template");
}

pub(super) fn stateful_set(object: &mut Value) {
    put_new(object, "spec.replicas", 1);
    put_new(object, "spec.revisionHistoryLimit", 10);
    put_new(object, "spec.podManagementPolicy", "OrderedReady");
    put_new(object, "spec.updateStrategy.type", "RollingUpdate");
    if text(object, "spec.updateStrategy.type") == "RollingUpdate" {
        put_new(object, "spec.updateStrategy.rollingUpdate.partition", 0);
    }
    let retention = "spec.persistentVolumeClaimRetentionPolicy";
    put_new(object, &format!("{retention}.whenDeleted"), "Retain");
    put_new(object, &format!("{retention}.whenScaled"), "Retain");
    for claim in items_mut(object, "spec.volumeClaimTemplates") {
        put_new(claim, "apiVersion", "v1");
        put_new(claim, "kind", "PersistentVolumeClaim");
        put_new(claim, "spec.volumeMode", "Filesystem");
        put_new(claim, "status.phase", "Pending");
    }
    pod::template(object, "spec.template");
}

pub(super) fn daemon_set(object: &mut Value) {
    put_new(object, "spec.revisionHistoryLimit", 10);
    put_new(object, "spec.updateStrategy.type", "RollingUpdate");
    if text(object, "spec.updateStrategy.type") == "RollingUpdate" {
        put_new(object, "spec.updateStrategy.rollingUpdate.maxUnavailable", 1);
        put_new(object, "spec.updateStrategy.rollingUpdate.maxSurge", 0);
    }
    if at(object, "spec.template").is_null() {
        put_new(object, "spec.template", json!({}));
    }
    pod::template(object, "spec.template");
}
