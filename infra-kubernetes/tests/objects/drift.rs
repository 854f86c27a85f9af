//! What is ours, what is others', and what happens when both want it.

use infra_core::{
    Result, Stack,
    command::{
        Confirmed,
        drift::{DriftOptions, FixOptions, Fixed, fix},
    },
    drift::Repair,
    prelude::*,
};
use infra_kubernetes::{ConfigMap, Container, Deployment, Object, Pod};
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

/// What `drift --fix` does, with and without leave to take capacity away.
async fn fixed(
    lab: &Lab,
    program: impl Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    allow_shrink: bool,
) -> Fixed {
    let engine = lab.stack.engine(program).await.unwrap();
    let drift = DriftOptions { allow_shrink, ..DriftOptions::default() };
    let options = FixOptions { drift, parallel: 4, ..FixOptions::default() };
    fix(&engine, &options, &Confirmed).await.unwrap_or_else(|e| panic!("{e:?}"))
}

#[tokio::test]
async fn what_somebody_scaled_up_is_not_scaled_down_unasked() {
    let lab = Lab::new();
    lab.stack.up(program).await.unwrap();
    lab.edit(WEB, json!({"spec": {"replicas": 12}})).await;
    let left = fixed(&lab, program, false).await;
    assert_eq!((left.left, left.summary.is_none()), (1, true));
    let Repair::Nothing(why) = &left.report.findings[0].repair else { panic!("{left:?}") };
    assert!(why.contains("`spec.replicas` 12 -> 2") && why.contains("--allow-shrink"), "{why}");
    assert_eq!(lab.get(WEB).await["spec"]["replicas"], 12);
    assert_eq!(fixed(&lab, program, true).await.left, 0);
    assert_eq!(lab.get(WEB).await["spec"]["replicas"], 2);
    // Scaled down it comes back without a question.
    lab.edit(WEB, json!({"spec": {"replicas": 1}})).await;
    assert_eq!(fixed(&lab, program, false).await.left, 0);
    assert_eq!(lab.get(WEB).await["spec"]["replicas"], 2);
    assert!(lab.refreshed(program).await.is_empty());
}

#[tokio::test]
async fn what_an_autoscaler_set_stays_when_something_else_is_put_right() {
    let left_out = |stack: &mut Stack| -> Result<()> {
        let container = Container::new("web", "web:1").requests("1", "1Gi").port("http", 80);
        stack.add(
            "web",
            Deployment::new("web", Pod::new().container(container)).label("team", "shop"),
        );
        Ok(())
    };
    let ignored = |stack: &mut Stack| -> Result<()> {
        let container = Container::new("web", "web:1").requests("1", "1Gi").port("http", 80);
        let web = Deployment::new("web", Pod::new().container(container)).replicas(2);
        stack.add("web", web.label("team", "shop").ignore_changes(["manifest.spec.replicas"]));
        Ok(())
    };
    for program in [left_out, ignored] {
        let lab = Lab::new();
        lab.stack.up(program).await.unwrap();
        lab.edit(WEB, json!({"spec": {"replicas": 12}, "metadata": {"labels": {"team": "x"}}}))
            .await;
        let done = fixed(&lab, program, false).await;
        assert_eq!((done.left, done.report.findings.len()), (0, 1), "{:#?}", done.report);
        let web = lab.get(WEB).await;
        assert_eq!(web["metadata"]["labels"]["team"], "shop");
        assert_eq!(web["spec"]["replicas"], 12);
        assert!(lab.refreshed(program).await.is_empty());
    }
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

#[tokio::test]
async fn an_edit_shows_while_a_rollout_is_under_way() {
    let lab = Lab::new();
    lab.stack.up(program).await.unwrap();
    lab.cluster.faults().never_ready("evil");
    lab.edit(WEB, json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "evil:1"}]}}}}))
        .await;
    let plan = lab.refreshed(program).await;
    let step = plan.steps.iter().find(|step| step.urn.name() == "web").unwrap();
    let drift: Vec<_> = step.drift.iter().map(|diff| diff.path.to_string()).collect();
    assert!(drift.iter().any(|path| path.ends_with("containers[0].image")), "{drift:?}");
    lab.repaired(program).await.unwrap();
    assert!(lab.refreshed(program).await.is_empty());
}

#[tokio::test]
async fn an_object_that_somebody_made_again_is_theirs() {
    let lab = Lab::new();
    let path = "/api/v1/namespaces/default/configmaps";
    let program = |stack: &mut Stack| -> Result<()> {
        stack.add("settings", ConfigMap::new("settings").data("level", "info"));
        Ok(())
    };
    lab.stack.up(program).await.unwrap();
    lab.kubectl("DELETE", &format!("{path}/settings"), "application/json", json!(null)).await;
    let theirs = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"theirs": "x"}});
    lab.kubectl("POST", path, "application/json", theirs).await;
    // It does not go with the stack.
    let error = lab.stack.destroy().await.unwrap_err().to_string();
    assert!(
        error.contains("is not the object that this stack made") && error.contains("state rm"),
        "{error}"
    );
    assert_eq!(lab.get(&format!("{path}/settings")).await["data"]["theirs"], "x");
    // With the declaration still there it is seen, and becomes ours again.
    assert_eq!(steps(&*lab.refreshed(program).await), ["Update settings"]);
    lab.repaired(program).await.unwrap();
    lab.stack.destroy().await.unwrap();
    assert!(lab.cluster.objects().is_empty());
}

#[tokio::test]
async fn what_a_kind_has_not_is_no_difference() {
    let lab = Lab::new();
    let program = |stack: &mut Stack| -> Result<()> {
        // As charts have it.
        let role = json!({"metadata": {"name": "shop:reader", "namespace": "shop"},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]});
        stack.add("reader", Object::custom("rbac.authorization.k8s.io/v1", "ClusterRole", role));
        Ok(())
    };
    lab.stack.up(program).await.unwrap();
    assert!(lab.refreshed(program).await.is_empty());
    let error = lab.stack.plan(|stack: &mut Stack| {
        let job = json!({"metadata": {"name": "j"}, "spec": {"ttlSecondsAfterFinished": 60, "template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "j", "image": "j:1"}]}}}});
        stack.add("job", Object::custom("batch/v1", "Job", job));
        stack.add("typo", Object::custom("apps/v1", "Deploymnt", json!({"metadata": {"name": "x"}})));
        Ok(())
    });
    assert!(error.await.unwrap_err().mistakes()[0].message.contains("ttlSecondsAfterFinished"));
    let error = lab.stack.up(|stack: &mut Stack| {
        stack.add(
            "typo",
            Object::custom("apps/v1", "Deploymnt", json!({"metadata": {"name": "x"}})),
        );
        Ok(())
    });
    let error = error.await.unwrap_err().to_string();
    assert!(error.contains("no Deploymnt in apps/v1"), "{error}");
}
