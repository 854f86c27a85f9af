//! The smaller kinds.

use serde_json::Value;

use super::name;
use crate::failure::Cause;
use crate::json::{at, entries, items, text};
use crate::schema::milli;

/// The keys of a `ConfigMap` or a Secret.
pub(super) fn keys(object: &Value, fields: &[&str], causes: &mut Vec<Cause>) {
    let mut total = 0;
    for field in fields {
        for (key, value) in entries(object, field) {
            total += value.as_str().map_or(0, str::len);
            if let Some(why) = name::config_key(key) {
                causes.push(Cause::invalid(format!("{field}[{key}]"), &Value::from(key), &why));
            }
        }
    }
    if total > 1024 * 1024 * 4 / 3 {
        let message = "Too long: may not be more than 1048576 bytes";
        causes.push(Cause::new("FieldValueTooLong", fields[0], message));
    }
}

pub(super) fn secret(object: &Value, causes: &mut Vec<Cause>) {
    let wanted: &[&str] = match text(object, "type") {
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        _ => &[],
    };
    let data = at(object, "data");
    for key in wanted.iter().filter(|key| data.get(**key).is_none()) {
        causes.push(Cause::required(format!("data[{key}]"), ""));
    }
}

pub(super) fn claim(object: &Value, path: &str, causes: &mut Vec<Cause>) {
    let modes = items(object, &format!("{path}.accessModes"));
    if modes.is_empty() {
        causes.push(Cause::required(
            format!("{path}.accessModes"),
            "at least 1 access mode is required",
        ));
    }
    let known = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
    for mode in modes.iter().filter(|mode| !known.iter().any(|it| *mode == it)) {
        causes.push(Cause::unsupported(format!("{path}.accessModes"), mode, &known));
    }
    let field = format!("{path}.resources[storage]");
    match at(object, &format!("{path}.resources.requests")).get("storage") {
        None => causes.push(Cause::required(field, "")),
        Some(size) if milli(size).is_none_or(|it| it <= 0) => {
            causes.push(Cause::invalid(field, size, "must be greater than zero"));
        }
        Some(_) => {}
    }
}

pub(super) fn ingress(object: &Value, causes: &mut Vec<Cause>) {
    let rules = items(object, "spec.rules");
    if rules.is_empty() && !at(object, "spec.defaultBackend").is_object() {
        let detail = "either `defaultBackend` or `rules` must be specified";
        causes.push(Cause::invalid("spec", at(object, "spec"), detail));
    }
    for (index, rule) in rules.iter().enumerate() {
        let host = text(rule, "host");
        let plain = host.strip_prefix("*.").unwrap_or(host);
        if let Some(why) = (!host.is_empty()).then(|| name::subdomain(plain)).flatten() {
            causes.push(Cause::invalid(
                format!("spec.rules[{index}].host"),
                at(rule, "host"),
                &why,
            ));
        }
        for (number, path) in items(rule, "http.paths").iter().enumerate() {
            let place = format!("spec.rules[{index}].http.paths[{number}]");
            let kind = text(path, "pathType");
            if kind.is_empty() {
                causes.push(Cause::required(
                    format!("{place}.pathType"),
                    "pathType must be specified",
                ));
            } else if !matches!(kind, "Exact" | "Prefix" | "ImplementationSpecific") {
                let allowed = &["Exact", "ImplementationSpecific", "Prefix"];
                causes.push(Cause::unsupported(
                    format!("{place}.pathType"),
                    at(path, "pathType"),
                    allowed,
                ));
            }
            let given = text(path, "path");
            if matches!(kind, "Exact" | "Prefix") && !given.starts_with('/') {
                let detail = "must be an absolute path";
                causes.push(Cause::invalid(format!("{place}.path"), at(path, "path"), detail));
            }
            if !at(path, "backend.service").is_object() && !at(path, "backend.resource").is_object()
            {
                causes.push(Cause::required(format!("{place}.backend"), ""));
            }
        }
    }
}

pub(super) fn network_policy(object: &Value, causes: &mut Vec<Cause>) {
    for (index, kind) in items(object, "spec.policyTypes").iter().enumerate() {
        if kind != "Ingress" && kind != "Egress" {
            let path = format!("spec.policyTypes[{index}]");
            causes.push(Cause::unsupported(path, kind, &["Egress", "Ingress"]));
        }
    }
}

pub(super) fn rbac(kind: &str, object: &Value, causes: &mut Vec<Cause>) {
    if kind.ends_with("Role") {
        for (index, rule) in items(object, "rules").iter().enumerate() {
            let path = format!("rules[{index}]");
            if items(rule, "verbs").is_empty() {
                let detail = "verbs must contain at least one value";
                causes.push(Cause::required(format!("{path}.verbs"), detail));
            }
            if !items(rule, "nonResourceURLs").is_empty() {
                continue;
            }
            for (field, detail) in [
                ("apiGroups", "resource rules must supply at least one api group"),
                ("resources", "resource rules must supply at least one resource"),
            ] {
                if items(rule, field).is_empty() {
                    causes.push(Cause::required(format!("{path}.{field}"), detail));
                }
            }
        }
        return;
    }
    let role = at(object, "roleRef.kind");
    let allowed: &[&str] =
        if kind == "RoleBinding" { &["ClusterRole", "Role"] } else { &["ClusterRole"] };
    if !allowed.iter().any(|it| role == it) {
        causes.push(Cause::unsupported("roleRef.kind", role, allowed));
    }
    if text(object, "roleRef.name").is_empty() {
        causes.push(Cause::required("roleRef.name", ""));
    }
    for (index, subject) in items(object, "subjects").iter().enumerate() {
        let path = format!("subjects[{index}]");
        let kind = text(subject, "kind");
        if !matches!(kind, "ServiceAccount" | "User" | "Group") {
            let allowed = &["Group", "ServiceAccount", "User"];
            causes.push(Cause::unsupported(format!("{path}.kind"), at(subject, "kind"), allowed));
        }
        if kind == "ServiceAccount" && text(subject, "namespace").is_empty() {
            causes.push(Cause::required(format!("{path}.namespace"), ""));
        }
        if text(subject, "name").is_empty() {
            causes.push(Cause::required(format!("{path}.name"), ""));
        }
    }
}

pub(super) fn storage_class(object: &Value, causes: &mut Vec<Cause>) {
    if text(object, "provisioner").is_empty() {
        causes.push(Cause::required("provisioner", ""));
    }
}
