//! One object in several versions of its kind.

use serde_json::{Value, json};

use crate::json::{at, items, put, remove};
use crate::kinds::Kind;

/// An object as this version shows it.
pub(super) fn shown(kind: &Kind, object: &Value) -> Value {
    let mut object = object.clone();
    if is_first_scaler(kind) {
        let metrics = items(&object, "spec.metrics").to_vec();
        let cpu = metrics.iter().find(|it| at(it, "resource.name") == "cpu");
        if let Some(target) = cpu.map(|it| at(it, "resource.target.averageUtilization").clone()) {
            put(&mut object, "spec.targetCPUUtilizationPercentage", target);
        }
        remove(&mut object, "spec.metrics");
        remove(&mut object, "spec.behavior");
        remove(&mut object, "status.conditions");
        remove(&mut object, "status.currentMetrics");
    }
    put(&mut object, "apiVersion", kind.api_version());
    put(&mut object, "kind", kind.kind.clone());
    object
}

/// Whether the kind is kept as its second version.
pub(super) fn is_first_scaler(kind: &Kind) -> bool {
    kind.group == "autoscaling" && kind.version == "v1"
}

/// An autoscaler of the first version, or a patch of one, as the second version has it.
pub(super) fn second_scaler(object: &mut Value) {
    if at(object, "apiVersion").is_string() {
        put(object, "apiVersion", "autoscaling/v2");
    }
    if let Some(share) = remove(object, "spec.targetCPUUtilizationPercentage") {
        let target = json!({"type": "Utilization", "averageUtilization": share});
        let metric = json!({"type": "Resource", "resource": {"name": "cpu", "target": target}});
        put(object, "spec.metrics", json!([metric]));
    }
}
