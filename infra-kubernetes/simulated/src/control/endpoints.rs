//! Endpoints: the pods behind a service.

use std::sync::Arc;

use serde_json::{Value, json};

use super::cx::{Control, ending, owner};
use super::pods::{is_over, is_ready};
use crate::json::{self, at, items, put, text};
use crate::store::Notes;
use crate::time::stamp;
use crate::validate::matches;

const TABLE: &str = "endpointslices.discovery.k8s.io";

pub(super) fn run(cx: &mut Control<'_>) {
    for service in cx.all("services") {
        let selector = at(&service, "spec.selector");
        if !ending(&service)
            && selector.is_object()
            && text(&service, "spec.type") != "ExternalName"
        {
            let namespace = json::namespace(&service);
            let pods = cx.store.rest.of_space("pods", namespace);
            let version = pods.max(cx.of_owned(&service)).max(cx.store.rest.of_tables(&["nodes"]));
            let selector = json!({"matchLabels": selector});
            cx.attend("endpoints", &service, version, |cx| slice(cx, &service, &selector));
        }
    }
}

fn slice(cx: &mut Control<'_>, service: &Arc<Value>, selector: &Value) {
    let namespace = json::namespace(service);
    let mut pods = cx.within("pods", namespace);
    pods.retain(|pod| matches(selector, at(pod, "metadata.labels")) && !is_over(pod));
    pods.retain(|pod| !text(pod, "status.podIP").is_empty());
    let ready_too = json::flag(service, "spec.publishNotReadyAddresses");
    let endpoints: Vec<_> = pods.iter().map(|pod| {
        let node = cx.get("nodes", "", text(pod, "spec.nodeName"));
        let zone = node.map(|it| at(&it, "metadata.labels")["topology.kubernetes.io/zone"].clone());
        let ready = is_ready(pod) && !ending(pod) || ready_too;
        json!({
            "addresses": [text(pod, "status.podIP")],
            "conditions": {"ready": ready, "serving": is_ready(pod), "terminating": ending(pod)},
            "nodeName": text(pod, "spec.nodeName"), "zone": zone,
            "targetRef": {"kind": "Pod", "namespace": namespace, "name": json::name(pod), "uid": json::uid(pod)},
        })
    }).collect();
    let ports: Vec<_> = items(service, "spec.ports")
        .iter()
        .map(|port| {
            let number = match at(port, "targetPort") {
                Value::String(name) => {
                    pods.first().and_then(|pod| named(pod, name)).unwrap_or(Value::Null)
                }
                number => number.clone(),
            };
            json!({"name": text(port, "name"), "port": number, "protocol": text(port, "protocol")})
        })
        .collect();
    let found = cx.owned(TABLE, service).into_iter().next();
    if let Some(found) = found {
        if at(&found, "endpoints") != &json!(endpoints) || at(&found, "ports") != &json!(ports) {
            cx.change(TABLE, &found, "", |it| {
                put(it, "endpoints", endpoints);
                put(it, "ports", ports);
            });
        }
        return;
    }
    let name = format!("{}-{}", json::name(service), crate::write::suffix(5));
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {
            "name": name, "namespace": namespace, "uid": uuid::Uuid::new_v4().to_string(),
            "generateName": format!("{}-", json::name(service)), "creationTimestamp": stamp(cx.now), "generation": 1,
            "labels": {
                "kubernetes.io/service-name": json::name(service),
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            },
            "ownerReferences": [owner("Service", "v1", service)],
        },
        "endpoints": endpoints, "ports": ports,
    });
    cx.store.put(TABLE, slice, Notes::new());
}

/// The number of a port that a pod names.
fn named(pod: &Value, name: &str) -> Option<Value> {
    let ports = items(pod, "spec.containers").iter().flat_map(|it| items(it, "ports"));
    let mut found = ports.filter(|port| text(port, "name") == name);
    found.next().map(|port| at(port, "containerPort").clone())
}
