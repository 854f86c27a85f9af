//! Typed structs, YAML, and outputs at any depth.

use infra_core::{Result, Stack};
use infra_kubernetes::{
    Namespace, Object,
    api::{
        api::{
            apps::v1::{Deployment, DeploymentSpec},
            core::v1::{ConfigMap, Container, EnvVar, PodSpec, PodTemplateSpec},
        },
        apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta},
    },
    output, yaml,
};

use super::lab::Lab;

#[tokio::test]
async fn outputs_stand_in_typed_structs_at_any_depth() {
    let lab = Lab::new();
    let program = |stack: &mut Stack| -> Result<()> {
        let namespace = stack.add("namespace", Namespace::new("typed"));
        let labels = std::collections::BTreeMap::from([("app".to_owned(), "web".to_owned())]);
        let pod = PodSpec {
            containers: vec![Container {
                name: "web".to_owned(),
                image: Some("web:1".to_owned()),
                env: Some(vec![EnvVar {
                    name: "WHERE".to_owned(),
                    value: Some(format!("uid={}", output::<String, _>(&namespace.uid))),
                    ..EnvVar::default()
                }]),
                ..Container::default()
            }],
            ..PodSpec::default()
        };
        let deployment = Deployment {
            metadata: ObjectMeta {
                name: Some("web".to_owned()),
                namespace: output(&namespace.name),
                ..ObjectMeta::default()
            },
            spec: Some(DeploymentSpec {
                selector: LabelSelector {
                    match_labels: Some(labels.clone()),
                    ..LabelSelector::default()
                },
                template: PodTemplateSpec {
                    metadata: Some(ObjectMeta { labels: Some(labels), ..ObjectMeta::default() }),
                    spec: Some(pod),
                },
                ..DeploymentSpec::default()
            }),
            ..Deployment::default()
        };
        stack.add("web", Object::of(deployment));
        Ok(())
    };
    let plan = lab.stack.plan(program).await.unwrap();
    let web = plan.steps.iter().find(|step| step.urn.name() == "web").unwrap();
    let unknown = "manifest.spec.template.spec.containers[0].env[0].value";
    let path: infra_core::state::Path = unknown.parse().unwrap();
    assert!(path.get(&web.inputs).unwrap().has_unknown());
    lab.stack.up(program).await.unwrap();
    let found = lab.get("/apis/apps/v1/namespaces/typed/deployments/web").await;
    let namespace = lab.get("/api/v1/namespaces/typed").await;
    assert_eq!(
        found["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"],
        format!("uid={}", namespace["metadata"]["uid"].as_str().unwrap())
    );
    assert!(lab.refreshed(program).await.is_empty());
}

#[tokio::test]
async fn yaml_is_applied_in_the_order_it_needs() {
    let lab = Lab::new();
    let program = |stack: &mut Stack| -> Result<()> {
        yaml::add(stack, include_str!("web.yaml"));
        Ok(())
    };
    lab.stack.up(program).await.unwrap();
    assert_eq!(lab.get("/api/v1/namespaces/shop/configmaps/settings").await["data"]["n"], "no");
    assert!(lab.refreshed(program).await.is_empty());
    lab.stack.destroy().await.unwrap();
    assert!(lab.cluster.objects().is_empty());
}

#[tokio::test]
async fn mistakes_are_reported_together_with_their_lines() {
    let lab = Lab::new();
    let program = |stack: &mut Stack| -> Result<()> {
        let namespace = stack.add("namespace", Namespace::new("typed"));
        stack.add("nameless", Object::custom("v1", "ConfigMap", serde_json::json!(3)));
        stack.add("kindless", Object::custom("", "", serde_json::json!({})));
        let map = ConfigMap::default();
        stack.add("wrong", Object::of(map).set("data[0].x", "y"));
        let lost: String = output(&namespace.name);
        stack.export("lost", lost);
        Ok(())
    };
    let error = lab.stack.plan(program).await.unwrap_err();
    let said: Vec<_> = error.mistakes().iter().map(|mistake| mistake.message.clone()).collect();
    let said = said.join("\n");
    for part in
        ["expected an object with `apiVersion`", "expected `apiVersion`", "the export `lost`"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(error.mistakes().iter().all(|mistake| mistake.at.is_some()));
}
