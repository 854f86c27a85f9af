//! Services.

use serde_json::Value;

use crate::json::{at, items_mut, put_new, text};

pub(super) fn service(object: &mut Value) {
    put_new(object, "spec.sessionAffinity", "None");
    put_new(object, "spec.type", "ClusterIP");
    if text(object, "spec.sessionAffinity") == "ClientIP" {
        put_new(object, "spec.sessionAffinityConfig.clientIP.timeoutSeconds", 10800);
    }
    for port in items_mut(object, "spec.ports") {
        put_new(port, "protocol", "TCP");
        let number = at(port, "port").clone();
        if matches!(at(port, "targetPort"), Value::Null) || port["targetPort"] == 0 {
            crate::json::put(port, "targetPort", number);
        }
    }
    let exposed = matches!(text(object, "spec.type"), "NodePort" | "LoadBalancer");
    if exposed {
        put_new(object, "spec.externalTrafficPolicy", "Cluster");
    }
    if exposed || text(object, "spec.type") == "ClusterIP" {
        put_new(object, "spec.internalTrafficPolicy", "Cluster");
    }
    if text(object, "spec.type") == "LoadBalancer" {
        put_new(object, "spec.allocateLoadBalancerNodePorts", true);
    }
    put_new(object, "status.loadBalancer", serde_json::json!({}));
}
