//! Rollouts, as `kubectl rollout status` reads them.

use infra_core::provider::{Cx, Readiness, Result};
use serde_json::Value as Json;

use super::{
    conditions::{condition, is_seen},
    pods,
    status::join,
};
use crate::Kubernetes;

/// How far a deployment, a stateful set or a daemon set is.
pub(super) async fn readiness(cx: &Cx<Kubernetes>, kind: &str, object: &Json) -> Result<Readiness> {
    if !is_seen(object) || object["status"].get("observedGeneration").is_none() {
        return Ok(Readiness::Pending("not seen by its controller yet".to_owned()));
    }
    // Somebody stopped it on purpose: there is nothing to wait for.
    if object["spec"]["paused"] == true {
        return Ok(Readiness::Ready);
    }
    let Some(far) = far(kind, object) else { return Ok(Readiness::Ready) };
    // Quotas, admission and missing service accounts keep pods from being made at all.
    let refused = condition(object, "ReplicaFailure").filter(|refused| refused.is_true);
    let why = match refused {
        Some(refused) => Some(refused.said()),
        None => pods::reason(cx, object, &object["spec"]["selector"]).await?,
    };
    let given_up = condition(object, "Progressing").filter(|progressing| progressing.is_false);
    Ok(match given_up {
        Some(given_up) => Readiness::Stuck(join(&given_up.said(), why)),
        None => Readiness::Pending(join(&far, why)),
    })
}

/// What is left to do, if anything is.
fn far(kind: &str, object: &Json) -> Option<String> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let count = |field: &str| status[field].as_i64().unwrap_or_default();
    let (wanted, updated, available) = if kind == "DaemonSet" {
        let wanted = count("desiredNumberScheduled");
        (wanted, count("updatedNumberScheduled"), count("numberAvailable"))
    } else {
        let wanted = spec["replicas"].as_i64().unwrap_or(1);
        (wanted, count("updatedReplicas"), count("availableReplicas"))
    };
    // Whoever updates only when asked to has nothing to wait for.
    let on_delete = spec["updateStrategy"]["type"] == "OnDelete";
    // The old ones are still there.
    let old = if kind == "Deployment" { count("replicas") - updated } else { 0 };
    // Those before it are left as they are.
    let partition = spec["updateStrategy"]["rollingUpdate"]["partition"].as_i64().unwrap_or(0);
    let new = (wanted - partition).max(0);
    if updated < new && !on_delete {
        Some(format!("{updated} of {new} pods are new"))
    } else if old > 0 {
        Some(format!("{old} old pods still have to end"))
    } else if available < wanted {
        Some(format!("{available} of {wanted} pods are available"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rollout_is_complete_when_every_pod_is_new_and_available() {
        let deployment = |replicas: i64, updated: i64, available: i64| {
            let status = json!({"replicas": replicas, "updatedReplicas": updated, "availableReplicas": available});
            far("Deployment", &json!({"spec": {"replicas": 3}, "status": status}))
        };
        assert_eq!(deployment(3, 3, 3), None);
        assert_eq!(deployment(4, 2, 3).unwrap(), "2 of 3 pods are new");
        assert_eq!(deployment(4, 3, 3).unwrap(), "1 old pods still have to end");
        assert_eq!(deployment(3, 3, 2).unwrap(), "2 of 3 pods are available");
        let set = json!({"spec": {"replicas": 2, "updateStrategy": {"type": "OnDelete"}},
            "status": {"updatedReplicas": 0, "availableReplicas": 2}});
        assert_eq!(far("StatefulSet", &set), None);
        let set = json!({"spec": {"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 2}}},
            "status": {"updatedReplicas": 1, "availableReplicas": 3}});
        assert_eq!(far("StatefulSet", &set), None);
    }
}
