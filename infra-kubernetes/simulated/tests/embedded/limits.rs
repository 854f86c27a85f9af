//! Quotas, limits, reviews.

use serde_json::{Value, json};

use crate::api::{Api, DEPLOYMENTS, PODS, condition, config, deployment};

fn quota(hard: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": hard}})
}

#[tokio::test]
async fn there_is_no_more_than_the_quota_allows() {
    let api = Api::new().await;
    let maps = "/api/v1/namespaces/t/configmaps";
    api.post(
        "/api/v1/namespaces/t/resourcequotas",
        &quota(&json!({"pods": "2", "count/configmaps": "2"})),
    )
    .await
    .ok();
    api.post(maps, &config("a", "1")).await.ok();
    let refused = api.post(maps, &config("b", "1")).await;
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.message(),
        "configmaps \"b\" is forbidden: exceeded quota: q, requested: count/configmaps=1, used: count/configmaps=2, limited: count/configmaps=2"
    );
    let path = format!("{DEPLOYMENTS}/web");
    api.apply(&path, &deployment("web", 3)).await.ok();
    let stuck = api.until(&path, |it| condition(it, "ReplicaFailure").0 == "True").await;
    assert!(
        stuck
            .to_string()
            .contains("exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2")
    );
    let q = api.get("/api/v1/namespaces/t/resourcequotas/q").await.ok();
    assert_eq!(q["status"]["used"], json!({"pods": "2", "count/configmaps": "2"}));
    api.merge("/api/v1/namespaces/t/resourcequotas/q", &json!({"spec": {"hard": {"pods": "3"}}}))
        .await
        .ok();
    api.until(&path, |it| it["status"]["readyReplicas"] == 3).await;
}

#[tokio::test]
async fn containers_that_say_nothing_get_the_limits() {
    let api = Api::new().await;
    let range = json!({
        "apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "l"},
        "spec": {"limits": [{"type": "Container", "default": {"memory": "256Mi"}, "max": {"memory": "1Gi"}}]},
    });
    let made = api.post("/api/v1/namespaces/t/limitranges", &range).await.ok();
    assert_eq!(made["spec"]["limits"][0]["defaultRequest"], json!({"memory": "256Mi"}));
    let pod = |memory: Option<&str>| {
        let mut pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
            "spec": {"containers": [{"name": "a", "image": "x:1"}]},
        });
        if let Some(memory) = memory {
            pod["spec"]["containers"][0]["resources"] = json!({"limits": {"memory": memory}});
        }
        pod
    };
    let refused = api.post(PODS, &pod(Some("2Gi"))).await;
    assert_eq!(
        refused.message(),
        "pods \"p\" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi"
    );
    let made = api.post(PODS, &pod(None)).await.ok();
    assert_eq!(
        made["spec"]["containers"][0]["resources"],
        json!({"limits": {"memory": "256Mi"}, "requests": {"memory": "256Mi"}})
    );
}

#[tokio::test]
async fn everybody_may_do_everything() {
    let api = Api::new().await;
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": "create", "group": "apps", "resource": "deployments"}},
    });
    let answer = api.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &review).await;
    assert_eq!((answer.status, &answer.body["status"]["allowed"]), (201, &json!(true)));
}
