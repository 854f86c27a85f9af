//! `pods/eviction`: a pod goes if its disruption budget lets it.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::cluster::Turn;
use crate::failure::{Failure, Outcome};
use crate::json::{self, at, int};
use crate::kinds::Kind;
use crate::validate::matches;
use crate::write;

/// Evicts a pod.
pub(super) fn evict(
    turn: &mut Turn<'_>,
    kind: &Arc<Kind>,
    namespace: &str,
    name: &str,
) -> Outcome<Value> {
    let pod = turn.store.get("pods", namespace, name).cloned();
    let pod = pod.ok_or_else(|| Failure::not_found(kind, name))?;
    let budgets = turn.store.within("poddisruptionbudgets.policy", namespace);
    let budgets =
        budgets.filter(|it| matches(at(it, "spec.selector"), at(&pod, "metadata.labels")));
    let mine: Vec<_> = budgets.cloned().collect();
    if mine.len() > 1 {
        return Err(Failure::internal(
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
        ));
    }
    if let Some(budget) = mine.first() {
        let allowed = int(budget, "status.disruptionsAllowed").unwrap_or(0);
        if allowed < 1 {
            let mut failure = Failure::new(
                429,
                "TooManyRequests",
                "Cannot evict pod as it would violate the pod's disruption budget.",
            );
            let message = format!(
                "The disruption budget {} needs {} healthy pods and has {} currently",
                json::name(budget),
                int(budget, "status.desiredHealthy").unwrap_or(0),
                int(budget, "status.currentHealthy").unwrap_or(0)
            );
            failure.details =
                Some(json!({"causes": [{"reason": "DisruptionBudget", "message": message}]}));
            return Err(failure);
        }
    }
    write::forget(turn.store, kind, &pod, "Background", turn.now);
    Ok(
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}),
    )
}
