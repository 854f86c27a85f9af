//! Ends.

use serde_json::{Value, json};

use crate::api::{Api, DEPLOYMENTS, PODS, config, deployment};

const MAPS: &str = "/api/v1/namespaces/t/configmaps";

async fn delete(api: &Api, path: &str, policy: &str) -> Value {
    let options = json!({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": policy});
    api.call("DELETE", path, "application/json", Some(&options)).await.ok()
}

fn count(list: &Value) -> usize {
    list["items"].as_array().map_or(usize::MAX, Vec::len)
}

#[tokio::test]
async fn preconditions_hold() {
    let api = Api::new().await;
    let path = format!("{MAPS}/c");
    api.post(MAPS, &config("c", "1")).await.ok();
    let options = json!({"preconditions": {"uid": "0000"}});
    let refused = api.call("DELETE", &path, "application/json", Some(&options)).await;
    assert_eq!(refused.status, 409);
    assert!(
        refused
            .message()
            .contains("Precondition failed: UID in precondition: 0000, UID in object meta: ")
    );
    assert_eq!(api.delete(&path).await.ok()["status"], "Success");
    assert_eq!(api.delete(&path).await.status, 404);
}

#[tokio::test]
async fn a_finalizer_holds_an_object() {
    let api = Api::new().await;
    let path = format!("{MAPS}/c");
    let mut object = config("c", "1");
    object["metadata"]["finalizers"] = json!(["x.io/f"]);
    api.post(MAPS, &object).await.ok();
    api.delete(&path).await.ok();
    assert!(api.get(&path).await.ok()["metadata"]["deletionTimestamp"].is_string());
    api.merge(&path, &json!({"metadata": {"finalizers": null}})).await.ok();
    assert_eq!(api.get(&path).await.status, 404);
}

#[tokio::test]
async fn what_belongs_to_a_deployment_goes_with_it_or_stays() {
    let api = Api::new().await;
    for name in ["back", "front", "orphan"] {
        api.apply(&format!("{DEPLOYMENTS}/{name}"), &deployment(name, 2)).await.ok();
        api.until(&format!("{DEPLOYMENTS}/{name}"), |it| it["status"]["readyReplicas"] == 2).await;
    }
    delete(&api, &format!("{DEPLOYMENTS}/back"), "Background").await;
    assert_eq!(api.get(&format!("{DEPLOYMENTS}/back")).await.status, 404);
    let held = delete(&api, &format!("{DEPLOYMENTS}/front"), "Foreground").await;
    assert_eq!(held["metadata"]["finalizers"], json!(["foregroundDeletion"]));
    api.until_gone(&format!("{DEPLOYMENTS}/front")).await;
    let fronts = format!("{PODS}?labelSelector=app%3Dfront");
    assert!(
        api.get(&fronts).await.ok()["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it["metadata"].get("deletionTimestamp").is_some())
    );
    delete(&api, &format!("{DEPLOYMENTS}/orphan"), "Orphan").await;
    api.until_gone(&format!("{DEPLOYMENTS}/orphan")).await;
    for (name, left) in [("back", 0), ("front", 0), ("orphan", 2)] {
        api.until(&format!("{PODS}?labelSelector=app%3D{name}"), move |it| count(it) == left).await;
    }
    let sets = api.get("/apis/apps/v1/namespaces/t/replicasets").await.ok();
    assert!(sets["items"][0]["metadata"].get("ownerReferences").is_none());
}

#[tokio::test]
async fn a_namespace_ends_with_all_that_is_in_it() {
    let api = Api::new().await;
    api.apply(&format!("{DEPLOYMENTS}/web"), &deployment("web", 1)).await.ok();
    let mut held = config("held", "1");
    held["metadata"]["finalizers"] = json!(["x.io/f"]);
    api.post(MAPS, &held).await.ok();
    let ending = api.delete("/api/v1/namespaces/t").await.ok();
    assert_eq!(ending["status"]["phase"], "Terminating");
    let stuck = api
        .until("/api/v1/namespaces/t", |it| {
            crate::api::condition(it, "NamespaceFinalizersRemaining").0 == "True"
        })
        .await;
    assert_eq!(crate::api::condition(&stuck, "NamespaceContentRemaining").0, "True");
    let refused = api.post(MAPS, &config("new", "1")).await;
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.message(),
        "configmaps \"new\" is forbidden: unable to create new content in namespace t because it is being terminated"
    );
    assert_eq!(refused.body["details"]["causes"][0]["reason"], "NamespaceTerminating");
    api.merge(&format!("{MAPS}/held"), &json!({"metadata": {"finalizers": null}})).await.ok();
    api.until_gone("/api/v1/namespaces/t").await;
    assert_eq!(count(&api.get("/api/v1/pods").await.ok()), 0);
    assert_eq!(api.0.objects(), Vec::<Value>::new());
}

#[tokio::test]
async fn many_go_by_their_labels() {
    let api = Api::new().await;
    for name in ["a", "b", "c"] {
        let mut object = config(name, "1");
        object["metadata"]["labels"] = json!({"go": if name == "c" { "no" } else { "yes" }});
        api.post(MAPS, &object).await.ok();
    }
    api.delete(&format!("{MAPS}?labelSelector=go%3Dyes")).await.ok();
    let left = api.get(&format!("{MAPS}?labelSelector=go")).await.ok();
    assert_eq!(left["items"][0]["metadata"]["name"], "c");
    assert_eq!(count(&left), 1);
}

#[tokio::test]
async fn a_budget_keeps_pods_from_eviction() {
    let api = Api::new().await;
    api.apply(&format!("{DEPLOYMENTS}/web"), &deployment("web", 2)).await.ok();
    let budget = json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"},
        "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}},
    });
    let budgets = "/apis/policy/v1/namespaces/t/poddisruptionbudgets";
    api.apply(&format!("{budgets}/web"), &budget).await.ok();
    api.until(&format!("{budgets}/web"), |it| it["status"]["currentHealthy"] == 2).await;
    let pod = api.get(PODS).await.ok()["items"][0]["metadata"]["name"].as_str().unwrap().to_owned();
    let eviction =
        json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}});
    let path = format!("{PODS}/{pod}/eviction");
    let refused = api.post(&path, &eviction).await;
    assert_eq!(refused.status, 429);
    assert_eq!(
        refused.message(),
        "Cannot evict pod as it would violate the pod's disruption budget."
    );
    api.merge(&format!("{budgets}/web"), &json!({"spec": {"minAvailable": 1}})).await.ok();
    api.until(&format!("{budgets}/web"), |it| it["status"]["disruptionsAllowed"] == 1).await;
    api.post(&path, &eviction).await.ok();
    api.until_gone(&format!("{PODS}/{pod}")).await;
}
