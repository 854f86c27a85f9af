//! One step of replacing old pods by new ones.

use std::sync::Arc;

use serde_json::{Value, json};

use super::cx::Control;
use crate::json::{self, at, int, put, text};

const SETS: &str = "replicasets.apps";

/// How many pods more and fewer there may be on the way.
pub(super) struct Bounds {
    pub(super) recreate: bool,
    pub(super) surge: i64,
    pub(super) unavailable: i64,
}

impl Bounds {
    pub(super) fn of(deployment: &Value) -> Self {
        let wanted = int(deployment, "spec.replicas").unwrap_or(1);
        if text(deployment, "spec.strategy.type") == "Recreate" {
            return Self { recreate: true, surge: 0, unavailable: 0 };
        }
        let rolling = at(deployment, "spec.strategy.rollingUpdate");
        let surge = share(at(rolling, "maxSurge"), wanted, true);
        let unavailable = share(at(rolling, "maxUnavailable"), wanted, false).min(wanted);
        let stuck = surge == 0 && unavailable == 0;
        Self { recreate: false, surge, unavailable: if stuck { 1 } else { unavailable } }
    }
}

/// A number, or a share of another.
pub(super) fn share(value: &Value, of: i64, up: bool) -> i64 {
    match value {
        Value::String(text) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(0);
            if up { (of * percent + 99) / 100 } else { of * percent / 100 }
        }
        other => other.as_i64().unwrap_or(0),
    }
}

fn size(set: &Value) -> i64 {
    int(set, "spec.replicas").unwrap_or(0)
}

fn available(set: &Value) -> i64 {
    int(set, "status.availableReplicas").unwrap_or(0)
}

/// Brings the new replica set up and the old ones down, within the bounds.
pub(super) fn step(
    cx: &mut Control<'_>,
    deployment: &Arc<Value>,
    new: &Arc<Value>,
    old: &[Arc<Value>],
    bounds: &Bounds,
) {
    let wanted = int(deployment, "spec.replicas").unwrap_or(1);
    if bounds.recreate {
        for set in old.iter().filter(|set| size(set) > 0) {
            scale(cx, deployment, set, 0);
        }
        // Pods that end are still pods.
        let left = old.iter().any(|set| !cx.owned("pods", set).is_empty());
        if !left {
            scale(cx, deployment, new, wanted);
        }
        return;
    }
    let others: i64 = old.iter().map(|set| size(set)).sum();
    let grown = size(new).max((wanted + bounds.surge - others).min(wanted)).min(wanted);
    scale(cx, deployment, new, grown);
    let total = others + size(new);
    let least = wanted - bounds.unavailable;
    let mut room = total - least - (size(new) - available(new)).max(0);
    if room <= 0 || others == 0 {
        return;
    }
    let mut sizes: Vec<_> = old.iter().map(|set| (set, size(set))).collect();
    sizes.sort_by_key(|(set, _)| cx.noted(SETS, set, "created"));
    // Pods that do not work go first: nobody misses them.
    for (set, size) in &mut sizes {
        let broken = (*size - available(set)).clamp(0, room);
        *size -= broken;
        room -= broken;
    }
    let working: i64 = old.iter().map(|set| available(set)).sum::<i64>() + available(new);
    let mut spare = (working - least).max(0);
    for (_, size) in &mut sizes {
        let gone = (*size).min(spare);
        *size -= gone;
        spare -= gone;
    }
    for (set, size) in sizes {
        scale(cx, deployment, set, size);
    }
}

fn scale(cx: &mut Control<'_>, deployment: &Arc<Value>, set: &Arc<Value>, to: i64) {
    let Some(set) = cx.get(SETS, json::namespace(set), json::name(set)) else { return };
    let from = size(&set);
    let wanted = int(deployment, "spec.replicas").unwrap_or(1);
    cx.change(SETS, &set, "", |set| {
        put(set, "spec.replicas", to);
        json::object_at(set, "metadata.annotations").insert(
            "deployment.kubernetes.io/desired-replicas".to_owned(),
            json!(wanted.to_string()),
        );
    });
    if from != to {
        let way = if to > from { "up" } else { "down" };
        let message = format!("Scaled {way} replica set {} from {from} to {to}", json::name(&set));
        cx.event(deployment, "Normal", "ScalingReplicaSet", &message, "deployment-controller");
    }
}
