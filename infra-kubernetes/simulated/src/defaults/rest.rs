//! The smaller kinds.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::json::{at, items, items_mut, object_at, put, put_new, remove, text};

/// What is given as text is kept as bytes.
pub(super) fn secret(object: &mut Value) {
    if let Some(Value::Object(texts)) = remove(object, "stringData") {
        for (key, text) in texts {
            let bytes = STANDARD.encode(text.as_str().unwrap_or_default());
            object_at(object, "data").insert(key, json!(bytes));
        }
    }
    put_new(object, "type", "Opaque");
}

pub(super) fn claim(object: &mut Value) {
    put_new(object, "spec.volumeMode", "Filesystem");
}

pub(super) fn limit_range(object: &mut Value) {
    for limit in items_mut(object, "spec.limits") {
        if text(limit, "type") != "Container" {
            continue;
        }
        for (from, to) in
            [("max", "default"), ("default", "defaultRequest"), ("min", "defaultRequest")]
        {
            let values = at(limit, from).clone();
            for (resource, value) in values.as_object().into_iter().flatten() {
                object_at(limit, to).entry(resource).or_insert(value.clone());
            }
        }
    }
}

pub(super) fn endpoints(object: &mut Value) {
    for subset in items_mut(object, "subsets") {
        for port in items_mut(subset, "ports") {
            put_new(port, "protocol", "TCP");
        }
    }
}

pub(super) fn slice(object: &mut Value) {
    for port in items_mut(object, "ports") {
        put_new(port, "name", "");
        put_new(port, "protocol", "TCP");
    }
}

pub(super) fn autoscaler(object: &mut Value) {
    put_new(object, "spec.minReplicas", 1);
    if object["apiVersion"] == "autoscaling/v1" {
        return;
    }
    if items(object, "spec.metrics").is_empty() {
        let target = json!({"type": "Utilization", "averageUtilization": 80});
        let metric = json!({"type": "Resource", "resource": {"name": "cpu", "target": target}});
        put(object, "spec.metrics", json!([metric]));
    }
    if at(object, "spec.behavior").is_object() {
        let up = json!([
            {"type": "Pods", "value": 4, "periodSeconds": 15},
            {"type": "Percent", "value": 100, "periodSeconds": 15},
        ]);
        put_new(object, "spec.behavior.scaleUp.stabilizationWindowSeconds", 0);
        put_new(object, "spec.behavior.scaleUp.selectPolicy", "Max");
        put_new(object, "spec.behavior.scaleUp.policies", up);
        let down = json!([{"type": "Percent", "value": 100, "periodSeconds": 15}]);
        put_new(object, "spec.behavior.scaleDown.selectPolicy", "Max");
        put_new(object, "spec.behavior.scaleDown.policies", down);
    }
}

pub(super) fn network_policy(object: &mut Value) {
    for direction in ["ingress", "egress"] {
        for rule in items_mut(object, &format!("spec.{direction}")) {
            for port in items_mut(rule, "ports") {
                put_new(port, "protocol", "TCP");
            }
        }
    }
    if items(object, "spec.policyTypes").is_empty() {
        let types = if items(object, "spec.egress").is_empty() {
            json!(["Ingress"])
        } else {
            json!(["Ingress", "Egress"])
        };
        put(object, "spec.policyTypes", types);
    }
}

pub(super) fn binding(object: &mut Value) {
    put_new(object, "roleRef.apiGroup", "rbac.authorization.k8s.io");
    for subject in items_mut(object, "subjects") {
        if matches!(text(subject, "kind"), "User" | "Group") {
            put_new(subject, "apiGroup", "rbac.authorization.k8s.io");
        }
    }
}

/// Admission webhooks, and policies of admission.
pub(super) fn webhooks(object: &mut Value) {
    let mutating = object["kind"] == "MutatingWebhookConfiguration";
    for hook in items_mut(object, "webhooks") {
        put_new(hook, "failurePolicy", "Fail");
        put_new(hook, "matchPolicy", "Equivalent");
        put_new(hook, "namespaceSelector", json!({}));
        put_new(hook, "objectSelector", json!({}));
        put_new(hook, "timeoutSeconds", 10);
        if mutating {
            put_new(hook, "reinvocationPolicy", "Never");
        }
        for rule in items_mut(hook, "rules") {
            put_new(rule, "scope", "*");
        }
        if at(hook, "clientConfig.service").is_object() {
            put_new(hook, "clientConfig.service.port", 443);
        }
    }
    if object["kind"] == "ValidatingAdmissionPolicy" {
        put_new(object, "spec.failurePolicy", "Fail");
    }
    if at(object, "spec.matchConstraints").is_object() {
        put_new(object, "spec.matchConstraints.matchPolicy", "Equivalent");
        put_new(object, "spec.matchConstraints.namespaceSelector", json!({}));
        put_new(object, "spec.matchConstraints.objectSelector", json!({}));
        for rule in items_mut(object, "spec.matchConstraints.resourceRules") {
            put_new(rule, "scope", "*");
        }
    }
}
