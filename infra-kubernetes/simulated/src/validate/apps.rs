//! Workloads.

use serde_json::Value;

use super::{metadata, pod, selector};
use crate::failure::Cause;
use crate::json::{at, int, items, text};

pub(super) fn deployment(object: &Value, causes: &mut Vec<Cause>) {
    not_negative(object, "spec.replicas", causes);
    not_negative(object, "spec.minReadySeconds", causes);
    not_negative(object, "spec.revisionHistoryLimit", causes);
    with_template(object, causes);
    match text(object, "spec.strategy.type") {
        "Recreate" => {
            if at(object, "spec.strategy.rollingUpdate").is_object() {
                let detail = "may not be specified when strategy `type` is 'Recreate'";
                causes.push(Cause::forbidden("spec.strategy.rollingUpdate", detail));
            }
        }
        "RollingUpdate" => {
            let unavailable = at(object, "spec.strategy.rollingUpdate.maxUnavailable");
            let surge = at(object, "spec.strategy.rollingUpdate.maxSurge");
            for (field, value) in [("maxUnavailable", unavailable), ("maxSurge", surge)] {
                share(&format!("spec.strategy.rollingUpdate.{field}"), value, causes);
            }
            if is_zero(unavailable) && is_zero(surge) {
                let detail = "may not be 0 when `maxSurge` is 0";
                let field = "spec.strategy.rollingUpdate.maxUnavailable";
                causes.push(Cause::invalid(field, unavailable, detail));
            }
        }
        _ => {
            let given = at(object, "spec.strategy.type");
            causes.push(Cause::unsupported(
                "spec.strategy.type",
                given,
                &["Recreate", "RollingUpdate"],
            ));
        }
    }
    let (deadline, ready) =
        (int(object, "spec.progressDeadlineSeconds"), int(object, "spec.minReadySeconds"));
    if let Some(deadline) = deadline
        && deadline <= ready.unwrap_or(0)
    {
        let detail = "must be greater than minReadySeconds";
        let value = at(object, "spec.progressDeadlineSeconds");
        causes.push(Cause::invalid("spec.progressDeadlineSeconds", value, detail));
    }
}

pub(super) fn replica_set(object: &Value, causes: &mut Vec<Cause>) {
    not_negative(object, "spec.replicas", causes);
    with_template(object, causes);
}

pub(super) fn stateful_set(object: &Value, causes: &mut Vec<Cause>) {
    not_negative(object, "spec.replicas", causes);
    with_template(object, causes);
    let policy = at(object, "spec.podManagementPolicy");
    if !matches!(policy.as_str(), Some("OrderedReady" | "Parallel")) {
        let detail = "must be 'OrderedReady' or 'Parallel'";
        causes.push(Cause::invalid("spec.podManagementPolicy", policy, detail));
    }
    let strategy = at(object, "spec.updateStrategy.type");
    if !matches!(strategy.as_str(), Some("RollingUpdate" | "OnDelete")) {
        let detail = "must be 'RollingUpdate' or 'OnDelete'";
        causes.push(Cause::invalid("spec.updateStrategy", strategy, detail));
    }
    for (index, claim) in items(object, "spec.volumeClaimTemplates").iter().enumerate() {
        if crate::json::name(claim).is_empty() {
            let field = format!("spec.volumeClaimTemplates[{index}].metadata.name");
            causes.push(Cause::required(field, ""));
        }
    }
}

pub(super) fn daemon_set(object: &Value, causes: &mut Vec<Cause>) {
    with_template(object, causes);
    let strategy = at(object, "spec.updateStrategy.type");
    if !matches!(strategy.as_str(), Some("RollingUpdate" | "OnDelete")) {
        causes.push(Cause::unsupported(
            "spec.updateStrategy.type",
            strategy,
            &["OnDelete", "RollingUpdate"],
        ));
    }
}

/// Selector and template, which belong together.
fn with_template(object: &Value, causes: &mut Vec<Cause>) {
    let chosen = at(object, "spec.selector");
    if chosen.is_null() {
        causes.push(Cause::required("spec.selector", ""));
    } else if selector::is_empty(chosen) {
        let detail = "empty selector is invalid for deployment";
        causes.push(Cause::invalid("spec.selector", chosen, detail));
    }
    metadata::labels(object, "spec.template.metadata.labels", causes);
    let labels = at(object, "spec.template.metadata.labels");
    if !chosen.is_null() && !selector::is_empty(chosen) && !selector::matches(chosen, labels) {
        let detail = "`selector` does not match template `labels`";
        let shown = if labels.is_null() { Value::from("{}") } else { labels.clone() };
        causes.push(Cause::invalid("spec.template.metadata.labels", &shown, detail));
    }
    let claims = items(object, "spec.volumeClaimTemplates").iter();
    let claims: Vec<_> = claims.map(crate::json::name).collect();
    pod::spec(object, "spec.template.spec", &claims, causes);
    let policy = at(object, "spec.template.spec.restartPolicy");
    if policy.is_string() && policy != "Always" {
        causes.push(Cause::unsupported("spec.template.spec.restartPolicy", policy, &["Always"]));
    }
    if at(object, "spec.template.spec.activeDeadlineSeconds").is_number() {
        let detail = "activeDeadlineSeconds in ReplicaSet is not Supported";
        causes.push(Cause::forbidden("spec.template.spec.activeDeadlineSeconds", detail));
    }
}

/// A whole number that is not below zero.
pub(super) fn not_negative(object: &Value, path: &str, causes: &mut Vec<Cause>) {
    if int(object, path).is_some_and(|it| it < 0) {
        let detail = "must be greater than or equal to 0";
        causes.push(Cause::invalid(path, at(object, path), detail));
    }
}

/// A whole number or a share: `25%`.
pub(super) fn share(path: &str, value: &Value, causes: &mut Vec<Cause>) {
    let fits = match value {
        Value::Null => true,
        Value::Number(number) => number.as_i64().is_some_and(|it| it >= 0),
        Value::String(text) => {
            text.strip_suffix('%').is_some_and(|number| number.parse::<u32>().is_ok())
        }
        _ => false,
    };
    if fits {
        return;
    }
    let detail = if value.is_number() {
        "must be greater than or equal to 0"
    } else {
        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
    };
    causes.push(Cause::invalid(path, value, detail));
}

fn is_zero(value: &Value) -> bool {
    value == 0 || value == "0%"
}
