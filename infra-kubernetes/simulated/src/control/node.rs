//! Nodes, and what a new cluster has of itself.

use std::sync::Arc;

use serde_json::{Value, json};

use super::cx::{Control, ending};
use crate::json::{self, at, items, put, text};
use crate::settings::Settings;
use crate::store::{Notes, Store};
use crate::time::stamp;

const UNREACHABLE: &str = "node.kubernetes.io/unreachable";

/// Fills a new cluster.
pub(crate) fn begin(store: &mut Store, settings: &Settings, now: i64) {
    let time = stamp(now);
    let mut own = |table: &str, mut object: Value| {
        put(&mut object, "metadata.uid", uuid::Uuid::new_v4().to_string());
        put(&mut object, "metadata.creationTimestamp", time.clone());
        store.put(table, object, Notes::from([("own".to_owned(), 1), ("created".to_owned(), now)]));
    };
    for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
        own(
            "namespaces",
            json!({
                "apiVersion": "v1", "kind": "Namespace",
                "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
                "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"},
            }),
        );
    }
    own(
        "services",
        json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "kubernetes", "namespace": "default", "labels": {"component": "apiserver", "provider": "kubernetes"}},
            "spec": {
                "clusterIP": "10.100.0.1", "clusterIPs": ["10.100.0.1"], "type": "ClusterIP",
                "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}],
                "sessionAffinity": "None", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
                "internalTrafficPolicy": "Cluster",
            },
            "status": {"loadBalancer": {}},
        }),
    );
    for (name, value) in
        [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)]
    {
        own(
            "priorityclasses.scheduling.k8s.io",
            json!({
                "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name, "generation": 1},
                "value": value, "preemptionPolicy": "PreemptLowerPriority",
            }),
        );
    }
    for name in ["cluster-admin", "admin", "edit", "view"] {
        own(
            "clusterroles.rbac.authorization.k8s.io",
            json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name},
                "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": if name == "view" { json!(["get", "list", "watch"]) } else { json!(["*"]) }}],
            }),
        );
    }
    own(
        "storageclasses.storage.k8s.io",
        json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
            "metadata": {"name": "gp3", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
            "provisioner": "ebs.csi.aws.com", "reclaimPolicy": "Delete", "allowVolumeExpansion": true,
            "volumeBindingMode": "WaitForFirstConsumer", "parameters": {"type": "gp3"},
        }),
    );
    for (number, name, zone) in names(settings) {
        own("nodes", node(settings, number, &name, &zone, &time));
    }
}

/// The nodes that the cluster is made with: number, name, zone.
fn names(settings: &Settings) -> Vec<(usize, String, String)> {
    let zones = settings.zones.len();
    let all = (0..zones * settings.nodes_per_zone).map(|number| {
        let zone = settings.zones[number % zones].clone();
        let name = format!(
            "ip-10-0-{}-{}.{}.compute.internal",
            number % zones,
            10 + number / zones,
            settings.region
        );
        (number, name, zone)
    });
    all.collect()
}

fn node(settings: &Settings, number: usize, name: &str, zone: &str, time: &str) -> Value {
    let capacity =
        json!({"cpu": "8", "memory": "32Gi", "pods": "110", "ephemeral-storage": "100Gi"});
    let condition = |kind: &str, is: &str, reason: &str, message: &str| {
        json!({
            "type": kind, "status": is, "reason": reason, "message": message,
            "lastHeartbeatTime": time, "lastTransitionTime": time,
        })
    };
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "labels": {
            "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
            "topology.kubernetes.io/zone": zone, "topology.kubernetes.io/region": settings.region,
            "node.kubernetes.io/instance-type": settings.instance_type,
        }},
        "spec": {"providerID": format!("aws:///{zone}/i-{number:017x}")},
        "status": {
            "capacity": capacity, "allocatable": capacity,
            "conditions": [
                condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
                condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
                condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
                condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
            ],
            "addresses": [
                {"type": "InternalIP", "address": format!("10.0.{}.{}", number / 200, 10 + number % 200)},
                {"type": "Hostname", "address": name},
            ],
            "nodeInfo": {
                "kubeletVersion": settings.version, "kubeProxyVersion": settings.version,
                "osImage": "Amazon Linux 2023", "kernelVersion": "6.1", "containerRuntimeVersion": "containerd://2.0",
                "operatingSystem": "linux", "architecture": "amd64", "machineID": "", "systemUUID": "", "bootID": "",
            },
        },
    })
}

pub(super) fn run(cx: &mut Control<'_>) {
    for node in cx.all("nodes") {
        let zone = at(&node, "metadata.labels")["topology.kubernetes.io/zone"]
            .as_str()
            .unwrap_or_default();
        let lost = cx.rules.is_lost(zone, json::name(&node));
        if lost != is_lost(&node) {
            mark(cx, &node, lost);
        }
        if lost {
            evict(cx, &node);
        }
    }
    // A lost node's machine is gone at last, and its node with it; it comes back with its zone.
    for (number, name, zone) in names(cx.settings) {
        let lost = cx.rules.is_lost(&zone, &name);
        if !lost && cx.get("nodes", "", &name).is_none() && cx.rules.was_lost(&zone, &name) {
            let mut new = node(cx.settings, number, &name, &zone, &stamp(cx.now));
            put(&mut new, "metadata.uid", uuid::Uuid::new_v4().to_string());
            put(&mut new, "metadata.creationTimestamp", stamp(cx.now));
            cx.store.put("nodes", new, Notes::from([("own".to_owned(), 1)]));
        }
    }
    collect_pods(cx);
}

fn is_lost(node: &Value) -> bool {
    items(node, "spec.taints").iter().any(|it| it["key"] == UNREACHABLE)
}

/// The node controller's view: a node that does not answer is unknown, and tainted.
fn mark(cx: &mut Control<'_>, node: &Arc<Value>, lost: bool) {
    let now = stamp(cx.now);
    cx.change("nodes", node, "", |node| {
        let mut taints: Vec<_> = items(node, "spec.taints")
            .iter()
            .filter(|it| it["key"] != UNREACHABLE)
            .cloned()
            .collect();
        if lost {
            for effect in ["NoSchedule", "NoExecute"] {
                taints.push(json!({"key": UNREACHABLE, "effect": effect, "timeAdded": now}));
            }
        }
        if taints.is_empty() {
            json::remove(node, "spec.taints");
        } else {
            put(node, "spec.taints", taints);
        }
        for condition in json::items_mut(node, "status.conditions") {
            let ready = condition["type"] == "Ready";
            let (is, reason, message) = if lost {
                ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
            } else if ready {
                ("True", "KubeletReady", "kubelet is posting ready status")
            } else {
                ("False", "KubeletHasSufficient", "kubelet has enough")
            };
            condition["status"] = json!(is);
            condition["reason"] = json!(reason);
            condition["message"] = json!(message);
            condition["lastTransitionTime"] = json!(now);
        }
    });
    let at = cx.now;
    cx.note("nodes", node, "lost", lost.then_some(at));
}

/// Pods on a lost node are not ready any more, and after a while given up.
fn evict(cx: &mut Control<'_>, node: &Arc<Value>) {
    let since = cx.since("nodes", node, "lost");
    let patience = i64::try_from(cx.settings.eviction.as_millis()).unwrap_or(i64::MAX);
    if cx.due(since + patience) {
        for pod in on(cx, json::name(node)) {
            let message = format!("Node is not ready: {}", json::name(node));
            cx.event(&pod, "Warning", "NodeNotReady", &message, "node-controller");
            cx.delete("pods", &pod, "Background");
        }
    }
    if cx.due(since + 2 * patience + 1) {
        cx.store.remove("nodes", "", json::name(node));
    }
}

fn on(cx: &Control<'_>, node: &str) -> Vec<Arc<Value>> {
    let mut pods = cx.all("pods");
    pods.retain(|pod| text(pod, "spec.nodeName") == node);
    pods
}

/// Pods of a node that is no more are no more either.
fn collect_pods(cx: &mut Control<'_>) {
    for pod in cx.all("pods") {
        let node = text(&pod, "spec.nodeName");
        if node.is_empty() {
            continue;
        }
        let found = cx.get("nodes", "", node);
        // Nobody on a lost node confirms that a pod has ended; the cloud says that the machine is gone.
        if found.is_none_or(|it| is_lost(&it) && ending(&pod)) {
            cx.store.remove("pods", json::namespace(&pod), json::name(&pod));
        }
    }
}
