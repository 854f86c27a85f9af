//! What pods do: how far they are at an instant, and what they print.

use serde_json::{Value, json};

use crate::faults::{Fault, Rules};
use crate::json::{self, at, items, text};

/// Whether a pod takes traffic.
pub(super) fn is_ready(pod: &Value) -> bool {
    let mut conditions = items(pod, "status.conditions").iter();
    conditions.any(|it| it["type"] == "Ready" && it["status"] == "True")
}

/// Whether a pod has run to its end.
pub(super) fn is_over(pod: &Value) -> bool {
    matches!(text(pod, "status.phase"), "Succeeded" | "Failed")
}

/// What is wrong with a container, if anything is.
pub(super) fn fault(rules: &Rules, pod: &Value, container: &Value) -> Option<Fault> {
    rules.of_container(pod, text(container, "image"))
}

/// What a container printed last.
pub(crate) fn log(rules: &Rules, pod: &Value, container: &Value) -> Vec<String> {
    match fault(rules, pod, container) {
        Some(Fault::Crash(lines) | Fault::Fail(lines)) if !lines.is_empty() => lines,
        Some(Fault::Crash(_) | Fault::Fail(_)) => vec!["exiting with status 1".to_owned()],
        _ => vec![format!("{} {}: started", json::name(pod), text(container, "name"))],
    }
}

/// The first thing a container needs that is not there: a message of the kubelet.
pub(super) fn missing(
    get: &dyn Fn(&str, &str) -> Option<Value>,
    namespace: &str,
    container: &Value,
) -> Option<String> {
    for env in items(container, "env") {
        for (field, table, kind) in
            [("secretKeyRef", "secrets", "secret"), ("configMapKeyRef", "configmaps", "configmap")]
        {
            let reference = at(env, &format!("valueFrom.{field}"));
            if !reference.is_object() || reference["optional"] == json!(true) {
                continue;
            }
            let (name, key) = (text(reference, "name"), text(reference, "key"));
            let Some(found) = get(table, name) else {
                return Some(format!("{kind} {name:?} not found"));
            };
            let has = ["data", "binaryData"].iter().any(|part| at(&found, part).get(key).is_some());
            if !has {
                let kind = if kind == "secret" { "Secret" } else { "ConfigMap" };
                return Some(format!("couldn't find key {key} in {kind} {namespace}/{name}"));
            }
        }
    }
    for from in items(container, "envFrom") {
        for (field, table, kind) in
            [("secretRef", "secrets", "secret"), ("configMapRef", "configmaps", "configmap")]
        {
            let reference = at(from, field);
            let name = text(reference, "name");
            if reference.is_object()
                && reference["optional"] != json!(true)
                && get(table, name).is_none()
            {
                return Some(format!("{kind} {name:?} not found"));
            }
        }
    }
    None
}

/// The first volume that cannot be mounted, and why.
pub(super) fn unmounted(get: &dyn Fn(&str, &str) -> Option<Value>, pod: &Value) -> Option<String> {
    for volume in items(pod, "spec.volumes") {
        let name = text(volume, "name");
        for (source, field, table, kind) in [
            ("secret", "secretName", "secrets", "secret"),
            ("configMap", "name", "configmaps", "configmap"),
        ] {
            let wanted = text(volume, &format!("{source}.{field}"));
            let optional = at(volume, &format!("{source}.optional")) == &json!(true);
            if !wanted.is_empty() && !optional && get(table, wanted).is_none() {
                return Some(format!(
                    "MountVolume.SetUp failed for volume {name:?} : {kind} {wanted:?} not found"
                ));
            }
        }
    }
    None
}
