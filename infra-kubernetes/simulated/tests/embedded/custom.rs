//! Kinds that definitions add.

use serde_json::{Value, json};

use crate::api::{Api, condition, managed};

const DEFINITION: &str =
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/tasks.x.example.com";
const TASKS: &str = "/apis/x.example.com/v1/namespaces/t/tasks";

fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "tasks.x.example.com"},
        "spec": {
            "group": "x.example.com", "scope": "Namespaced",
            "names": {"plural": "tasks", "kind": "Task", "shortNames": ["tk"]},
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {
                    "type": "object", "required": ["spec"],
                    "properties": {
                        "spec": {
                            "type": "object", "required": ["size"],
                            "properties": {
                                "size": {"type": "integer", "minimum": 1},
                                "code": {"type": "string", "pattern": "^[a-z]+$"},
                                "mode": {"type": "string", "enum": ["fast", "slow"], "default": "slow"},
                                "steps": {
                                    "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                                    "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "run": {"type": "string"}}},
                                },
                                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                            },
                        },
                        "status": {"type": "object", "properties": {"done": {"type": "boolean"}}},
                    },
                }},
            }],
        },
    })
}

fn task(size: i64) -> Value {
    json!({
        "apiVersion": "x.example.com/v1", "kind": "Task", "metadata": {"name": "a"},
        "spec": {"size": size, "steps": [{"name": "one"}], "free": {"any": {"thing": [1]}}},
    })
}

async fn with_definition() -> Api {
    let api = Api::new().await;
    assert_eq!(api.get(TASKS).await.status, 404);
    api.apply(DEFINITION, &definition()).await.ok();
    let live = api.until(DEFINITION, |it| condition(it, "Established").0 == "True").await;
    assert_eq!(live["status"]["acceptedNames"]["singular"], "task");
    assert_eq!(live["status"]["storedVersions"], json!(["v1"]));
    api
}

#[tokio::test]
async fn a_defined_kind_is_served() {
    let api = with_definition().await;
    let found = api.get("/apis/x.example.com/v1").await.ok();
    assert_eq!(found["resources"][0]["shortNames"], json!(["tk"]));
    let made = api.apply(&format!("{TASKS}/a"), &task(1)).await;
    assert_eq!(made.status, 201);
    let made = made.ok();
    assert_eq!(
        (&made["spec"]["mode"], &made["spec"]["free"]["any"]["thing"]),
        (&json!("slow"), &json!([1]))
    );
    let fields = managed(&made, "m1", "Apply").unwrap();
    assert!(fields["f:spec"]["f:steps"].get("k:{\"name\":\"one\"}").is_some(), "{fields}");
    let mut other = task(1);
    other["spec"]["steps"] = json!([{"name": "two"}]);
    let both = api.apply_as("m2", &format!("{TASKS}/a"), &other, "").await.ok();
    assert_eq!(both["spec"]["steps"], json!([{"name": "one"}, {"name": "two"}]));
    let status =
        api.merge(&format!("{TASKS}/a/status"), &json!({"status": {"done": true}})).await.ok();
    assert_eq!(
        (&status["status"]["done"], &status["metadata"]["generation"]),
        (&json!(true), &json!(2))
    );
    let doc = api.get("/openapi/v3/apis/x.example.com/v1").await.ok();
    assert!(doc["components"]["schemas"].get("com.example.x.v1.Task").is_some());
}

#[tokio::test]
async fn its_objects_are_checked_and_pruned() {
    let api = with_definition().await;
    let refused = api.apply(&format!("{TASKS}/a"), &task(0)).await;
    assert_eq!(
        refused.message(),
        "Task.x.example.com \"a\" is invalid: spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1"
    );
    let mut object = task(1);
    object["spec"]["mode"] = json!("odd");
    let refused = api.post(TASKS, &object).await;
    assert!(
        refused.message().contains(
            "spec.mode: Unsupported value: \"odd\": supported values: \"fast\", \"slow\""
        )
    );
    object["spec"] = json!({"size": 1, "code": "A1"});
    assert!(
        api.post(TASKS, &object)
            .await
            .message()
            .contains("spec.code in body should match '^[a-z]+$'")
    );
    object["spec"] = json!({"mode": "fast"});
    assert!(api.post(TASKS, &object).await.message().contains("spec.size: Required value"));
    object["spec"] = json!({"size": "x"});
    let refused = api.post(TASKS, &object).await;
    assert!(
        refused.message().contains("spec.size in body must be of type integer: \"string\""),
        "{}",
        refused.message()
    );
    object["spec"] = json!({"size": 1, "unknown": 1});
    let made = api.post(TASKS, &object).await;
    assert_eq!(made.warnings, ["299 - \"unknown field \\\"spec.unknown\\\"\""]);
    assert!(made.ok()["spec"].get("unknown").is_none());
}

#[tokio::test]
async fn its_objects_go_with_the_definition() {
    let api = with_definition().await;
    api.apply(&format!("{TASKS}/a"), &task(1)).await.ok();
    api.delete(DEFINITION).await.ok();
    api.until_gone(DEFINITION).await;
    assert_eq!(api.get(TASKS).await.status, 404);
    api.apply(DEFINITION, &definition()).await.ok();
    api.until(DEFINITION, |it| condition(it, "Established").0 == "True").await;
    assert_eq!(api.get(TASKS).await.ok()["items"], json!([]));
}

#[tokio::test]
async fn a_definition_is_checked() {
    let api = Api::new().await;
    let mut object = definition();
    object["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
        ["size"] = json!({});
    let refused = api.apply(DEFINITION, &object).await;
    assert_eq!(refused.status, 422);
    assert!(refused.fields()[0].ends_with("properties[size].type"), "{:?}", refused.fields());
}
