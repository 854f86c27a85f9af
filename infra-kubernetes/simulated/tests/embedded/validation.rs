//! What is refused, and how it is told.

use serde_json::{Value, json};

use crate::api::{Api, DEPLOYMENTS, config, deployment, job};

#[track_caller]
fn told(answer: &crate::api::Answer, message: &str) {
    assert_eq!(answer.status, 422, "{}", answer.body);
    assert_eq!(answer.message(), message);
    assert_eq!(answer.body["reason"], "Invalid");
}

async fn changed(api: &Api, change: impl FnOnce(&mut Value)) -> crate::api::Answer {
    let mut object = deployment("web", 1);
    change(&mut object);
    api.apply(&format!("{DEPLOYMENTS}/web"), &object).await
}

#[tokio::test]
async fn deployments_are_checked() {
    let api = Api::new().await;
    let refused =
        changed(&api, |it| it["spec"]["selector"]["matchLabels"] = json!({"app": "x"})).await;
    told(
        &refused,
        "Deployment.apps \"web\" is invalid: spec.template.metadata.labels: Invalid value: {\"app\":\"web\"}: `selector` does not match template `labels`",
    );
    let refused = changed(&api, |it| {
        it["spec"]["template"]["spec"]["containers"][0].as_object_mut().unwrap().remove("image");
    })
    .await;
    told(
        &refused,
        "Deployment.apps \"web\" is invalid: spec.template.spec.containers[0].image: Required value",
    );
    let refused = changed(&api, |it| it["spec"]["replicas"] = json!(-1)).await;
    told(
        &refused,
        "Deployment.apps \"web\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0",
    );
    let refused = changed(&api, |it| {
        let container = &mut it["spec"]["template"]["spec"]["containers"][0];
        container["volumeMounts"] = json!([{"name": "none", "mountPath": "/x"}]);
        container["ports"] = json!([{"containerPort": 80, "name": "Way_Too_Long_Name"}]);
    })
    .await;
    assert_eq!(
        refused.fields(),
        [
            "spec.template.spec.containers[0].ports[0].name",
            "spec.template.spec.containers[0].volumeMounts[0].name"
        ]
    );
    assert!(refused.message().contains("volumeMounts[0].name: Not found: \"none\""));
    let refused = changed(&api, |it| {
        it["spec"]["template"]["spec"]["containers"][0]["resources"] =
            json!({"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}});
    })
    .await;
    assert!(
        refused.message().contains("must be less than or equal to memory limit of 1Gi"),
        "{}",
        refused.message()
    );
    changed(&api, |_| {}).await.ok();
    let refused = changed(&api, |it| {
        it["spec"]["selector"]["matchLabels"] = json!({"app": "web", "v": "2"});
        it["spec"]["template"]["metadata"]["labels"] = json!({"app": "web", "v": "2"});
    })
    .await;
    told(
        &refused,
        "Deployment.apps \"web\" is invalid: spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"web\",\"v\":\"2\"}}: field is immutable",
    );
}

#[tokio::test]
async fn names_and_quantities_are_checked() {
    let api = Api::new().await;
    let mut object = config("Bad_Name", "1");
    let refused = api.apply("/api/v1/namespaces/t/configmaps/Bad_Name", &object).await;
    assert!(refused.message().starts_with("ConfigMap \"Bad_Name\" is invalid: metadata.name: Invalid value: \"Bad_Name\": a lowercase RFC 1123 subdomain must consist of"));
    object = config("c", "1");
    object["data"] = json!({"bad key": "1"});
    let refused = api.apply("/api/v1/namespaces/t/configmaps/c", &object).await;
    assert_eq!(refused.fields(), ["data[bad key]"]);
    let refused = changed(&api, |it| {
        it["spec"]["template"]["spec"]["containers"][0]["resources"] =
            json!({"requests": {"cpu": "a lot"}});
    })
    .await;
    assert_eq!(refused.status, 400);
    assert!(refused.message().contains("quantities must match the regular expression"));
}

#[tokio::test]
async fn what_may_not_change_does_not() {
    let api = Api::new().await;
    let jobs = "/apis/batch/v1/namespaces/t/jobs/once";
    api.apply(jobs, &job("once")).await.ok();
    let mut other = job("once");
    other["spec"]["template"]["spec"]["containers"][0]["image"] = json!("tool:2");
    let refused = api.apply(jobs, &other).await;
    assert_eq!((refused.status, refused.fields()), (422, vec!["spec.template"]));
    assert!(refused.message().ends_with("field is immutable"));

    let secrets = "/api/v1/namespaces/t/secrets/s";
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "immutable": true, "stringData": {"a": "1"}});
    api.apply(secrets, &secret).await.ok();
    let refused = api.merge(secrets, &json!({"stringData": {"a": "2"}})).await;
    told(
        &refused,
        "Secret \"s\" is invalid: data: Forbidden: field is immutable when `immutable` is set",
    );
    let refused = api.merge(secrets, &json!({"type": "x/y"})).await;
    told(&refused, "Secret \"s\" is invalid: type: Invalid value: \"x/y\": field is immutable");

    let bindings = "/apis/rbac.authorization.k8s.io/v1/namespaces/t/rolebindings/b";
    let mut binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "b"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": "t"}],
    });
    api.apply(bindings, &binding).await.ok();
    binding["roleRef"]["name"] = json!("other");
    let refused = api.apply(bindings, &binding).await;
    assert!(refused.message().ends_with("cannot change roleRef"), "{}", refused.message());

    let sets = "/apis/apps/v1/namespaces/t/statefulsets/db";
    let mut set = deployment("db", 1);
    set["kind"] = json!("StatefulSet");
    set["spec"]["serviceName"] = json!("db");
    api.apply(sets, &set).await.ok();
    set["spec"]["serviceName"] = json!("other");
    let refused = api.apply(sets, &set).await;
    assert!(
        refused
            .message()
            .contains("spec: Forbidden: updates to statefulset spec for fields other than")
    );
}

#[tokio::test]
async fn services_are_checked_against_each_other() {
    let api = Api::new().await;
    let service = |name: &str, port: u32| {
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"type": "NodePort", "selector": {"app": "x"}, "ports": [{"port": 80, "nodePort": port}]},
        })
    };
    let path = |name: &str| format!("/api/v1/namespaces/t/services/{name}");
    api.apply(&path("a"), &service("a", 30080)).await.ok();
    let refused = api.apply(&path("b"), &service("b", 30080)).await;
    told(
        &refused,
        "Service \"b\" is invalid: spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated",
    );
    let refused = api.apply(&path("b"), &service("b", 80)).await;
    told(
        &refused,
        "Service \"b\" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767",
    );
    let refused = api
        .merge(
            &path("a"),
            &json!({"spec": {"clusterIP": "10.100.9.9", "clusterIPs": ["10.100.9.9"]}}),
        )
        .await;
    told(
        &refused,
        "Service \"a\" is invalid: spec.clusterIPs[0]: Invalid value: [\"10.100.9.9\"]: may not change once set",
    );
    let mut many = service("b", 30081);
    many["spec"]["ports"] = json!([{"port": 80}, {"port": 81}]);
    let refused = api.apply(&path("b"), &many).await;
    assert_eq!(refused.fields(), ["spec.ports[0].name", "spec.ports[1].name"]);
}

#[tokio::test]
async fn the_smaller_kinds_are_checked() {
    let api = Api::new().await;
    let budget = json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "p"},
        "spec": {"minAvailable": 1, "maxUnavailable": 1},
    });
    let refused = api.apply("/apis/policy/v1/namespaces/t/poddisruptionbudgets/p", &budget).await;
    assert!(refused.message().ends_with("minAvailable and maxUnavailable cannot be both set"));
    let cron = json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "c"},
        "spec": {"schedule": "every day", "jobTemplate": {"spec": job("x")["spec"]}},
    });
    let refused = api.apply("/apis/batch/v1/namespaces/t/cronjobs/c", &cron).await;
    assert_eq!(refused.fields(), ["spec.schedule"]);
    let scaler = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"},
        "spec": {"minReplicas": 3, "maxReplicas": 2, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}},
    });
    let path = "/apis/autoscaling/v2/namespaces/t/horizontalpodautoscalers/h";
    let refused = api.apply(path, &scaler).await;
    assert_eq!(refused.fields(), ["spec.maxReplicas"]);
    let refused = api.post("/api/v1/namespaces/t/persistentvolumeclaims", &json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c"}, "spec": {},
    })).await;
    assert_eq!(refused.fields(), ["spec.accessModes", "spec.resources[storage]"]);
}
