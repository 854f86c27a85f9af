//! Autoscalers: there are no metrics, so the number of replicas stays within its bounds.

use std::sync::Arc;

use serde_json::Value;

use super::cx::{Control, ending, set_condition};
use crate::json::{self, at, int, put, text};

const TABLE: &str = "horizontalpodautoscalers.autoscaling";

pub(super) fn run(cx: &mut Control<'_>) {
    for scaler in cx.all(TABLE) {
        if !ending(&scaler) {
            sync(cx, &scaler);
        }
    }
}

fn sync(cx: &mut Control<'_>, scaler: &Arc<Value>) {
    let table = match text(scaler, "spec.scaleTargetRef.kind") {
        "Deployment" => "deployments.apps",
        "StatefulSet" => "statefulsets.apps",
        "ReplicaSet" => "replicasets.apps",
        _ => return,
    };
    let name = text(scaler, "spec.scaleTargetRef.name");
    let mut status = at(scaler, "status").clone();
    json::as_object(&mut status);
    let now = cx.now;
    let Some(target) = cx.get(table, json::namespace(scaler), name) else {
        let message = format!(
            "the HPA controller was unable to get the target's current scale: {table} {name:?} not found"
        );
        set_condition(&mut status, now, "AbleToScale", false, "FailedGetScale", &message);
        put(&mut status, "currentReplicas", 0);
        put(&mut status, "desiredReplicas", 0);
        cx.status(TABLE, scaler, status);
        return;
    };
    let current = int(&target, "spec.replicas").unwrap_or(1);
    let (least, most) = (
        int(scaler, "spec.minReplicas").unwrap_or(1),
        int(scaler, "spec.maxReplicas").unwrap_or(1),
    );
    let desired = if current == 0 { 0 } else { current.clamp(least, most.max(least)) };
    if desired != current {
        cx.change(table, &target, "scale", |it| put(it, "spec.replicas", desired));
        let message = format!(
            "New size: {desired}; reason: Current number of replicas outside of Spec.MinReplicas and Spec.MaxReplicas"
        );
        cx.event(scaler, "Normal", "SuccessfulRescale", &message, "horizontal-pod-autoscaler");
    }
    put(&mut status, "currentReplicas", int(&target, "status.replicas").unwrap_or(0));
    put(&mut status, "desiredReplicas", desired);
    set_condition(
        &mut status,
        now,
        "AbleToScale",
        true,
        "ReadyForNewScale",
        "recommended size matches current size",
    );
    let (reason, message) = if current == 0 {
        ("ScalingDisabled", "scaling is disabled since the replica count of the target is zero")
    } else {
        ("ValidMetricFound", "the HPA was able to successfully calculate a replica count")
    };
    set_condition(&mut status, now, "ScalingActive", current > 0, reason, message);
    set_condition(
        &mut status,
        now,
        "ScalingLimited",
        false,
        "DesiredWithinRange",
        "the desired count is within the acceptable range",
    );
    cx.status(TABLE, scaler, status);
}
