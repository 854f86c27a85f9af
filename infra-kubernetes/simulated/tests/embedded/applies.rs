//! Server-side apply.

use serde_json::json;

use crate::api::{Api, DEPLOYMENTS, config, deployment, managed};

#[tokio::test]
async fn the_same_again_changes_nothing() {
    let api = Api::new().await;
    let path = format!("{DEPLOYMENTS}/web");
    let first = api.apply(&path, &deployment("web", 2)).await;
    assert_eq!(first.status, 201);
    let before = api.until(&path, |it| it["status"]["readyReplicas"] == 2).await;
    let again = api.apply(&path, &deployment("web", 2)).await;
    assert_eq!(again.status, 200);
    assert_eq!(again.body["metadata"]["resourceVersion"], before["metadata"]["resourceVersion"]);
    assert_eq!(again.body["metadata"]["managedFields"], before["metadata"]["managedFields"]);
}

#[tokio::test]
async fn who_applies_owns_what_he_says_and_no_defaults() {
    let api = Api::new().await;
    let made = api.apply(&format!("{DEPLOYMENTS}/web"), &deployment("web", 2)).await.ok();
    assert_eq!(
        managed(&made, "m1", "Apply").unwrap(),
        &json!({
            "f:metadata": {"f:labels": {"f:app": {}}},
            "f:spec": {
                "f:replicas": {}, "f:selector": {},
                "f:template": {
                    "f:metadata": {"f:labels": {"f:app": {}}},
                    "f:spec": {"f:containers": {
                        "k:{\"name\":\"app\"}": {".": {}, "f:name": {}, "f:image": {}},
                    }},
                },
            },
        })
    );
    assert_eq!(made["spec"]["strategy"]["rollingUpdate"]["maxSurge"], "25%");
}

#[tokio::test]
async fn other_changes_are_updates_of_their_manager() {
    let api = Api::new().await;
    let path = format!("{DEPLOYMENTS}/web");
    api.apply(&path, &deployment("web", 2)).await.ok();
    let patched = api.merge(&path, &json!({"spec": {"replicas": 3}})).await.ok();
    assert_eq!(
        managed(&patched, "tester", "Update").unwrap(),
        &json!({"f:spec": {"f:replicas": {}}})
    );
    assert!(managed(&patched, "m1", "Apply").unwrap()["f:spec"].get("f:replicas").is_none());
    let refused = api.apply(&path, &deployment("web", 2)).await;
    assert_eq!(refused.status, 409);
    assert_eq!(
        refused.message(),
        "Apply failed with 1 conflict: conflict with \"tester\" using apps/v1: .spec.replicas"
    );
    assert_eq!(refused.body["details"]["causes"][0]["reason"], "FieldManagerConflict");
    assert_eq!(
        refused.body["details"]["causes"][0]["message"],
        "conflict with \"tester\" using apps/v1"
    );
    let forced = api.apply_as("m1", &path, &deployment("web", 2), "&force=true").await.ok();
    assert_eq!(forced["spec"]["replicas"], 2);
    assert!(managed(&forced, "tester", "Update").is_none());
}

#[tokio::test]
async fn several_conflicts_are_told_together() {
    let api = Api::new().await;
    let path = "/api/v1/namespaces/t/configmaps/c";
    let mut object = config("c", "1");
    object["data"]["b"] = json!("1");
    api.apply(path, &object).await.ok();
    let mut other = config("c", "2");
    other["data"]["b"] = json!("2");
    let refused = api.apply_as("m2", path, &other, "").await;
    assert_eq!(
        refused.message(),
        "Apply failed with 2 conflicts: conflicts with \"m1\":\n- .data.a\n- .data.b"
    );
    assert_eq!(refused.fields(), [".data.a", ".data.b"]);
}

#[tokio::test]
async fn what_is_not_applied_any_more_goes_unless_it_is_shared() {
    let api = Api::new().await;
    let path = "/api/v1/namespaces/t/configmaps/c";
    let mut object = config("c", "1");
    object["data"]["b"] = json!("1");
    object["metadata"]["labels"] = json!({"x": "y"});
    api.apply(path, &object).await.ok();
    let shared = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"b": "1"},
    });
    api.apply_as("m2", path, &shared, "").await.ok();
    let less = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}});
    let left = api.apply(path, &less).await.ok();
    assert_eq!(left["data"], json!({"b": "1"}));
    assert!(left["metadata"].get("labels").is_none());
    assert!(managed(&left, "m1", "Apply").is_none());
}

#[tokio::test]
async fn a_list_item_goes_with_its_key() {
    let api = Api::new().await;
    let path = format!("{DEPLOYMENTS}/web");
    let mut object = deployment("web", 1);
    let env = |names: &[&str]| -> Vec<_> {
        names.iter().map(|name| json!({"name": name, "value": "1"})).collect()
    };
    let ports = json!([{"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}]);
    object["spec"]["template"]["spec"]["containers"][0]["env"] = json!(env(&["A", "B", "C"]));
    object["spec"]["template"]["spec"]["containers"][0]["ports"] = ports;
    api.apply(&path, &object).await.ok();
    object["spec"]["template"]["spec"]["containers"][0]["env"] = json!(env(&["C", "A"]));
    object["spec"]["template"]["spec"]["containers"][0]["ports"] = json!([{"containerPort": 80}]);
    let changed = api.apply(&path, &object).await.ok();
    let container = &changed["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["env"], json!(env(&["C", "A"])));
    assert_eq!(container["ports"], json!([{"containerPort": 80, "protocol": "TCP"}]));
    assert_eq!(changed["metadata"]["generation"], 2);
}

#[tokio::test]
async fn a_dry_run_over_what_one_owns_shows_drift() {
    let api = Api::new().await;
    let path = "/api/v1/namespaces/t/configmaps/c";
    api.apply(path, &config("c", "1")).await.ok();
    api.merge(path, &json!({"data": {"a": "drifted", "more": "1"}})).await.ok();
    let before = api.get(path).await.ok();
    let dry = api.apply_as("m1", path, &config("c", "1"), "&dryRun=All&force=true").await.ok();
    assert_eq!(dry["data"], json!({"a": "1", "more": "1"}));
    assert_eq!(api.get(path).await.ok(), before);
}

#[tokio::test]
async fn one_form_of_a_value_is_kept() {
    let api = Api::new().await;
    let path = format!("{DEPLOYMENTS}/web");
    let mut object = deployment("web", 1);
    let container = &mut object["spec"]["template"]["spec"]["containers"][0];
    container["resources"] =
        json!({"requests": {"cpu": "0.5", "memory": "1024Mi"}, "limits": {"cpu": 1}});
    container["env"] = json!([{"name": "EMPTY", "value": ""}]);
    object["spec"]["template"]["spec"]["hostNetwork"] = json!(false);
    let made = api.apply(&path, &object).await.ok();
    let container = &made["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(
        container["resources"],
        json!({"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"cpu": "1"}})
    );
    assert_eq!(container["env"], json!([{"name": "EMPTY"}]));
    assert!(made["spec"]["template"]["spec"].get("hostNetwork").is_none());
    let settled = api.until(&path, |it| it["status"]["readyReplicas"] == 1).await;
    let again = api.apply(&path, &object).await.ok();
    assert_eq!(again["metadata"]["resourceVersion"], settled["metadata"]["resourceVersion"]);
}

#[tokio::test]
async fn what_the_schema_does_not_have_is_refused() {
    let api = Api::new().await;
    let path = format!("{DEPLOYMENTS}/web");
    let mut object = deployment("web", 1);
    object["spec"]["nope"] = json!(1);
    let refused = api.apply(&path, &object).await;
    assert_eq!(refused.status, 500);
    assert_eq!(
        refused.message(),
        "failed to create typed patch object (t/web; apps/v1, Kind=Deployment): .spec.nope: field not declared in schema"
    );
    let mut object = deployment("web", 1);
    object["spec"]["replicas"] = json!("x");
    let refused = api.apply(&path, &object).await;
    assert!(
        refused.message().ends_with(".spec.replicas: expected numeric (int or float), got string")
    );
    let mut object = deployment("web", 1);
    let twice = json!([{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]);
    object["spec"]["template"]["spec"]["containers"][0]["env"] = twice;
    let refused = api.apply(&path, &object).await;
    assert!(refused.message().contains(
        ".spec.template.spec.containers[name=\"app\"].env: duplicate entries for key [name=\"A\"]"
    ), "{}", refused.message());
}

#[tokio::test]
async fn a_manager_is_required_and_yaml_is_read() {
    let api = Api::new().await;
    let path = "/api/v1/namespaces/t/configmaps/c";
    let refused = api.call("PATCH", path, crate::api::APPLY, Some(&config("c", "1"))).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.message().contains("fieldManager: Required value: is required for apply patch")
    );
    let yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  a: \"yes\"\n";
    let request = ::http::Request::builder()
        .method("PATCH")
        .uri(format!("{path}?fieldManager=m1"))
        .header("content-type", crate::api::APPLY)
        .body(http_body_util::Full::new(bytes::Bytes::from(yaml)))
        .unwrap();
    let reply = tower::ServiceExt::oneshot(api.0.clone(), request).await.unwrap();
    assert_eq!(reply.status(), 201);
    assert_eq!(api.get(path).await.ok()["data"], json!({"a": "yes"}));
}

#[tokio::test]
async fn controllers_do_not_take_what_one_applied() {
    let api = Api::new().await;
    let path = format!("{DEPLOYMENTS}/web");
    api.apply(&path, &deployment("web", 2)).await.ok();
    let scaler = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"},
        "spec": {
            "minReplicas": 3, "maxReplicas": 5,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        },
    });
    let scalers = "/apis/autoscaling/v2/namespaces/t/horizontalpodautoscalers";
    api.apply(&format!("{scalers}/web"), &scaler).await.ok();
    let live = api.until(&path, |it| it["status"]["readyReplicas"] == 3).await;
    assert!(managed(&live, "m1", "Apply").unwrap()["f:spec"].get("f:template").is_some());
    let refused = api.apply(&path, &deployment("web", 2)).await;
    assert_eq!(refused.fields(), [".spec.replicas"]);
    let mut without = deployment("web", 2);
    without["spec"].as_object_mut().unwrap().remove("replicas");
    let left = api.apply(&path, &without).await.ok();
    assert_eq!(left["spec"]["replicas"], 3);
}

#[tokio::test]
async fn two_managers_have_a_container_each() {
    let api = Api::new().await;
    let path = format!("{DEPLOYMENTS}/web");
    api.apply(&path, &deployment("web", 1)).await.ok();
    let side = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"template": {"spec": {"containers": [{"name": "side", "image": "side:1"}]}}},
    });
    let both = api.apply_as("m2", &path, &side, "").await.ok();
    let names = |object: &serde_json::Value| -> Vec<_> {
        let containers = object["spec"]["template"]["spec"]["containers"].as_array().unwrap();
        containers.iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&both), ["app", "side"]);
    let again = api.apply(&path, &deployment("web", 1)).await.ok();
    assert_eq!(names(&again), ["app", "side"]);
    let mut none = side.clone();
    none["spec"] = json!({});
    let alone = api.apply_as("m2", &path, &none, "").await.ok();
    assert_eq!(names(&alone), ["app"]);
}

#[tokio::test]
async fn only_another_wish_is_another_generation() {
    let api = Api::new().await;
    let path = format!("{DEPLOYMENTS}/web");
    let mut object = deployment("web", 1);
    api.apply(&path, &object).await.ok();
    object["metadata"]["labels"]["more"] = json!("1");
    assert_eq!(api.apply(&path, &object).await.ok()["metadata"]["generation"], 1);
    object["spec"]["replicas"] = json!(2);
    assert_eq!(api.apply(&path, &object).await.ok()["metadata"]["generation"], 2);
}

#[tokio::test]
async fn an_object_of_another_identity_is_not_made_again() {
    let api = Api::new().await;
    let path = "/api/v1/namespaces/t/configmaps/c";
    let mut object = config("c", "1");
    object["metadata"]["uid"] = json!("0000");
    let refused = api.apply(path, &object).await;
    assert_eq!(refused.status, 409);
    assert!(refused.message().contains("uid mismatch: the provided object specified uid 0000"));
    let nowhere = api.apply("/api/v1/namespaces/none/configmaps/c", &config("c", "1")).await;
    assert_eq!((nowhere.status, nowhere.message()), (404, "namespaces \"none\" not found"));
}

#[tokio::test]
async fn an_older_version_of_a_kind_is_another_view() {
    let api = Api::new().await;
    let object = json!({
        "apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"},
        "spec": {
            "maxReplicas": 3, "targetCPUUtilizationPercentage": 60,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        },
    });
    let scalers = "namespaces/t/horizontalpodautoscalers";
    let made = api.post(&format!("/apis/autoscaling/v1/{scalers}"), &object).await.ok();
    assert_eq!(
        (&made["apiVersion"], &made["spec"]["targetCPUUtilizationPercentage"]),
        (&json!("autoscaling/v1"), &json!(60))
    );
    let second = api.get(&format!("/apis/autoscaling/v2/{scalers}/h")).await.ok();
    assert_eq!(second["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 60);
}

/// As `kubectl create deployment` and `kubectl expose` leave them on a real API.
#[tokio::test]
async fn who_creates_owns_defaults_but_not_what_is_allocated() {
    let api = Api::new().await;
    let mut object = deployment("web", 1);
    object["spec"]["template"]["spec"]["containers"][0]["name"] = json!("nginx");
    let made = api.post(DEPLOYMENTS, &object).await.ok();
    let container = json!({
        ".": {}, "f:image": {}, "f:imagePullPolicy": {}, "f:name": {}, "f:resources": {},
        "f:terminationMessagePath": {}, "f:terminationMessagePolicy": {},
    });
    let expected = json!({
        "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
        "f:spec": {
            "f:progressDeadlineSeconds": {}, "f:replicas": {}, "f:revisionHistoryLimit": {}, "f:selector": {},
            "f:strategy": {
                "f:rollingUpdate": {".": {}, "f:maxSurge": {}, "f:maxUnavailable": {}}, "f:type": {},
            },
            "f:template": {
                "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
                "f:spec": {
                    "f:containers": {"k:{\"name\":\"nginx\"}": container}, "f:dnsPolicy": {},
                    "f:restartPolicy": {}, "f:schedulerName": {}, "f:securityContext": {},
                    "f:terminationGracePeriodSeconds": {},
                },
            },
        },
    });
    assert_eq!(managed(&made, "tester", "Update").unwrap(), &expected);
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    });
    let made = api.post("/api/v1/namespaces/t/services", &service).await.ok();
    let port = json!({".": {}, "f:port": {}, "f:protocol": {}, "f:targetPort": {}});
    let expected = json!({"f:spec": {
        "f:internalTrafficPolicy": {}, "f:ports": {".": {}, "k:{\"port\":80,\"protocol\":\"TCP\"}": port},
        "f:selector": {}, "f:sessionAffinity": {}, "f:type": {},
    }});
    assert_eq!(managed(&made, "tester", "Update").unwrap(), &expected);
}
