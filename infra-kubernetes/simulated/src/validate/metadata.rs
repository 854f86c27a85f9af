//! Names, labels, annotations, owners, finalizers.

use serde_json::Value;

use super::name;
use crate::failure::Cause;
use crate::json::{self, at, entries, items, text};
use crate::kinds::Kind;

/// What is wrong with the metadata of an object.
pub(crate) fn metadata(kind: &Kind, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let given = json::name(object);
    let rule = match (kind.group.as_str(), kind.kind.as_str()) {
        ("rbac.authorization.k8s.io", _) => path_segment,
        ("", "Namespace") => name::label,
        ("", "Service") => name::label_1035,
        _ => name::subdomain,
    };
    if let Some(why) = rule(given) {
        causes.push(Cause::invalid("metadata.name", at(object, "metadata.name"), &why));
    }
    labels(object, "metadata.labels", &mut causes);
    for (key, value) in entries(object, "metadata.annotations") {
        if let Some(why) = name::qualified(&key.to_lowercase()) {
            causes.push(Cause::invalid("metadata.annotations", &Value::from(key), &why));
        }
        if !value.is_string() {
            causes.push(Cause::invalid("metadata.annotations", value, "must be a string"));
        }
    }
    for (index, finalizer) in items(object, "metadata.finalizers").iter().enumerate() {
        let given = finalizer.as_str().unwrap_or_default();
        let known = ["orphan", "foregroundDeletion", "kubernetes"].contains(&given);
        if name::qualified(given).is_some() || (!given.contains('/') && !known) {
            let why = "name is neither a standard finalizer name nor is it fully qualified";
            causes.push(Cause::invalid(format!("metadata.finalizers[{index}]"), finalizer, why));
        }
    }
    for owner in items(object, "metadata.ownerReferences") {
        for field in ["apiVersion", "kind", "name", "uid"] {
            if text(owner, field).is_empty() {
                let why = "must not be empty";
                causes.push(Cause::invalid(
                    format!("metadata.ownerReferences.{field}"),
                    &Value::from(""),
                    why,
                ));
            }
        }
    }
    causes
}

/// What is wrong with labels somewhere.
pub(super) fn labels(object: &Value, path: &str, causes: &mut Vec<Cause>) {
    for (key, value) in entries(object, path) {
        if let Some(why) = name::qualified(key) {
            causes.push(Cause::invalid(path, &Value::from(key), &why));
        }
        if let Some(why) = value.as_str().and_then(name::label_value) {
            causes.push(Cause::invalid(path, value, &why));
        }
    }
}

fn path_segment(text: &str) -> Option<String> {
    if matches!(text, "." | "..") {
        return Some(format!("may not be '{text}'"));
    }
    let wrong = text.chars().find(|c| matches!(c, '/' | '%'))?;
    Some(format!("may not contain '{wrong}'"))
}
