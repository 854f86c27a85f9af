//! Disruption budgets: how many pods may go now.

use std::sync::Arc;

use serde_json::Value;

use super::cx::{Control, ending, set_condition};
use super::pods::{is_over, is_ready};
use super::rollout::share;
use crate::json::{self, at, int, put};
use crate::validate::matches;

const TABLE: &str = "poddisruptionbudgets.policy";

pub(super) fn run(cx: &mut Control<'_>) {
    for budget in cx.all(TABLE) {
        if !ending(&budget) {
            let pods = cx.store.rest.of_space("pods", json::namespace(&budget));
            let owners = cx.store.rest.of_tables(&["replicasets.apps", "statefulsets.apps"]);
            cx.attend("budget", &budget, pods.max(owners), |cx| sync(cx, &budget));
        }
    }
}

fn sync(cx: &mut Control<'_>, budget: &Arc<Value>) {
    let mut pods = cx.within("pods", json::namespace(budget));
    pods.retain(|pod| {
        matches(at(budget, "spec.selector"), at(pod, "metadata.labels")) && !is_over(pod)
    });
    let healthy = pods.iter().filter(|pod| is_ready(pod) && !ending(pod)).count();
    let healthy = i64::try_from(healthy).unwrap_or(0);
    let expected = expected(cx, &pods);
    let (least, most) = (at(budget, "spec.minAvailable"), at(budget, "spec.maxUnavailable"));
    let desired = if !most.is_null() {
        (expected - share(most, expected, true)).max(0)
    } else if least.is_null() {
        (expected - 1).max(0)
    } else {
        share(least, expected, true)
    };
    let allowed = (healthy - desired).max(0);
    let mut status = at(budget, "status").clone();
    put(&mut status, "currentHealthy", healthy);
    put(&mut status, "desiredHealthy", desired);
    put(&mut status, "expectedPods", expected);
    put(&mut status, "disruptionsAllowed", allowed);
    put(&mut status, "observedGeneration", at(budget, "metadata.generation").clone());
    let reason = if allowed > 0 { "SufficientPods" } else { "InsufficientPods" };
    set_condition(&mut status, cx.now, "DisruptionAllowed", allowed > 0, reason, "");
    cx.status(TABLE, budget, status);
}

/// How many pods their controllers want.
fn expected(cx: &Control<'_>, pods: &[Arc<Value>]) -> i64 {
    let mut owners: Vec<_> = pods.iter().filter_map(|pod| super::cx::controller(pod)).collect();
    owners.sort_unstable();
    owners.dedup();
    let alone = pods.iter().filter(|pod| !super::replica::is_controlled(pod)).count();
    let tables = ["replicasets.apps", "statefulsets.apps"];
    let all: Vec<_> = tables.iter().flat_map(|table| cx.all(table)).collect();
    let wanted: i64 = owners
        .iter()
        .map(|uid| {
            let found = all.iter().find(|it| json::uid(it) == *uid);
            let mine = pods.iter().filter(|pod| super::cx::controller(pod) == Some(uid)).count();
            found
                .and_then(|it| int(it, "spec.replicas"))
                .unwrap_or(i64::try_from(mine).unwrap_or(0))
        })
        .sum();
    wanted + i64::try_from(alone).unwrap_or(0)
}
