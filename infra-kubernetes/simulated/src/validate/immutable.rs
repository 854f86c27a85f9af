//! What may not change once an object is there.

use serde_json::Value;

use crate::failure::Cause;
use crate::json::{at, items, put, remove, text};
use crate::kinds::Kind;
use crate::schema::milli;

const IMMUTABLE: &str = "field is immutable";
const STATEFUL: &str = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
const POD: &str = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

pub(super) fn check(kind: &Kind, old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    if kind.custom {
        return;
    }
    let mut fixed = |fields: &[&str]| {
        for field in fields {
            if at(old, field) != at(new, field) {
                causes.push(Cause::invalid(*field, at(new, field), IMMUTABLE));
            }
        }
    };
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("apps", "Deployment" | "ReplicaSet" | "DaemonSet") => fixed(&["spec.selector"]),
        ("apps", "StatefulSet") => stateful_set(old, new, causes),
        ("batch", "Job") => job(old, new, causes),
        ("", "Pod") => pod(old, new, causes),
        ("", "Service") => service(old, new, causes),
        ("", "Secret") => {
            fixed(&["type"]);
            frozen(old, new, &["data"], causes);
        }
        ("", "ConfigMap") => frozen(old, new, &["data", "binaryData"], causes),
        ("", "PersistentVolumeClaim") => claim(old, new, causes),
        ("", "PersistentVolume") if at(old, "spec.csi") != at(new, "spec.csi") => {
            let detail = "spec.persistentvolumesource is immutable after creation";
            causes.push(Cause::forbidden("spec.persistentvolumesource", detail));
        }
        ("storage.k8s.io", "StorageClass") => {
            fixed(&["volumeBindingMode"]);
            for field in ["parameters", "provisioner", "reclaimPolicy"] {
                if at(old, field) != at(new, field) {
                    let detail = format!("updates to {field} are forbidden.");
                    causes.push(Cause::forbidden(field, &detail));
                }
            }
        }
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding")
            if at(old, "roleRef") != at(new, "roleRef") =>
        {
            let detail = "cannot change roleRef";
            causes.push(Cause::invalid("roleRef", at(new, "roleRef"), detail));
        }
        ("scheduling.k8s.io", "PriorityClass") => {
            for field in ["value", "preemptionPolicy"] {
                if at(old, field) != at(new, field) {
                    causes.push(Cause::forbidden(field, "may not be changed in an update."));
                }
            }
        }
        ("networking.k8s.io", "IngressClass") => fixed(&["spec.controller"]),
        ("apiextensions.k8s.io", _) => {
            fixed(&["spec.group", "spec.scope", "spec.names.kind", "spec.names.plural"]);
        }
        ("discovery.k8s.io", "EndpointSlice") => fixed(&["addressType"]),
        _ => {}
    }
}

fn stateful_set(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let rest = |object: &Value| {
        let mut spec = at(object, "spec").clone();
        for field in [
            "replicas",
            "ordinals",
            "template",
            "updateStrategy",
            "revisionHistoryLimit",
            "persistentVolumeClaimRetentionPolicy",
            "minReadySeconds",
        ] {
            remove(&mut spec, field);
        }
        spec
    };
    if rest(old) != rest(new) {
        causes.push(Cause::forbidden("spec", STATEFUL));
    }
}

fn job(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let suspended = at(old, "spec.suspend") == &Value::Bool(true);
    for field in [
        "completions",
        "selector",
        "template",
        "completionMode",
        "podFailurePolicy",
        "backoffLimitPerIndex",
        "manualSelector",
    ] {
        let path = format!("spec.{field}");
        if at(old, &path) != at(new, &path) && !(suspended && field == "template") {
            causes.push(Cause::invalid(path.clone(), at(new, &path), IMMUTABLE));
        }
    }
}

fn pod(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let rest = |object: &Value| {
        let mut spec = at(object, "spec").clone();
        for list in ["containers", "initContainers"] {
            for container in crate::json::items_mut(&mut spec, list) {
                remove(container, "image");
                remove(container, "imagePullPolicy");
            }
        }
        for field in ["activeDeadlineSeconds", "tolerations", "ephemeralContainers", "nodeName"] {
            remove(&mut spec, field);
        }
        spec
    };
    if rest(old) != rest(new) {
        causes.push(Cause::forbidden("spec", POD));
    }
}

fn service(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let external = |object: &Value| text(object, "spec.type") == "ExternalName";
    if external(old) || external(new) {
        return;
    }
    if at(old, "spec.clusterIP") != at(new, "spec.clusterIP") {
        let value = items(new, "spec.clusterIPs").to_vec();
        let detail = "may not change once set";
        causes.push(Cause::invalid("spec.clusterIPs[0]", &Value::from(value), detail));
    }
}

fn frozen(old: &Value, new: &Value, fields: &[&str], causes: &mut Vec<Cause>) {
    if at(old, "immutable") != &Value::Bool(true) {
        return;
    }
    let detail = "field is immutable when `immutable` is set";
    for field in fields.iter().chain(&["immutable"]) {
        if at(old, field) != at(new, field) {
            causes.push(Cause::forbidden(*field, detail));
        }
    }
}

fn claim(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let rest = |object: &Value| {
        let mut spec = at(object, "spec").clone();
        remove(&mut spec, "volumeName");
        remove(&mut spec, "volumeAttributesClassName");
        put(&mut spec, "resources", Value::Null);
        spec
    };
    if rest(old) != rest(new) {
        let detail = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
        causes.push(Cause::forbidden("spec", detail));
    }
    let size =
        |object: &Value| at(object, "spec.resources.requests").get("storage").and_then(milli);
    if size(new) < size(old) {
        let detail = "field can not be less than status.capacity";
        causes.push(Cause::forbidden("spec.resources.requests.storage", detail));
    }
}
