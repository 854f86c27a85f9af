//! What the API has: groups, versions, kinds.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::kinds::Kind;

/// `/version`.
pub(super) fn version(version: &str) -> Value {
    let mut numbers = version.trim_start_matches('v').split('.');
    let (major, minor) = (numbers.next().unwrap_or("1"), numbers.next().unwrap_or("33"));
    json!({
        "major": major, "minor": minor, "gitVersion": version, "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z", "goVersion": "go1.24", "compiler": "gc", "platform": "linux/amd64",
    })
}

/// `/api`, `/apis`, `/api/v1`, `/apis/apps`, `/apis/apps/v1`.
pub(super) fn discover(path: &str, kinds: &[Arc<Kind>]) -> Option<Value> {
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        ["api"] => Some(json!({
            "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1:6443"}],
        })),
        ["apis"] => {
            let names = groups(kinds);
            let groups: Vec<_> = names.iter().map(|name| group(name, kinds)).collect();
            Some(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
        }
        ["api", version] => resources("", version, kinds),
        ["apis", name] if groups(kinds).iter().any(|it| it == name) => {
            let mut group = group(name, kinds);
            group["kind"] = json!("APIGroup");
            group["apiVersion"] = json!("v1");
            Some(group)
        }
        ["apis", name, version] => resources(name, version, kinds),
        _ => None,
    }
}

fn groups(kinds: &[Arc<Kind>]) -> Vec<String> {
    let mut names = Vec::new();
    for kind in kinds.iter().filter(|kind| !kind.group.is_empty()) {
        if !names.contains(&kind.group) {
            names.push(kind.group.clone());
        }
    }
    names
}

fn group(name: &str, kinds: &[Arc<Kind>]) -> Value {
    let mut versions: Vec<&str> = Vec::new();
    for kind in kinds.iter().filter(|kind| kind.group == name) {
        if !versions.contains(&kind.version.as_str()) {
            versions.push(&kind.version);
        }
    }
    let version = |it: &str| json!({"groupVersion": format!("{name}/{it}"), "version": it});
    let all: Vec<_> = versions.iter().map(|it| version(it)).collect();
    json!({"name": name, "versions": all, "preferredVersion": all.first()})
}

fn resources(group: &str, version: &str, kinds: &[Arc<Kind>]) -> Option<Value> {
    let mine: Vec<_> =
        kinds.iter().filter(|kind| kind.group == group && kind.version == version).collect();
    let first = mine.first()?;
    let mut list = Vec::new();
    for kind in &mine {
        let mut resource = json!({
            "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced,
            "kind": kind.kind, "storageVersionHash": "",
            "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
        });
        crate::json::remove(&mut resource, "storageVersionHash");
        if !kind.short.is_empty() {
            resource["shortNames"] = json!(kind.short);
        }
        if !kind.categories.is_empty() {
            resource["categories"] = json!(kind.categories);
        }
        list.push(resource);
        let mut under = |name: &str, of: (&str, &str, &str), verbs: &[&str]| {
            let mut resource = json!({
                "name": format!("{}/{name}", kind.plural), "singularName": "", "namespaced": kind.namespaced,
                "kind": of.2, "verbs": verbs,
            });
            if !of.1.is_empty() {
                resource["group"] = json!(of.0);
                resource["version"] = json!(of.1);
            }
            list.push(resource);
        };
        let change = &["get", "patch", "update"];
        if kind.status {
            under("status", ("", "", &kind.kind), change);
        }
        if kind.scale {
            under("scale", ("autoscaling", "v1", "Scale"), change);
        }
        if kind.is("", "Pod") {
            under("log", ("", "", "Pod"), &["get"]);
            under("eviction", ("policy", "v1", "Eviction"), &["create"]);
        }
        if kind.is("", "ServiceAccount") {
            under("token", ("authentication.k8s.io", "v1", "TokenRequest"), &["create"]);
        }
        if kind.is("", "Namespace") {
            under("finalize", ("", "", "Namespace"), &["update"]);
        }
    }
    Some(json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": first.api_version(), "resources": list,
    }))
}
