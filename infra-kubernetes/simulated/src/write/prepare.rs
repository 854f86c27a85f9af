//! What the API itself puts into an object, beyond defaults: addresses, selectors, owners.

use std::sync::Arc;

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::options::Write;
use super::quota;
use crate::failure::{Failure, Outcome};
use crate::json::{self, at, int, items, items_mut, object_at, put, put_new, remove, text};
use crate::kinds::Kind;
use crate::store::Store;

/// What must be known before defaults are filled in.
pub(super) fn before_defaults(kind: &Kind, old: Option<&Value>, object: &mut Value) {
    if !kind.is("", "Service") {
        return;
    }
    let Some(old) = old else { return };
    let external = text(object, "spec.type") == "ExternalName";
    if external {
        return;
    }
    // An address that is not said stays.
    for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort"]
    {
        let path = format!("spec.{field}");
        if at(object, &path).is_null() && !at(old, &path).is_null() {
            put(object, &path, at(old, &path).clone());
        }
    }
    let before = items(old, "spec.ports").to_vec();
    let kept = matches!(text(object, "spec.type"), "NodePort" | "LoadBalancer");
    for port in items_mut(object, "spec.ports") {
        let same =
            |it: &&Value| it["port"] == port["port"] && text(it, "protocol") == protocol(port);
        if kept
            && at(port, "nodePort").is_null()
            && let Some(number) = before.iter().find(same).and_then(|it| it.get("nodePort"))
        {
            put(port, "nodePort", number.clone());
        }
    }
}

fn protocol(port: &Value) -> &str {
    match text(port, "protocol") {
        "" => "TCP",
        given => given,
    }
}

/// Of an object that is made.
pub(super) fn for_create(write: &mut Write<'_>, object: &mut Value) -> Outcome<()> {
    let kind = Arc::clone(&write.kind);
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Namespace") => put(object, "spec.finalizers", json!(["kubernetes"])),
        ("", "Service") => allocate(write.store, object),
        ("", "Pod") => {
            admit_pod(write, object)?;
            quota::limit(write, object)?;
        }
        ("", "PersistentVolumeClaim") => {
            add_finalizer(object, "kubernetes.io/pvc-protection");
            if at(object, "spec.storageClassName").is_null()
                && let Some(class) = default_class(write.store)
            {
                put(object, "spec.storageClassName", class);
            }
        }
        ("", "PersistentVolume") => add_finalizer(object, "kubernetes.io/pv-protection"),
        ("batch", "Job") => job_selector(object),
        _ => {}
    }
    Ok(())
}

/// Of an object that is changed.
pub(super) fn for_update(write: &mut Write<'_>, old: &Value, object: &mut Value) -> Outcome<()> {
    let kind = Arc::clone(&write.kind);
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Service") => {
            if text(object, "spec.type") == "ExternalName"
                && text(old, "spec.type") != "ExternalName"
            {
                for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
                    remove(object, &format!("spec.{field}"));
                }
            }
            drop_dependents(old, object);
            allocate(write.store, object);
        }
        ("", "Namespace") if at(object, "spec.finalizers").is_null() => {
            let finalizers = at(old, "spec.finalizers").clone();
            if !finalizers.is_null() {
                put(object, "spec.finalizers", finalizers);
            }
        }
        ("", "PersistentVolumeClaim") => {
            for field in ["storageClassName", "volumeName"] {
                let path = format!("spec.{field}");
                if at(object, &path).is_null() && !at(old, &path).is_null() {
                    put(object, &path, at(old, &path).clone());
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// What only the old type of a service had goes with it, where nobody set it anew.
fn drop_dependents(old: &Value, object: &mut Value) {
    let exposed = |it: &Value| matches!(text(it, "spec.type"), "NodePort" | "LoadBalancer");
    let balanced = |it: &Value| text(it, "spec.type") == "LoadBalancer";
    let mut gone = Vec::new();
    if exposed(old) && !exposed(object) {
        gone.extend(["externalTrafficPolicy", "healthCheckNodePort"]);
        let before: Vec<_> =
            items(old, "spec.ports").iter().map(|port| at(port, "nodePort").clone()).collect();
        for port in items_mut(object, "spec.ports") {
            if before.contains(at(port, "nodePort")) {
                remove(port, "nodePort");
            }
        }
    }
    if balanced(old) && !balanced(object) {
        gone.extend(["allocateLoadBalancerNodePorts", "loadBalancerClass"]);
    }
    if !balanced(object) {
        put(object, "status.loadBalancer", json!({}));
    }
    for field in gone {
        let path = format!("spec.{field}");
        if at(old, &path) == at(object, &path) {
            remove(object, &path);
        }
    }
}

fn add_finalizer(object: &mut Value, name: &str) {
    let mut all = items(object, "metadata.finalizers").to_vec();
    if !all.contains(&json!(name)) {
        all.push(json!(name));
        put(object, "metadata.finalizers", all);
    }
}

fn default_class(store: &Store) -> Option<String> {
    let mut classes = store.all("storageclasses.storage.k8s.io").map(|(_, record)| &record.object);
    let default = "storageclass.kubernetes.io/is-default-class";
    let found = classes.find(|it| at(it, "metadata.annotations")[default] == "true")?;
    Some(json::name(found).to_owned())
}

/// Addresses and ports of a service.
fn allocate(store: &Store, object: &mut Value) {
    if text(object, "spec.type") == "ExternalName" {
        return;
    }
    if text(object, "spec.clusterIP").is_empty() {
        let first = items(object, "spec.clusterIPs").first().and_then(Value::as_str);
        let address = first.map_or_else(|| allocate_cluster_ip(store), str::to_owned);
        put(object, "spec.clusterIP", address);
    }
    let address = at(object, "spec.clusterIP").clone();
    put_new(object, "spec.clusterIPs", json!([address]));
    put_new(object, "spec.ipFamilies", json!(["IPv4"]));
    put_new(object, "spec.ipFamilyPolicy", "SingleStack");
    let given = at(object, "spec.allocateLoadBalancerNodePorts") != &json!(false);
    let exposed = match text(object, "spec.type") {
        "NodePort" => true,
        "LoadBalancer" => given,
        _ => false,
    };
    if exposed {
        let mut taken = node_ports(store);
        taken.extend(items(object, "spec.ports").iter().filter_map(|port| int(port, "nodePort")));
        for port in items_mut(object, "spec.ports") {
            if at(port, "nodePort").is_null() {
                let free = (30000..=32767).find(|number| !taken.contains(number)).unwrap_or(30000);
                taken.push(free);
                put(port, "nodePort", free);
            }
        }
    }
    if text(object, "spec.externalTrafficPolicy") == "Local"
        && text(object, "spec.type") == "LoadBalancer"
    {
        let taken = node_ports(store);
        let free = (30000..=32767).rev().find(|number| !taken.contains(number)).unwrap_or(32767);
        put_new(object, "spec.healthCheckNodePort", free);
    }
}

fn node_ports(store: &Store) -> Vec<i64> {
    let services = store.all("services").map(|(_, record)| &record.object);
    services
        .flat_map(|it| items(it, "spec.ports").iter().filter_map(|port| int(port, "nodePort")))
        .collect()
}

/// An address of `10.100.0.0/16` that no service has.
fn allocate_cluster_ip(store: &Store) -> String {
    let services = store.all("services").map(|(_, record)| &record.object);
    let taken: Vec<_> = services.map(|it| text(it, "spec.clusterIP").to_owned()).collect();
    let first = u32::from(Ipv4Addr::new(10, 100, 0, 16));
    let mut free = (first..first + 60_000).map(|it| Ipv4Addr::from(it).to_string());
    free.find(|it| !taken.contains(it)).unwrap_or_default()
}

/// A pod runs as a service account, which must be there, and in a class of priority.
fn admit_pod(write: &Write<'_>, object: &mut Value) -> Outcome<()> {
    put_new(object, "spec.serviceAccountName", "default");
    let account = text(object, "spec.serviceAccountName").to_owned();
    put(object, "spec.serviceAccount", account.clone());
    let namespace = &write.namespace;
    if write.store.get("serviceaccounts", namespace, &account).is_none() {
        let why = format!(
            "error looking up service account {namespace}/{account}: serviceaccount {account:?} not found"
        );
        return Err(Failure::forbidden(&write.kind, json::name(object), &why));
    }
    let class = text(object, "spec.priorityClassName").to_owned();
    let found = write.store.get("priorityclasses.scheduling.k8s.io", "", &class);
    match found {
        Some(found) => {
            let (value, preemption) =
                (at(found, "value").clone(), at(found, "preemptionPolicy").clone());
            put(object, "spec.priority", value);
            put_new(object, "spec.preemptionPolicy", preemption);
        }
        None if !class.is_empty() => {
            let why = format!("no PriorityClass with name {class} was found");
            return Err(Failure::forbidden(&write.kind, json::name(object), &why));
        }
        None => {
            put_new(object, "spec.priority", 0);
            put_new(object, "spec.preemptionPolicy", "PreemptLowerPriority");
        }
    }
    let mut tolerations = items(object, "spec.tolerations").to_vec();
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        if !tolerations.iter().any(|it| it["key"] == key) {
            tolerations.push(json!({
                "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300,
            }));
        }
    }
    put(object, "spec.tolerations", tolerations);
    Ok(())
}

/// A job finds its pods by its own uid.
fn job_selector(object: &mut Value) {
    if at(object, "spec.manualSelector") == &json!(true) {
        return;
    }
    let (uid, name) = (json::uid(object).to_owned(), json::name(object).to_owned());
    let labels = object_at(object, "spec.template.metadata.labels");
    labels.insert("controller-uid".to_owned(), json!(uid));
    labels.insert("job-name".to_owned(), json!(name));
    labels.insert("batch.kubernetes.io/controller-uid".to_owned(), json!(uid));
    labels.insert("batch.kubernetes.io/job-name".to_owned(), json!(name));
    put(
        object,
        "spec.selector",
        json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}),
    );
}
