//! Made, changed, replaced, deleted.

use infra_core::{Result, Stack, prelude::*};
use infra_kubernetes::{
    ConfigMap, Container, Deployment, Job, Namespace, Object, Pod, PodDisruptionBudget, Port,
    Probe, Secret, Service, ServiceAccount, Wait,
};
use serde_json::json;

use super::lab::{Lab, steps};

/// A namespace with a web server in it.
fn web(stack: &mut Stack, image: &str, replicas: i32) {
    let namespace = stack.add("namespace", Namespace::new("web"));
    let account = ServiceAccount::new("web").namespace(&namespace.name).automount(false);
    let account = stack.add("web", account);
    let settings = ConfigMap::new("settings").namespace(&namespace.name).data("level", "info");
    let settings = stack.add("settings", settings);
    let token = stack.secret("token");
    let secret = Secret::new("token").namespace(&namespace.name).data("token", &token);
    let secret = stack.add("token", secret);
    let container = Container::new("web", image)
        .port("http", 8080)
        .env_from_config_map("LEVEL", &settings.name, "level")
        .env_from_secret("TOKEN", &secret.name, "token")
        .requests("100m", "64Mi")
        .readiness(Probe::http("/", 8080))
        .restricted();
    let pod = Pod::new().service_account(&account.name).container(container).user(1000);
    let deployment = Deployment::new("web", pod).namespace(&namespace.name).replicas(replicas);
    let deployment = stack.add("web", deployment);
    let service = Service::new("web", &deployment.name, Port::new(80).target(8080));
    stack.add("web", service.namespace(&namespace.name));
    let budget = PodDisruptionBudget::new("web", &deployment.name).max_unavailable(1);
    stack.add("web", budget.namespace(&namespace.name));
}

#[tokio::test]
async fn everything_is_made_once_changed_in_place_and_gone_at_the_end() {
    let lab = Lab::new();
    let program = |stack: &mut Stack| -> Result<()> {
        web(stack, "web:1", 2);
        Ok(())
    };
    lab.stack.up(program).await.unwrap();
    let deployment = lab.get("/apis/apps/v1/namespaces/web/deployments/web").await;
    assert_eq!(deployment["status"]["availableReplicas"], 2);
    assert_eq!(
        deployment["metadata"]["annotations"]["infra-engine/urn"],
        "kubernetes:apps:Deployment::web"
    );
    lab.cluster.clear_calls();
    assert!(lab.stack.plan(program).await.unwrap().is_empty());
    assert!(lab.refreshed(program).await.is_empty());
    assert_eq!(lab.cluster.calls().iter().filter(|call| call.mutating()).count(), 0);

    let changed = |stack: &mut Stack| -> Result<()> {
        web(stack, "web:2", 3);
        Ok(())
    };
    let plan = lab.stack.plan(changed).await.unwrap();
    assert_eq!(steps(&plan), ["Update web"]);
    let paths: Vec<_> =
        plan.steps.iter().flat_map(|step| &step.paths).map(ToString::to_string).collect();
    assert_eq!(
        paths,
        ["manifest.spec.replicas", "manifest.spec.template.spec.containers[0].image"]
    );
    lab.stack.up(changed).await.unwrap();
    let deployment = lab.get("/apis/apps/v1/namespaces/web/deployments/web").await;
    assert_eq!(deployment["status"]["updatedReplicas"], 3);
    assert_eq!(deployment["spec"]["template"]["spec"]["containers"][0]["image"], "web:2");

    lab.stack.destroy().await.unwrap();
    assert!(lab.cluster.objects().is_empty(), "{:#?}", lab.cluster.objects());
}

#[tokio::test]
async fn what_cannot_change_is_replaced() {
    let lab = Lab::new();
    let job = |what: &'static str| {
        move |stack: &mut Stack| -> Result<()> {
            let container = Container::new("job", "job:1").args([what]);
            stack.add("job", Job::new("job", Pod::new().container(container)));
            Ok(())
        }
    };
    lab.stack.up(job("one")).await.unwrap();
    let first = lab.get("/apis/batch/v1/namespaces/default/jobs/job").await;
    assert_eq!(first["status"]["succeeded"], 1);
    assert!(lab.refreshed(job("one")).await.is_empty());
    assert!(steps(&lab.stack.plan(job("two")).await.unwrap()).contains(&"Create job".to_owned()));
    lab.stack.up(job("two")).await.unwrap();
    let second = lab.get("/apis/batch/v1/namespaces/default/jobs/job").await;
    assert_ne!(first["metadata"]["uid"], second["metadata"]["uid"]);
    assert_eq!(second["spec"]["template"]["spec"]["containers"][0]["args"], json!(["two"]));
}

#[tokio::test]
async fn custom_kinds_come_after_their_definition_and_go_before_it() {
    let lab = Lab::new();
    let program = |stack: &mut Stack| -> Result<()> {
        let definition = stack.add(
            "widgets",
            Object::custom("apiextensions.k8s.io/v1", "CustomResourceDefinition", json!({
                "metadata": {"name": "widgets.example.com"},
                "spec": {"group": "example.com", "scope": "Namespaced",
                    "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
                    "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                        "type": "object", "properties": {"spec": {"type": "object",
                            "properties": {"size": {"type": "integer"}}}}}}}]}
            })),
        );
        let widget = Object::custom(
            "example.com/v1",
            "Widget",
            json!({"metadata": {"name": "w"}, "spec": {"size": 3}}),
        );
        stack.add("widget", widget.depends_on(&definition));
        Ok(())
    };
    lab.stack.up(program).await.unwrap();
    let widget = lab.get("/apis/example.com/v1/namespaces/default/widgets/w").await;
    assert_eq!(widget["spec"]["size"], 3);
    assert!(lab.refreshed(program).await.is_empty());
    lab.stack.destroy().await.unwrap();
    assert!(lab.cluster.objects().is_empty());
}

#[tokio::test]
async fn what_is_waited_for_can_be_said() {
    let lab = Lab::new();
    lab.cluster.faults().image_missing("web:missing");
    let program = |stack: &mut Stack| -> Result<()> {
        let pod = Pod::new().container(Container::new("web", "web:missing"));
        stack.add("web", Deployment::new("web", pod).wait(Wait::Nothing));
        Ok(())
    };
    lab.stack.up(program).await.unwrap();
    assert!(lab.stack.plan(program).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_object_of_somebody_else_is_taken_over_only_when_told() {
    let lab = Lab::new();
    let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"theirs": "x"}});
    lab.kubectl("POST", "/api/v1/namespaces/default/configmaps", "application/json", body).await;
    let settings = || ConfigMap::new("settings").data("ours", "1");
    let plain = move |stack: &mut Stack| -> Result<()> {
        stack.add("settings", settings());
        Ok(())
    };
    let error = lab.stack.up(plain).await.unwrap_err().to_string();
    assert!(error.contains("exists already") && error.contains(".adopt()"), "{error}");
    let adopted = move |stack: &mut Stack| -> Result<()> {
        stack.add("settings", settings().adopt());
        Ok(())
    };
    lab.stack.up(adopted).await.unwrap();
    let found = lab.get("/api/v1/namespaces/default/configmaps/settings").await;
    assert_eq!(found["data"], json!({"ours": "1", "theirs": "x"}));
    assert!(lab.refreshed(adopted).await.is_empty());
}
