//! Resource quotas: how much of them is used.

use serde_json::{Map, Value, json};

use super::cx::{Control, ending};
use super::pods::is_over;
use crate::json::{self, at, items};
use crate::schema::{canonical, milli};
use crate::store::Store;

pub(super) fn run(cx: &mut Control<'_>) {
    for quota in cx.all("resourcequotas") {
        if ending(&quota) {
            continue;
        }
        let hard = at(&quota, "spec.hard").clone();
        let namespace = json::namespace(&quota);
        let used: Map<_, _> = hard
            .as_object()
            .into_iter()
            .flatten()
            .map(|(resource, _)| (resource.clone(), used(cx.store, namespace, resource)))
            .collect();
        cx.status("resourcequotas", &quota, json!({"hard": hard, "used": used}));
    }
}

/// How much of a resource a namespace uses.
pub(crate) fn used(store: &Store, namespace: &str, resource: &str) -> Value {
    let table = resource.strip_prefix("count/").unwrap_or(resource);
    let (part, of) = match resource.split_once('.') {
        Some((part @ ("requests" | "limits"), of)) => (part, of),
        _ => ("requests", resource),
    };
    if matches!(of, "cpu" | "memory") {
        let living = store.within("pods", namespace).filter(|pod| !is_over(pod));
        let containers = living.flat_map(|pod| items(pod, "spec.containers"));
        let sum: i64 = containers
            .filter_map(|it| at(it, &format!("resources.{part}")).get(of).and_then(milli))
            .sum();
        return canonical(&json!(format!("{sum}m"))).map_or(Value::Null, Value::from);
    }
    json!(store.within(table, namespace).count().to_string())
}
