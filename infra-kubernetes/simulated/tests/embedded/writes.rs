//! Creates, updates, patches.

use serde_json::json;

use crate::api::{Api, DEPLOYMENTS, JSON, STRATEGIC, config, deployment};

const MAPS: &str = "/api/v1/namespaces/t/configmaps";

#[tokio::test]
async fn what_exists_is_not_made_again() {
    let api = Api::new().await;
    assert_eq!(api.post(MAPS, &config("c", "1")).await.status, 201);
    let again = api.post(MAPS, &config("c", "1")).await;
    assert_eq!((again.status, again.message()), (409, "configmaps \"c\" already exists"));
    let absent = api.get(&format!("{DEPLOYMENTS}/none")).await;
    assert_eq!((absent.status, absent.message()), (404, "deployments.apps \"none\" not found"));
    let nowhere = api.post("/api/v1/namespaces/nowhere/configmaps", &config("c", "1")).await;
    assert_eq!((nowhere.status, nowhere.message()), (404, "namespaces \"nowhere\" not found"));
}

#[tokio::test]
async fn names_are_generated() {
    let api = Api::new().await;
    let mut object = config("c", "1");
    object["metadata"] = json!({"generateName": "c-"});
    let one = api.post(MAPS, &object).await.ok();
    let two = api.post(MAPS, &object).await.ok();
    assert!(one["metadata"]["name"].as_str().unwrap().starts_with("c-"));
    assert_ne!(one["metadata"]["name"], two["metadata"]["name"]);
}

#[tokio::test]
async fn an_old_version_is_not_written_over_a_new_one() {
    let api = Api::new().await;
    let path = format!("{MAPS}/c");
    let mut old = api.post(MAPS, &config("c", "1")).await.ok();
    api.merge(&path, &json!({"data": {"a": "2"}})).await.ok();
    old["data"]["a"] = json!("3");
    let refused = api.put(&path, &old).await;
    assert_eq!((refused.status, refused.body["reason"].as_str()), (409, Some("Conflict")));
    assert_eq!(
        refused.message(),
        "Operation cannot be fulfilled on configmaps \"c\": the object has been modified; please apply your changes to the latest version and try again"
    );
    let mut stranger = api.get(&path).await.ok();
    stranger["metadata"]["uid"] = json!("0000");
    assert!(api.put(&path, &stranger).await.message().contains("Precondition failed: UID"));
}

#[tokio::test]
async fn unknown_fields_are_dropped_warned_about_or_refused() {
    let api = Api::new().await;
    let mut object = deployment("web", 1);
    object["spec"]["nope"] = json!(1);
    let refused = api.post(&format!("{DEPLOYMENTS}?fieldValidation=Strict"), &object).await;
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.message(),
        "Deployment in version \"v1\" cannot be handled as a Deployment: strict decoding error: unknown field \"spec.nope\""
    );
    let warned = api.post(DEPLOYMENTS, &object).await;
    assert_eq!(warned.warnings, ["299 - \"unknown field \\\"spec.nope\\\"\""]);
    assert!(warned.ok()["spec"].get("nope").is_none());
    object["spec"]["replicas"] = json!("x");
    let wrong = api.post(DEPLOYMENTS, &object).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.message().contains("json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"), "{}", wrong.message());
}

#[tokio::test]
async fn strategic_patches_merge_lists_by_their_keys() {
    let api = Api::new().await;
    let path = format!("{DEPLOYMENTS}/web");
    let mut object = deployment("web", 1);
    object["spec"]["template"]["spec"]["containers"][0]["env"] =
        json!([{"name": "A", "value": "1"}, {"name": "B", "value": "1"}]);
    api.post(DEPLOYMENTS, &object).await.ok();
    let change = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "app", "image": "nginx:2", "env": [{"name": "B", "$patch": "delete"}, {"name": "C", "value": "1"}]},
        {"name": "side", "image": "side:1"},
    ]}}}});
    let changed = api.call("PATCH", &path, STRATEGIC, Some(&change)).await.ok();
    let containers = &changed["spec"]["template"]["spec"]["containers"];
    assert_eq!(containers[0]["image"], "nginx:2");
    assert_eq!(
        containers[0]["env"],
        json!([{"name": "A", "value": "1"}, {"name": "C", "value": "1"}])
    );
    assert_eq!(containers[1]["name"], "side");
    let gone = json!({"spec": {"template": {"spec": {"containers": [{"name": "side", "$patch": "delete"}]}}}});
    let changed = api.call("PATCH", &path, STRATEGIC, Some(&gone)).await.ok();
    assert_eq!(changed["spec"]["template"]["spec"]["containers"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn json_patches_test_before_they_change() {
    let api = Api::new().await;
    let path = format!("{MAPS}/c");
    api.post(MAPS, &config("c", "1")).await.ok();
    let change = json!([
        {"op": "test", "path": "/data/a", "value": "1"}, {"op": "replace", "path": "/data/a", "value": "2"},
    ]);
    assert_eq!(api.call("PATCH", &path, JSON, Some(&change)).await.ok()["data"]["a"], "2");
    let again = api.call("PATCH", &path, JSON, Some(&change)).await;
    assert_eq!(again.status, 422);
}

#[tokio::test]
async fn nothing_of_a_dry_run_stays() {
    let api = Api::new().await;
    let made = api.post(&format!("{MAPS}?dryRun=All"), &config("c", "1")).await;
    assert_eq!(made.status, 201);
    assert_eq!(api.get(&format!("{MAPS}/c")).await.status, 404);
    api.post(MAPS, &config("c", "1")).await.ok();
    let before = api.get(&format!("{MAPS}/c")).await.ok();
    api.merge(&format!("{MAPS}/c?dryRun=All"), &json!({"data": {"a": "2"}})).await.ok();
    api.delete(&format!("{MAPS}/c?dryRun=All")).await.ok();
    assert_eq!(api.get(&format!("{MAPS}/c")).await.ok(), before);
}

#[tokio::test]
async fn status_and_wish_are_apart() {
    let api = Api::new().await;
    let path = format!("{DEPLOYMENTS}/web");
    let mut object = deployment("web", 1);
    object["status"] = json!({"replicas": 7});
    let made = api.post(DEPLOYMENTS, &object).await.ok();
    assert!(made.get("status").is_none());
    let change = json!({"spec": {"replicas": 9}, "status": {"collisionCount": 1}});
    let changed = api.merge(&format!("{path}/status"), &change).await.ok();
    assert_eq!(
        (&changed["spec"]["replicas"], &changed["status"]["collisionCount"]),
        (&json!(1), &json!(1))
    );
    let changed = api.merge(&path, &json!({"status": {"collisionCount": 2}})).await.ok();
    assert_eq!(changed["status"]["collisionCount"], 1);
}

#[tokio::test]
async fn the_scale_is_set_without_the_object() {
    let api = Api::new().await;
    api.post(DEPLOYMENTS, &deployment("web", 1)).await.ok();
    let path = format!("{DEPLOYMENTS}/web/scale");
    let mut scale = api.get(&path).await.ok();
    assert_eq!((&scale["kind"], &scale["spec"]["replicas"]), (&json!("Scale"), &json!(1)));
    scale["spec"]["replicas"] = json!(2);
    api.put(&path, &scale).await.ok();
    let live =
        api.until(&format!("{DEPLOYMENTS}/web"), |it| it["status"]["readyReplicas"] == 2).await;
    let entry = live["metadata"]["managedFields"].as_array().unwrap().iter();
    let scales: Vec<_> = entry.filter(|it| it["subresource"] == "scale").collect();
    assert_eq!(scales[0]["fieldsV1"], json!({"f:spec": {"f:replicas": {}}}));
}

#[tokio::test]
async fn secrets_and_services_get_what_they_do_not_say() {
    let api = Api::new().await;
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "b"},
    });
    let made = api.apply("/api/v1/namespaces/t/secrets/s", &secret).await.ok();
    assert_eq!((&made["data"]["a"], &made["type"]), (&json!("Yg=="), &json!("Opaque")));
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"},
        "spec": {"type": "NodePort", "selector": {"app": "x"}, "ports": [{"port": 80}]},
    });
    let path = "/api/v1/namespaces/t/services/s";
    let made = api.apply(path, &service).await.ok();
    assert!(made["spec"]["clusterIP"].as_str().unwrap().starts_with("10.100."));
    assert_eq!(made["spec"]["clusterIPs"][0], made["spec"]["clusterIP"]);
    let port = made["spec"]["ports"][0]["nodePort"].as_i64().unwrap();
    assert!((30000..=32767).contains(&port));
    let again = api.apply(path, &service).await.ok();
    assert_eq!(again["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"]);
    let mut bare = service.clone();
    bare["metadata"]["resourceVersion"] = made["metadata"]["resourceVersion"].clone();
    let put = api.put(path, &bare).await.ok();
    assert_eq!(put["spec"]["ports"][0]["nodePort"], port);
    let mut inner = service.clone();
    inner["spec"]["type"] = json!("ClusterIP");
    let switched = api.apply(path, &inner).await.ok();
    assert!(switched["spec"]["ports"][0].get("nodePort").is_none());
    assert_eq!(switched["spec"]["clusterIP"], made["spec"]["clusterIP"]);
}
