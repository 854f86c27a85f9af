//! `as=Table`: what `kubectl get` prints.

use serde_json::{Value, json};

use crate::json::{at, entries, int, items, name, text};
use crate::kinds::Kind;
use crate::time::parse;

/// Objects as rows.
pub(super) fn table(kind: &Kind, objects: &[Value], metadata: &Value, now: i64) -> Value {
    let printer = columns(kind);
    let mut definitions = vec![column("Name", 0)];
    definitions.extend(printer.iter().map(|(name, _)| column(name, 0)));
    definitions.push(column("Age", 0));
    let rows: Vec<_> = objects
        .iter()
        .map(|object| {
            let mut cells = vec![json!(name(object))];
            cells.extend(printer.iter().map(|(_, cell)| cell(object)));
            cells.push(json!(age(object, now)));
            let object = json!({
                "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
                "metadata": at(object, "metadata"),
            });
            json!({"cells": cells, "object": object})
        })
        .collect();
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
        "columnDefinitions": definitions, "rows": rows,
    })
}

fn column(name: &str, priority: i32) -> Value {
    let format = if name == "Name" { "name" } else { "" };
    json!({"name": name, "type": "string", "format": format, "description": "", "priority": priority})
}

fn age(object: &Value, now: i64) -> String {
    let Some(made) = parse(text(object, "metadata.creationTimestamp")) else {
        return "<unknown>".to_owned();
    };
    match (now - made).max(0) / 1000 {
        seconds @ 0..120 => format!("{seconds}s"),
        seconds @ 120..7200 => format!("{}m", seconds / 60),
        seconds @ 7200..172_800 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

type Cell = fn(&Value) -> Value;

#[expect(clippy::too_many_lines, reason = "a table")]
fn columns(kind: &Kind) -> Vec<(&'static str, Cell)> {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Pod") => vec![
            ("Ready", |it| {
                let all = items(it, "status.containerStatuses");
                let ready = all.iter().filter(|it| it["ready"] == true).count();
                json!(format!("{ready}/{}", items(it, "spec.containers").len()))
            }),
            ("Status", |it| json!(pod_status(it))),
            ("Restarts", |it| {
                let all = items(it, "status.containerStatuses").iter();
                json!(all.filter_map(|it| int(it, "restartCount")).sum::<i64>().to_string())
            }),
        ],
        ("apps", "Deployment") => vec![
            ("Ready", |it| {
                json!(format!(
                    "{}/{}",
                    number(it, "status.readyReplicas"),
                    number(it, "spec.replicas")
                ))
            }),
            ("Up-to-date", |it| json!(number(it, "status.updatedReplicas"))),
            ("Available", |it| json!(number(it, "status.availableReplicas"))),
        ],
        ("apps", "ReplicaSet") => vec![
            ("Desired", |it| json!(number(it, "spec.replicas"))),
            ("Current", |it| json!(number(it, "status.replicas"))),
            ("Ready", |it| json!(number(it, "status.readyReplicas"))),
        ],
        ("apps", "StatefulSet") => vec![("Ready", |it| {
            json!(format!("{}/{}", number(it, "status.readyReplicas"), number(it, "spec.replicas")))
        })],
        ("apps", "DaemonSet") => vec![
            ("Desired", |it| json!(number(it, "status.desiredNumberScheduled"))),
            ("Current", |it| json!(number(it, "status.currentNumberScheduled"))),
            ("Ready", |it| json!(number(it, "status.numberReady"))),
        ],
        ("batch", "Job") => vec![
            ("Status", |it| {
                let is = |kind: &str| condition(it, kind) == "True";
                json!(if is("Complete") {
                    "Complete"
                } else if is("Failed") {
                    "Failed"
                } else {
                    "Running"
                })
            }),
            ("Completions", |it| {
                json!(format!(
                    "{}/{}",
                    number(it, "status.succeeded"),
                    number(it, "spec.completions")
                ))
            }),
        ],
        ("batch", "CronJob") => vec![
            ("Schedule", |it| at(it, "spec.schedule").clone()),
            ("Suspend", |it| json!(at(it, "spec.suspend").to_string())),
            ("Active", |it| json!(items(it, "status.active").len().to_string())),
        ],
        ("", "Service") => vec![
            ("Type", |it| at(it, "spec.type").clone()),
            ("Cluster-IP", |it| json!(or_none(text(it, "spec.clusterIP")))),
            ("External-IP", |it| {
                let all = items(it, "status.loadBalancer.ingress").iter();
                let all: Vec<_> = all.map(|it| text(it, "hostname")).collect();
                let pending = text(it, "spec.type") == "LoadBalancer" && all.is_empty();
                json!(if pending { "<pending>".to_owned() } else { or_none(&all.join(",")) })
            }),
            ("Port(s)", |it| {
                let all = items(it, "spec.ports").iter().map(|port| match int(port, "nodePort") {
                    Some(node) => {
                        format!("{}:{node}/{}", number(port, "port"), text(port, "protocol"))
                    }
                    None => format!("{}/{}", number(port, "port"), text(port, "protocol")),
                });
                json!(or_none(&all.collect::<Vec<_>>().join(",")))
            }),
        ],
        ("", "Namespace") => vec![("Status", |it| at(it, "status.phase").clone())],
        ("", "Node") => vec![
            ("Status", |it| {
                let ready = if condition(it, "Ready") == "True" { "Ready" } else { "NotReady" };
                let cordoned = it["spec"]["unschedulable"] == true;
                json!(if cordoned {
                    format!("{ready},SchedulingDisabled")
                } else {
                    ready.to_owned()
                })
            }),
            ("Roles", |_| json!("<none>")),
            ("Version", |it| at(it, "status.nodeInfo.kubeletVersion").clone()),
        ],
        ("", "ConfigMap") => vec![("Data", |it| json!(entries(it, "data").count().to_string()))],
        ("", "Secret") => vec![
            ("Type", |it| at(it, "type").clone()),
            ("Data", |it| json!(entries(it, "data").count().to_string())),
        ],
        ("", "PersistentVolumeClaim") => vec![
            ("Status", |it| at(it, "status.phase").clone()),
            ("Volume", |it| json!(text(it, "spec.volumeName"))),
            ("Capacity", |it| json!(text(it, "status.capacity.storage"))),
            ("StorageClass", |it| json!(text(it, "spec.storageClassName"))),
        ],
        ("", "Event") => vec![
            ("Type", |it| at(it, "type").clone()),
            ("Reason", |it| at(it, "reason").clone()),
            ("Object", |it| {
                let kind = text(it, "involvedObject.kind").to_lowercase();
                json!(format!("{kind}/{}", text(it, "involvedObject.name")))
            }),
            ("Message", |it| at(it, "message").clone()),
        ],
        ("policy", "PodDisruptionBudget") => vec![
            ("Min Available", |it| json!(shown(at(it, "spec.minAvailable")))),
            ("Max Unavailable", |it| json!(shown(at(it, "spec.maxUnavailable")))),
            ("Allowed Disruptions", |it| json!(number(it, "status.disruptionsAllowed"))),
        ],
        ("autoscaling", _) => vec![
            ("Reference", |it| {
                json!(format!(
                    "{}/{}",
                    text(it, "spec.scaleTargetRef.kind"),
                    text(it, "spec.scaleTargetRef.name")
                ))
            }),
            ("MinPods", |it| json!(number(it, "spec.minReplicas"))),
            ("MaxPods", |it| json!(number(it, "spec.maxReplicas"))),
            ("Replicas", |it| json!(number(it, "status.currentReplicas"))),
        ],
        ("networking.k8s.io", "Ingress") => vec![
            ("Class", |it| json!(or_none(text(it, "spec.ingressClassName")))),
            ("Hosts", |it| {
                let all: Vec<_> =
                    items(it, "spec.rules").iter().map(|it| text(it, "host")).collect();
                json!(if all.is_empty() { "*".to_owned() } else { all.join(",") })
            }),
            ("Address", |it| {
                let all: Vec<_> = items(it, "status.loadBalancer.ingress")
                    .iter()
                    .map(|it| text(it, "hostname"))
                    .collect();
                json!(all.join(","))
            }),
        ],
        _ => Vec::new(),
    }
}

fn number(object: &Value, path: &str) -> String {
    int(object, path).unwrap_or(0).to_string()
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "<none>".to_owned() } else { text.to_owned() }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "N/A".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn condition<'a>(object: &'a Value, kind: &str) -> &'a str {
    let mut all = items(object, "status.conditions").iter();
    all.find(|it| it["type"] == kind).map_or("", |it| text(it, "status"))
}

/// What is the matter with a pod, in one word.
fn pod_status(pod: &Value) -> String {
    if at(pod, "metadata.deletionTimestamp").is_string() {
        return "Terminating".to_owned();
    }
    let all = items(pod, "status.containerStatuses").iter();
    for status in all.chain(items(pod, "status.initContainerStatuses")) {
        let waiting = text(status, "state.waiting.reason");
        if !waiting.is_empty() && waiting != "PodInitializing" {
            return waiting.to_owned();
        }
        let ended = text(status, "state.terminated.reason");
        if ended == "Error" {
            return ended.to_owned();
        }
    }
    match text(pod, "status.phase") {
        "Succeeded" => "Completed".to_owned(),
        phase => phase.to_owned(),
    }
}
