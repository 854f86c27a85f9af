//! Addresses from the cloud: of load balancers and ingresses.

use std::sync::Arc;

use serde_json::{Value, json};

use super::cx::{Control, ending};
use crate::json::{self, at, items, put, text};

const INGRESSES: &str = "ingresses.networking.k8s.io";

pub(super) fn run(cx: &mut Control<'_>) {
    for service in cx.all("services") {
        let class = text(&service, "spec.loadBalancerClass");
        if text(&service, "spec.type") == "LoadBalancer"
            && !ending(&service)
            && !class.contains("never")
        {
            attach(cx, "services", &service);
        } else if cx.noted("services", &service, "exposed").is_some() {
            cx.note("services", &service, "exposed", None);
        }
    }
    for ingress in cx.all(INGRESSES) {
        if !ending(&ingress) {
            attach(cx, INGRESSES, &ingress);
        }
    }
}

fn attach(cx: &mut Control<'_>, table: &str, object: &Arc<Value>) {
    if !items(object, "status.loadBalancer.ingress").is_empty() {
        return;
    }
    let since = cx.since(table, object, "exposed");
    let takes = i64::try_from(cx.settings.address.as_millis()).unwrap_or(0);
    if table == "services" {
        cx.event(
            object,
            "Normal",
            "EnsuringLoadBalancer",
            "Ensuring load balancer",
            "service-controller",
        );
    }
    if !cx.due(since + takes) {
        return;
    }
    let id: String = json::uid(object).replace('-', "").chars().take(16).collect();
    let name: String = json::name(object).chars().take(20).collect();
    let host = format!("k8s-{name}-{id}.elb.{}.simulated.invalid", cx.settings.region);
    let mut status = at(object, "status").clone();
    put(&mut status, "loadBalancer.ingress", json!([{"hostname": host}]));
    if table == "services" {
        cx.event(
            object,
            "Normal",
            "EnsuredLoadBalancer",
            "Ensured load balancer",
            "service-controller",
        );
    }
    cx.status(table, object, status);
}
