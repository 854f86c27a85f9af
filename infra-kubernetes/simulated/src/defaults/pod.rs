//! Pods, and templates of pods.

use serde_json::{Value, json};

use crate::json::{at, items_mut, put, put_new, text};

/// A pod itself.
pub(super) fn pod(object: &mut Value) {
    template_spec(object, "spec");
    put_new(object, "spec.enableServiceLinks", true);
    for list in ["spec.containers", "spec.initContainers"] {
        for container in items_mut(object, list) {
            let limits = at(container, "resources.limits").clone();
            for (resource, limit) in limits.as_object().into_iter().flatten() {
                let requests = crate::json::object_at(container, "resources.requests");
                requests.entry(resource).or_insert(limit.clone());
            }
        }
    }
    put_new(object, "status.phase", "Pending");
}

/// The template in a workload.
pub(super) fn template(object: &mut Value, path: &str) {
    if at(object, path).is_object() {
        template_spec(object, &format!("{path}.spec"));
    }
}

fn template_spec(object: &mut Value, path: &str) {
    let mut spec = at(object, path).clone();
    if !spec.is_object() {
        return;
    }
    put_new(&mut spec, "dnsPolicy", "ClusterFirst");
    put_new(&mut spec, "restartPolicy", "Always");
    put_new(&mut spec, "securityContext", json!({}));
    put_new(&mut spec, "terminationGracePeriodSeconds", 30);
    put_new(&mut spec, "schedulerName", "default-scheduler");
    // The old name is kept equal to the new one.
    let account = match text(&spec, "serviceAccountName") {
        "" => text(&spec, "serviceAccount").to_owned(),
        name => name.to_owned(),
    };
    if !account.is_empty() {
        put(&mut spec, "serviceAccountName", account.clone());
        put(&mut spec, "serviceAccount", account);
    }
    let host_network = spec["hostNetwork"] == true;
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        for it in items_mut(&mut spec, list) {
            container(it, host_network);
        }
    }
    items_mut(&mut spec, "volumes").for_each(volume);
    put(object, path, spec);
}

fn container(it: &mut Value, host_network: bool) {
    let policy = pull_policy(text(it, "image"));
    put_new(it, "imagePullPolicy", policy);
    put_new(it, "terminationMessagePath", "/dev/termination-log");
    put_new(it, "terminationMessagePolicy", "File");
    put_new(it, "resources", json!({}));
    for port in items_mut(it, "ports") {
        put_new(port, "protocol", "TCP");
        if host_network {
            let number = at(port, "containerPort").clone();
            put_new(port, "hostPort", number);
        }
    }
    for env in items_mut(it, "env") {
        if at(env, "valueFrom.fieldRef").is_object() {
            put_new(env, "valueFrom.fieldRef.apiVersion", "v1");
        }
        if at(env, "valueFrom.resourceFieldRef").is_object() {
            put_new(env, "valueFrom.resourceFieldRef.divisor", "0");
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if !at(it, probe).is_object() {
            continue;
        }
        put_new(it, &format!("{probe}.timeoutSeconds"), 1);
        put_new(it, &format!("{probe}.periodSeconds"), 10);
        put_new(it, &format!("{probe}.successThreshold"), 1);
        put_new(it, &format!("{probe}.failureThreshold"), 3);
        if at(it, &format!("{probe}.grpc")).is_object() {
            put_new(it, &format!("{probe}.grpc.service"), "");
        }
        http_get(it, probe);
    }
    http_get(it, "lifecycle.postStart");
    http_get(it, "lifecycle.preStop");
}

fn http_get(it: &mut Value, path: &str) {
    if at(it, &format!("{path}.httpGet")).is_object() {
        put_new(it, &format!("{path}.httpGet.path"), "/");
        put_new(it, &format!("{path}.httpGet.scheme"), "HTTP");
    }
}

/// What is named by `latest` is pulled always, all else once.
fn pull_policy(image: &str) -> &'static str {
    let name = image.rsplit('/').next().unwrap_or_default();
    if image.contains('@') {
        return "IfNotPresent";
    }
    match name.split_once(':') {
        Some((_, tag)) if tag != "latest" => "IfNotPresent",
        _ => "Always",
    }
}

fn volume(it: &mut Value) {
    if it.as_object().is_some_and(|fields| fields.len() == 1 && fields.contains_key("name")) {
        put(it, "emptyDir", json!({}));
    }
    for source in ["secret", "configMap", "projected", "downwardAPI"] {
        if at(it, source).is_object() {
            put_new(it, &format!("{source}.defaultMode"), 420);
        }
    }
    if at(it, "hostPath").is_object() {
        put_new(it, "hostPath.type", "");
    }
    if at(it, "ephemeral.volumeClaimTemplate.spec").is_object() {
        put_new(it, "ephemeral.volumeClaimTemplate.spec.volumeMode", "Filesystem");
    }
    for item in items_mut(it, "downwardAPI.items") {
        field_ref(item);
    }
    for source in items_mut(it, "projected.sources") {
        if at(source, "serviceAccountToken").is_object() {
            put_new(source, "serviceAccountToken.expirationSeconds", 3600);
        }
        items_mut(source, "downwardAPI.items").for_each(field_ref);
    }
}

fn field_ref(item: &mut Value) {
    if at(item, "fieldRef").is_object() {
        put_new(item, "fieldRef.apiVersion", "v1");
    }
}

#[cfg(test)]
mod tests {
    use super::pull_policy;

    #[test]
    fn what_may_move_is_pulled_always() {
        for (image, policy) in [
            ("nginx", "Always"),
            ("nginx:latest", "Always"),
            ("nginx:1.27", "IfNotPresent"),
            ("host:5000/nginx", "Always"),
            ("host:5000/nginx:1", "IfNotPresent"),
            ("nginx@sha256:00", "IfNotPresent"),
        ] {
            assert_eq!(pull_policy(image), policy, "{image}");
        }
    }
}
