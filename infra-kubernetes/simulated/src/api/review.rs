//! Reviews: who one is, and whether one may. Everybody may do everything.

use serde_json::{Value, json};

use crate::json::put;

/// Answers a review; nothing for what is none.
pub(super) fn review(path: &str, mut body: Value) -> Option<Value> {
    let status = match path {
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" => {
            json!({"allowed": true, "reason": "the embedded Kubernetes lets everybody do everything"})
        }
        "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews" => {
            let rule = json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]});
            json!({"resourceRules": [rule], "nonResourceRules": [], "incomplete": false})
        }
        "/apis/authentication.k8s.io/v1/selfsubjectreviews" => {
            json!({"userInfo": {"username": "simulated", "groups": ["system:masters"]}})
        }
        _ => return None,
    };
    put(&mut body, "status", status);
    Some(body)
}
