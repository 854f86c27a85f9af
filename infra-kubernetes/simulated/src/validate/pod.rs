//! Pods and templates of pods.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{name, volume};
use crate::failure::Cause;
use crate::json::{at, entries, int, items, text};
use crate::schema::milli;

/// What is wrong with the spec of a pod at a path. There are more volumes than it says.
pub(super) fn spec(object: &Value, path: &str, more: &[&str], causes: &mut Vec<Cause>) {
    let spec = at(object, path);
    let containers = items(spec, "containers");
    if containers.is_empty() {
        causes.push(Cause::required(format!("{path}.containers"), ""));
    }
    let mut volumes = volume::volumes(spec, path, causes);
    volumes.extend(more);
    let mut names = BTreeSet::new();
    for list in ["containers", "initContainers"] {
        for (index, it) in items(spec, list).iter().enumerate() {
            let path = format!("{path}.{list}[{index}]");
            container(it, &path, &volumes, causes);
            if list == "initContainers" && at(it, "restartPolicy").is_null() {
                for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
                    if at(it, probe).is_object() {
                        let detail =
                            "may not be set for init containers without restartPolicy=Always";
                        causes.push(Cause::forbidden(format!("{path}.{probe}"), detail));
                    }
                }
            }
            if !names.insert(text(it, "name")) {
                causes.push(Cause::duplicate(format!("{path}.name"), at(it, "name")));
            }
        }
    }
    for (field, allowed) in [
        ("restartPolicy", &["Always", "OnFailure", "Never"][..]),
        ("dnsPolicy", &["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"][..]),
    ] {
        let given = at(spec, field);
        if given.is_string() && !allowed.iter().any(|it| given == it) {
            causes.push(Cause::unsupported(format!("{path}.{field}"), given, allowed));
        }
    }
    if int(spec, "terminationGracePeriodSeconds").is_some_and(|it| it < 0) {
        let field = format!("{path}.terminationGracePeriodSeconds");
        let detail = "must be greater than or equal to 0";
        causes.push(Cause::invalid(field, at(spec, "terminationGracePeriodSeconds"), detail));
    }
    for (index, it) in items(spec, "topologySpreadConstraints").iter().enumerate() {
        let path = format!("{path}.topologySpreadConstraints[{index}]");
        if int(it, "maxSkew").is_none_or(|skew| skew <= 0) {
            let detail = "must be greater than zero";
            causes.push(Cause::invalid(format!("{path}.maxSkew"), at(it, "maxSkew"), detail));
        }
        if text(it, "topologyKey").is_empty() {
            causes.push(Cause::required(format!("{path}.topologyKey"), "can not be empty"));
        }
        if !matches!(text(it, "whenUnsatisfiable"), "DoNotSchedule" | "ScheduleAnyway") {
            let given = at(it, "whenUnsatisfiable");
            let allowed = &["DoNotSchedule", "ScheduleAnyway"];
            causes.push(Cause::unsupported(format!("{path}.whenUnsatisfiable"), given, allowed));
        }
    }
    for (index, it) in items(spec, "tolerations").iter().enumerate() {
        let path = format!("{path}.tolerations[{index}]");
        let operator = text(it, "operator");
        if operator == "Exists" && !text(it, "value").is_empty() {
            let detail = "value must be empty when `operator` is 'Exists'";
            causes.push(Cause::invalid(format!("{path}.operator"), at(it, "value"), detail));
        }
        if !matches!(operator, "" | "Exists" | "Equal") {
            causes.push(Cause::unsupported(
                format!("{path}.operator"),
                at(it, "operator"),
                &["Equal", "Exists"],
            ));
        }
    }
}

fn container(it: &Value, path: &str, volumes: &BTreeSet<&str>, causes: &mut Vec<Cause>) {
    let given = text(it, "name");
    if given.is_empty() {
        causes.push(Cause::required(format!("{path}.name"), ""));
    } else if let Some(why) = name::label(given) {
        causes.push(Cause::invalid(format!("{path}.name"), at(it, "name"), &why));
    }
    let image = text(it, "image");
    if image.is_empty() {
        causes.push(Cause::required(format!("{path}.image"), ""));
    } else if image.trim() != image {
        let detail = "must not have leading or trailing whitespace";
        causes.push(Cause::invalid(format!("{path}.image"), at(it, "image"), detail));
    }
    let policy = at(it, "imagePullPolicy");
    if policy.is_string() && !matches!(policy.as_str(), Some("Always" | "IfNotPresent" | "Never")) {
        let allowed = &["Always", "IfNotPresent", "Never"];
        causes.push(Cause::unsupported(format!("{path}.imagePullPolicy"), policy, allowed));
    }
    ports(it, path, causes);
    environment(it, path, causes);
    resources(it, &format!("{path}.resources"), causes);
    for (index, mount) in items(it, "volumeMounts").iter().enumerate() {
        let path = format!("{path}.volumeMounts[{index}]");
        let given = text(mount, "name");
        if given.is_empty() {
            causes.push(Cause::required(format!("{path}.name"), ""));
        } else if !volumes.contains(given) {
            causes.push(Cause::not_found(format!("{path}.name"), at(mount, "name")));
        }
        if text(mount, "mountPath").is_empty() {
            causes.push(Cause::required(format!("{path}.mountPath"), ""));
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if at(it, probe).is_object() {
            check_probe(at(it, probe), probe, &format!("{path}.{probe}"), causes);
        }
    }
}

fn ports(it: &Value, path: &str, causes: &mut Vec<Cause>) {
    let mut names = BTreeSet::new();
    for (index, port) in items(it, "ports").iter().enumerate() {
        let path = format!("{path}.ports[{index}]");
        let given = text(port, "name");
        if !given.is_empty() {
            if let Some(why) = name::port(given) {
                causes.push(Cause::invalid(format!("{path}.name"), at(port, "name"), &why));
            } else if !names.insert(given) {
                causes.push(Cause::duplicate(format!("{path}.name"), at(port, "name")));
            }
        }
        let number = int(port, "containerPort").unwrap_or(0);
        if number == 0 {
            causes.push(Cause::required(format!("{path}.containerPort"), ""));
        } else if !(1..=65535).contains(&number) {
            let detail = "must be between 1 and 65535, inclusive";
            let field = format!("{path}.containerPort");
            causes.push(Cause::invalid(field, at(port, "containerPort"), detail));
        }
        if !matches!(text(port, "protocol"), "TCP" | "UDP" | "SCTP") {
            let allowed = &["SCTP", "TCP", "UDP"];
            causes.push(Cause::unsupported(
                format!("{path}.protocol"),
                at(port, "protocol"),
                allowed,
            ));
        }
    }
}

fn environment(it: &Value, path: &str, causes: &mut Vec<Cause>) {
    for (index, env) in items(it, "env").iter().enumerate() {
        let path = format!("{path}.env[{index}]");
        let given = text(env, "name");
        if given.is_empty() {
            causes.push(Cause::required(format!("{path}.name"), ""));
        } else if let Some(why) = name::variable(given) {
            causes.push(Cause::invalid(format!("{path}.name"), at(env, "name"), &why));
        }
        let from = at(env, "valueFrom");
        if from.is_object() {
            let sources = from.as_object().map_or(0, serde_json::Map::len);
            if sources == 0 {
                let detail = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
                causes.push(Cause::invalid(format!("{path}.valueFrom"), &Value::from(""), detail));
            }
            if !text(env, "value").is_empty() {
                let detail = "may not be specified when `value` is not empty";
                causes.push(Cause::invalid(format!("{path}.valueFrom"), &Value::from(""), detail));
            }
            if sources > 1 {
                let detail = "may not have more than one field specified at a time";
                causes.push(Cause::invalid(format!("{path}.valueFrom"), &Value::from(""), detail));
            }
        }
        for source in ["secretKeyRef", "configMapKeyRef"] {
            let key = at(from, source);
            if key.is_object() && text(key, "key").is_empty() {
                causes.push(Cause::required(format!("{path}.valueFrom.{source}.key"), ""));
            }
        }
    }
}

fn resources(it: &Value, path: &str, causes: &mut Vec<Cause>) {
    let (limits, requests) = (at(it, "resources.limits"), at(it, "resources.requests"));
    for (list, values) in [("limits", limits), ("requests", requests)] {
        for (resource, value) in values.as_object().into_iter().flatten() {
            let field = format!("{path}.{list}[{resource}]");
            let known = ["cpu", "memory", "ephemeral-storage"].contains(&resource.as_str());
            if !known && !resource.contains('/') && !resource.starts_with("hugepages-") {
                let detail = "must be a standard resource type or fully qualified";
                causes.push(Cause::invalid(field, &Value::from(resource.as_str()), detail));
                continue;
            }
            if milli(value).is_some_and(|it| it < 0) {
                let detail = "must be greater than or equal to 0";
                causes.push(Cause::invalid(field, value, detail));
            }
        }
    }
    for (resource, request) in requests.as_object().into_iter().flatten() {
        let limit = limits.get(resource);
        if let Some(limit) = limit
            && milli(request) > milli(limit)
        {
            let shown = limit.as_str().unwrap_or_default();
            let detail = format!("must be less than or equal to {resource} limit of {shown}");
            causes.push(Cause::invalid(format!("{path}.requests"), request, &detail));
        }
    }
}

fn check_probe(probe: &Value, which: &str, path: &str, causes: &mut Vec<Cause>) {
    let handlers = ["exec", "httpGet", "tcpSocket", "grpc"];
    let given = handlers.iter().filter(|it| at(probe, it).is_object()).count();
    if given == 0 {
        causes.push(Cause::required(path, "must specify a handler type"));
    } else if given > 1 {
        causes.push(Cause::forbidden(path, "may not specify more than 1 handler type"));
    }
    for field in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "failureThreshold"] {
        if int(probe, field).is_some_and(|it| it < 0) {
            let detail = "must be greater than or equal to 0";
            causes.push(Cause::invalid(format!("{path}.{field}"), at(probe, field), detail));
        }
    }
    if which != "readinessProbe" && int(probe, "successThreshold").is_some_and(|it| it != 1) {
        let field = format!("{path}.successThreshold");
        causes.push(Cause::invalid(field, at(probe, "successThreshold"), "must be 1"));
    }
    for handler in ["httpGet", "tcpSocket", "grpc"] {
        for (field, port) in entries(probe, handler).filter(|(field, _)| *field == "port") {
            let fits = match port {
                Value::Number(number) => {
                    number.as_i64().is_some_and(|it| (1..=65535).contains(&it))
                }
                Value::String(text) => name::port(text).is_none(),
                _ => false,
            };
            if !fits {
                let detail = "must be between 1 and 65535, inclusive";
                causes.push(Cause::invalid(format!("{path}.{handler}.{field}"), port, detail));
            }
        }
    }
}
