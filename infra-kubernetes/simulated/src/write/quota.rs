//! Limits of a namespace: what containers get that say nothing, and how much there may be.

use serde_json::{Value, json};

use super::options::Write;
use crate::control::used;
use crate::failure::{Failure, Outcome};
use crate::json::{self, at, items, items_mut, object_at, text};
use crate::schema::{canonical, milli};

/// Fills a pod's resources from the limit ranges, and refuses what they do not allow.
pub(super) fn limit(write: &Write<'_>, pod: &mut Value) -> Outcome<()> {
    let name = json::name(pod).to_owned();
    let ranges: Vec<_> = write.store.within("limitranges", &write.namespace).cloned().collect();
    let limits = ranges.iter().flat_map(|range| items(range, "spec.limits"));
    for limit in limits.filter(|it| text(it, "type") == "Container") {
        for container in items_mut(pod, "spec.containers") {
            for (from, to) in [("default", "limits"), ("defaultRequest", "requests")] {
                for (resource, value) in at(limit, from).as_object().into_iter().flatten() {
                    object_at(container, &format!("resources.{to}"))
                        .entry(resource)
                        .or_insert(value.clone());
                }
            }
            for (bound, list, fits) in [
                ("max", "limits", (|used, bound| used <= bound) as fn(i64, i64) -> bool),
                ("min", "requests", |used, bound| used >= bound),
            ] {
                for (resource, bound_value) in at(limit, bound).as_object().into_iter().flatten() {
                    let given = at(container, &format!("resources.{list}")).get(resource);
                    let numbers = given.and_then(milli).zip(milli(bound_value));
                    if numbers.is_some_and(|(given, bound)| !fits(given, bound)) {
                        let which = if list == "limits" { "maximum" } else { "minimum" };
                        let shown = bound_value.as_str().unwrap_or_default();
                        let given = given.and_then(Value::as_str).unwrap_or_default();
                        let why = format!(
                            "{which} {resource} usage per Container is {shown}, but {} is {given}",
                            list.trim_end_matches('s'),
                        );
                        return Err(Failure::forbidden(&write.kind, &name, &why));
                    }
                }
            }
        }
    }
    Ok(())
}

/// Refuses what is more than a quota allows.
pub(super) fn within(write: &Write<'_>, object: &Value) -> Outcome<()> {
    if !write.kind.namespaced || write.kind.is("", "Event") {
        return Ok(());
    }
    let quotas = write.store.within("resourcequotas", &write.namespace).cloned();
    for quota in quotas.collect::<Vec<_>>() {
        let mut over = Vec::new();
        for (resource, hard) in at(&quota, "spec.hard").as_object().into_iter().flatten() {
            let Some(asked) = asked(write, object, resource) else { continue };
            let Ok(asked) = asked else {
                let why = format!(
                    "failed quota: {}: must specify {resource} for: {}",
                    json::name(&quota),
                    unspecified(object, resource)
                );
                return Err(Failure::forbidden(&write.kind, json::name(object), &why));
            };
            let used = milli(&used(write.store, &write.namespace, resource)).unwrap_or(0);
            if asked > 0 && used + asked > milli(hard).unwrap_or(i64::MAX) {
                over.push((
                    resource.as_str(),
                    shown(asked),
                    shown(used),
                    hard.as_str().unwrap_or_default(),
                ));
            }
        }
        if over.is_empty() {
            continue;
        }
        let list = |which: fn(&(&str, String, String, &str)) -> String| {
            over.iter().map(|it| format!("{}={}", it.0, which(it))).collect::<Vec<_>>().join(",")
        };
        let why = format!(
            "exceeded quota: {}, requested: {}, used: {}, limited: {}",
            json::name(&quota),
            list(|it| it.1.clone()),
            list(|it| it.2.clone()),
            list(|it| it.3.to_owned())
        );
        return Err(Failure::forbidden(&write.kind, json::name(object), &why));
    }
    Ok(())
}

fn shown(milli: i64) -> String {
    canonical(&json!(format!("{milli}m"))).unwrap_or_default()
}

/// How much of a resource the object takes, in thousandths; an error where it must say and does
/// not.
fn asked(write: &Write<'_>, object: &Value, resource: &str) -> Option<Result<i64, ()>> {
    let counted = resource.strip_prefix("count/").unwrap_or(resource);
    if counted == write.kind.resource() {
        return Some(Ok(1000));
    }
    let (part, of) = part_of(resource)?;
    if !write.kind.is("", "Pod") {
        return None;
    }
    let all = items(object, "spec.containers").iter();
    let all = all.map(|it| at(it, &format!("resources.{part}")).get(of).and_then(milli));
    Some(all.sum::<Option<i64>>().ok_or(()))
}

fn part_of(resource: &str) -> Option<(&str, &str)> {
    let (part, of) = match resource.split_once('.') {
        Some((part @ ("requests" | "limits"), of)) => (part, of),
        _ => ("requests", resource),
    };
    matches!(of, "cpu" | "memory").then_some((part, of))
}

fn unspecified(object: &Value, resource: &str) -> String {
    let Some((part, of)) = part_of(resource) else { return String::new() };
    let all = items(object, "spec.containers").iter();
    let silent = all.filter(|it| at(it, &format!("resources.{part}")).get(of).is_none());
    silent.map(|it| text(it, "name")).collect::<Vec<_>>().join(",")
}
