//! What is ours, what is others', and what happens when both want it.

use infra_core::{Result, Stack};
use infra_kubernetes::{Container, Deployment, Pod};
use serde_json::json;

use super::lab::{Lab, steps};

const WEB: &str = "/apis/apps/v1/namespaces/default/deployments/web";

fn program(stack: &mut Stack) -> Result<()> {
    let container = Container::new("web", "web:1").requests("1000m", "1024Mi").port("http", 80);
    let deployment = Deployment::new("web", Pod::new().container(container)).replicas(2);
    stack.add("web", deployment.label("team", "shop"));
    Ok(())
}

#[tokio::test]
async fn an_edit_of_ours_is_drift_and_is_taken_back() {
    let lab = Lab::new();
    lab.stack.up(program).await.unwrap();
    lab.edit(WEB, json!({"spec": {"replicas": 5}})).await;
    let plan = lab.refreshed(program).await;
    assert_eq!(steps(&plan), ["Update web"]);
    let step = plan.steps.iter().find(|step| step.urn.name() == "web").unwrap();
    let drift: Vec<_> = step.drift.iter().map(|diff| diff.path.to_string()).collect();
    assert_eq!(drift, ["manifest.spec.replicas"]);
    lab.repaired(program).await.unwrap();
    assert_eq!(lab.get(WEB).await["spec"]["replicas"], 2);
    assert!(lab.refreshed(program).await.is_empty());
}

#[tokio::test]
async fn what_others_add_is_theirs() {
    let lab = Lab::new();
    lab.stack.up(program).await.unwrap();
    lab.edit(WEB, json!({"metadata": {"annotations": {"theirs": "x"}}, "spec": {"paused": false, "revisionHistoryLimit": 3}}))
        .await;
    let sidecar = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"template": {"spec": {"containers": [{"name": "side", "image": "side:1"}]}}}});
    lab.kubectl(
        "PATCH",
        &format!("{WEB}?fieldManager=mesh"),
        "application/apply-patch+yaml",
        sidecar,
    )
    .await;
    assert!(lab.refreshed(program).await.is_empty());
    // And it stays when we change something of our own.
    let more = |stack: &mut Stack| -> Result<()> {
        let container = Container::new("web", "web:2").requests("1000m", "1024Mi").port("http", 80);
        let deployment = Deployment::new("web", Pod::new().container(container)).replicas(2);
        stack.add("web", deployment.label("team", "shop"));
        Ok(())
    };
    lab.stack.up(more).await.unwrap();
    let found = lab.get(WEB).await;
    let containers = found["spec"]["template"]["spec"]["containers"].as_array().unwrap();
    let names: Vec<_> = containers.iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["web", "side"]);
    assert_eq!(found["metadata"]["annotations"]["theirs"], "x");
}

#[tokio::test]
async fn what_is_left_out_is_removed_and_deleted_objects_come_again() {
    let lab = Lab::new();
    lab.stack.up(program).await.unwrap();
    let without = |stack: &mut Stack| -> Result<()> {
        let container = Container::new("web", "web:1").requests("1", "1Gi").port("http", 80);
        stack.add("web", Deployment::new("web", Pod::new().container(container)).replicas(2));
        Ok(())
    };
    lab.stack.up(without).await.unwrap();
    assert!(lab.get(WEB).await["metadata"]["labels"].get("team").is_none());
    lab.kubectl("DELETE", WEB, "application/json", json!(null)).await;
    let plan = lab.refreshed(without).await;
    assert!(steps(&plan).contains(&"Create web".to_owned()));
    lab.repaired(without).await.unwrap();
    assert_eq!(lab.get(WEB).await["status"]["availableReplicas"], 2);
}

#[tokio::test]
async fn a_conflict_names_who_and_what_to_do() {
    let lab = Lab::new();
    let first = |stack: &mut Stack| -> Result<()> {
        let pod = Pod::new().container(Container::new("web", "web:1"));
        stack.add("web", Deployment::new("web", pod));
        Ok(())
    };
    lab.stack.up(first).await.unwrap();
    // Left to somebody who scales.
    let scaled = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 4}});
    lab.kubectl(
        "PATCH",
        &format!("{WEB}?fieldManager=scaler"),
        "application/apply-patch+yaml",
        scaled,
    )
    .await;
    let wants = |stack: &mut Stack| -> Result<()> {
        let pod = Pod::new().container(Container::new("web", "web:1"));
        stack.add("web", Deployment::new("web", pod).replicas(2));
        Ok(())
    };
    let error = lab.stack.up(wants).await.unwrap_err().to_string();
    for part in ["scaler", ".spec.replicas", ".take_over(true)"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert_eq!(lab.get(WEB).await["spec"]["replicas"], 4);
    let takes = |stack: &mut Stack| -> Result<()> {
        let pod = Pod::new().container(Container::new("web", "web:1"));
        stack.add("web", Deployment::new("web", pod).replicas(2).take_over());
        Ok(())
    };
    lab.stack.up(takes).await.unwrap();
    assert_eq!(lab.get(WEB).await["spec"]["replicas"], 2);
}
