//! Disruption budgets and autoscalers.

use serde_json::Value;

use super::apps;
use crate::failure::Cause;
use crate::json::{at, int, items, text};

pub(super) fn budget(object: &Value, causes: &mut Vec<Cause>) {
    let (least, most) = (at(object, "spec.minAvailable"), at(object, "spec.maxUnavailable"));
    if !least.is_null() && !most.is_null() {
        let detail = "minAvailable and maxUnavailable cannot be both set";
        causes.push(Cause::invalid("spec", at(object, "spec"), detail));
    }
    apps::share("spec.minAvailable", least, causes);
    apps::share("spec.maxUnavailable", most, causes);
}

pub(super) fn autoscaler(object: &Value, causes: &mut Vec<Cause>) {
    let (least, most) = (int(object, "spec.minReplicas"), int(object, "spec.maxReplicas"));
    if least.is_some_and(|it| it < 1) {
        let detail = "must be greater than or equal to 1";
        causes.push(Cause::invalid("spec.minReplicas", at(object, "spec.minReplicas"), detail));
    }
    match most {
        Some(most) if most < 1 => {
            let detail = "must be greater than 0";
            causes.push(Cause::invalid("spec.maxReplicas", at(object, "spec.maxReplicas"), detail));
        }
        Some(most) if least.is_some_and(|least| most < least) => {
            let detail = "must be greater than or equal to `minReplicas`";
            causes.push(Cause::invalid("spec.maxReplicas", &Value::from(most), detail));
        }
        Some(_) => {}
        None => causes.push(Cause::required("spec.maxReplicas", "")),
    }
    for field in ["kind", "name"] {
        if text(object, &format!("spec.scaleTargetRef.{field}")).is_empty() {
            causes.push(Cause::required(format!("spec.scaleTargetRef.{field}"), ""));
        }
    }
    for (index, metric) in items(object, "spec.metrics").iter().enumerate() {
        let kind = text(metric, "type");
        let field = match kind {
            "Resource" => "resource",
            "ContainerResource" => "containerResource",
            "Pods" => "pods",
            "Object" => "object",
            "External" => "external",
            _ => {
                let allowed = &["ContainerResource", "External", "Object", "Pods", "Resource"];
                let path = format!("spec.metrics[{index}].type");
                causes.push(Cause::unsupported(path, at(metric, "type"), allowed));
                continue;
            }
        };
        if !at(metric, field).is_object() {
            let detail = "must populate information for the given metric source";
            causes.push(Cause::required(format!("spec.metrics[{index}].{field}"), detail));
        }
    }
}
