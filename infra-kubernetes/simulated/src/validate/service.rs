//! Services.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{metadata, name};
use crate::failure::Cause;
use crate::json::{at, int, items, text};

pub(super) fn service(object: &Value, causes: &mut Vec<Cause>) {
    let kind = text(object, "spec.type");
    if !matches!(kind, "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName") {
        let allowed = &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
        causes.push(Cause::unsupported("spec.type", at(object, "spec.type"), allowed));
    }
    let ports = items(object, "spec.ports");
    let headless = text(object, "spec.clusterIP") == "None";
    if ports.is_empty() && !headless && kind != "ExternalName" {
        causes.push(Cause::required("spec.ports", ""));
    }
    if headless && matches!(kind, "NodePort" | "LoadBalancer") {
        let detail = format!("may not be set to 'None' for {kind} services");
        causes.push(Cause::invalid("spec.clusterIPs[0]", at(object, "spec.clusterIP"), &detail));
    }
    if kind == "ExternalName" {
        let given = text(object, "spec.externalName");
        if given.is_empty() {
            causes.push(Cause::required("spec.externalName", ""));
        } else if let Some(why) = name::subdomain(given) {
            causes.push(Cause::invalid("spec.externalName", at(object, "spec.externalName"), &why));
        }
    }
    metadata::labels(object, "spec.selector", causes);
    let (mut names, mut pairs) = (BTreeSet::new(), BTreeSet::new());
    for (index, port) in ports.iter().enumerate() {
        let path = format!("spec.ports[{index}]");
        let given = text(port, "name");
        if given.is_empty() && ports.len() > 1 {
            causes.push(Cause::required(format!("{path}.name"), ""));
        } else if !given.is_empty() {
            if let Some(why) = name::label(given) {
                causes.push(Cause::invalid(format!("{path}.name"), at(port, "name"), &why));
            } else if !names.insert(given) {
                causes.push(Cause::duplicate(format!("{path}.name"), at(port, "name")));
            }
        }
        for (field, fits) in [
            ("port", int(port, "port").is_some_and(|it| (1..=65535).contains(&it))),
            ("targetPort", target(at(port, "targetPort"))),
        ] {
            if !fits {
                let detail = "must be between 1 and 65535, inclusive";
                causes.push(Cause::invalid(format!("{path}.{field}"), at(port, field), detail));
            }
        }
        if !matches!(text(port, "protocol"), "TCP" | "UDP" | "SCTP") {
            let allowed = &["SCTP", "TCP", "UDP"];
            causes.push(Cause::unsupported(
                format!("{path}.protocol"),
                at(port, "protocol"),
                allowed,
            ));
        }
        if !pairs.insert((int(port, "port"), text(port, "protocol"))) {
            causes.push(Cause::duplicate(path.clone(), port));
        }
        if kind == "ClusterIP" && !at(port, "nodePort").is_null() {
            let detail = "may not be used when `type` is 'ClusterIP'";
            causes.push(Cause::forbidden(format!("{path}.nodePort"), detail));
        }
    }
    if let Some(policy) = at(object, "spec.externalTrafficPolicy").as_str() {
        if !matches!(kind, "NodePort" | "LoadBalancer") {
            let detail = "may only be set for externally-accessible services";
            let value = Value::from(policy);
            causes.push(Cause::invalid("spec.externalTrafficPolicy", &value, detail));
        } else if !matches!(policy, "Cluster" | "Local") {
            let value = Value::from(policy);
            causes.push(Cause::unsupported(
                "spec.externalTrafficPolicy",
                &value,
                &["Cluster", "Local"],
            ));
        }
    }
}

fn target(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Number(number) => number.as_i64().is_some_and(|it| (1..=65535).contains(&it)),
        Value::String(text) => name::port(text).is_none(),
        _ => false,
    }
}
