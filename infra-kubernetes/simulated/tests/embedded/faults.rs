//! What goes wrong on request.

use infra_kubernetes_simulated::{Kubernetes, Settings};
use serde_json::{Value, json};

use crate::api::{Api, DEPLOYMENTS, PODS, condition, config, deployment, job};

fn waiting(list: &Value) -> &Value {
    &list["items"][0]["status"]["containerStatuses"][0]["state"]["waiting"]
}

#[tokio::test]
async fn an_image_that_is_not_there_is_not_pulled() {
    let api = Api::new().await;
    for (image, why) in [
        (
            "web:missing",
            "failed to resolve reference \"docker.io/library/web:missing\": docker.io/library/web:missing: not found",
        ),
        ("registry.invalid/web:1", "no such host"),
    ] {
        let mut object = deployment("web", 1);
        object["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
        api.apply(&format!("{DEPLOYMENTS}/web"), &object).await.ok();
        let list = api.until(PODS, |it| waiting(it)["reason"] == "ImagePullBackOff").await;
        let message = waiting(&list)["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("Back-off pulling image {image:?}")), "{message}");
        assert!(message.contains(why), "{message}");
        let pod = list["items"][0]["metadata"]["name"].as_str().unwrap();
        let log = api.get(&format!("{PODS}/{pod}/log")).await;
        assert_eq!(log.status, 400);
        assert!(log.message().contains("is waiting to start: trying and failing to pull image"));
        let events = api.get("/api/v1/namespaces/t/events").await.ok();
        let failed =
            events["items"].as_array().unwrap().iter().any(|it| {
                it["reason"] == "Failed" && it["message"].as_str().unwrap().contains(why)
            });
        assert!(failed, "{events}");
        api.delete(&format!("{DEPLOYMENTS}/web")).await.ok();
        api.until(PODS, |it| it["items"].as_array().unwrap().is_empty()).await;
    }
}

#[tokio::test]
async fn an_image_is_there_again() {
    let api = Api::new().await;
    api.0.faults().image_missing("nginx");
    let path = format!("{DEPLOYMENTS}/web");
    api.apply(&path, &deployment("web", 1)).await.ok();
    api.until(PODS, |it| waiting(it)["reason"] == "ImagePullBackOff").await;
    api.0.faults().clear();
    api.until(&path, |it| it["status"]["readyReplicas"] == 1).await;
}

#[tokio::test]
async fn what_crashes_starts_again_and_leaves_a_log() {
    let api = Api::new().await;
    api.0.faults().crash_loop("nginx", &["starting", "panic: no database"]);
    api.apply(&format!("{DEPLOYMENTS}/web"), &deployment("web", 1)).await.ok();
    let list = api
        .until(PODS, |it| {
            let status = &it["items"][0]["status"]["containerStatuses"][0];
            status["restartCount"].as_i64().unwrap_or(0) >= 2
                && status["state"]["waiting"]["reason"] == "CrashLoopBackOff"
        })
        .await;
    let status = &list["items"][0]["status"]["containerStatuses"][0];
    assert_eq!(status["lastState"]["terminated"]["exitCode"], 1);
    let pod = list["items"][0]["metadata"]["name"].as_str().unwrap();
    let log = api.get(&format!("{PODS}/{pod}/log?previous=true&tailLines=1")).await;
    assert_eq!((log.status, log.body), (200, json!("panic: no database\n")));
}

#[tokio::test]
async fn a_rollout_that_does_not_get_on_is_told() {
    let api = Api::new().await;
    let path = format!("{DEPLOYMENTS}/web");
    let mut object = deployment("web", 2);
    object["spec"]["progressDeadlineSeconds"] = json!(1);
    api.apply(&path, &object).await.ok();
    api.until(&path, |it| it["status"]["readyReplicas"] == 2).await;
    object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("nginx:does-not-exist");
    api.apply(&path, &object).await.ok();
    let stuck = api.until(&path, |it| condition(it, "Progressing").0 == "False").await;
    assert_eq!(condition(&stuck, "Progressing").1, "ProgressDeadlineExceeded");
    assert_eq!(condition(&stuck, "Available").0, "True");
    object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("nginx:1");
    api.apply(&path, &object).await.ok();
    let live =
        api.until(&path, |it| condition(it, "Progressing").1 == "NewReplicaSetAvailable").await;
    assert_eq!(live["status"]["readyReplicas"], 2);
}

#[tokio::test]
async fn a_job_gives_up_after_its_tries() {
    let api = Api::new().await;
    api.0.faults().job_fails("tool", &["cannot reach db.example: no route"]);
    let mut object = job("once");
    object["spec"]["backoffLimit"] = json!(1);
    let path = "/apis/batch/v1/namespaces/t/jobs/once";
    api.apply(path, &object).await.ok();
    let failed = api.until(path, |it| condition(it, "Failed").0 == "True").await;
    assert_eq!(condition(&failed, "Failed").1, "BackoffLimitExceeded");
    assert_eq!(failed["status"]["failed"], 2);
    let list = api.get(PODS).await.ok();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    let pod = list["items"][0]["metadata"]["name"].as_str().unwrap();
    let log = api.get(&format!("{PODS}/{pod}/log")).await;
    assert_eq!(log.body, json!("cannot reach db.example: no route\n"));
}

#[tokio::test]
async fn annotations_of_a_pod_make_it_fail() {
    let api = Api::new().await;
    let place = format!("{DEPLOYMENTS}/web");
    let mut object = deployment("web", 1);
    object["spec"]["template"]["metadata"]["annotations"] =
        json!({"simulated.invalid/never-ready": "yes"});
    api.apply(&place, &object).await.ok();
    let list = api.until(PODS, |it| it["items"][0]["status"]["phase"] == "Running").await;
    assert_eq!(list["items"][0]["status"]["containerStatuses"][0]["ready"], false);
    assert_eq!(api.get(&place).await.ok()["status"].get("readyReplicas"), None);
}

#[tokio::test]
async fn no_node_takes_what_is_unschedulable() {
    let api = Api::new().await;
    api.0.faults().unschedulable("web");
    api.apply(&format!("{DEPLOYMENTS}/web"), &deployment("web", 1)).await.ok();
    let list = api.until(PODS, |it| condition(&it["items"][0], "PodScheduled").0 == "False").await;
    let pod = &list["items"][0];
    assert_eq!(condition(pod, "PodScheduled").1, "Unschedulable");
    let conditions = pod["status"]["conditions"].to_string();
    assert!(conditions.contains("0/3 nodes are available: 3 node(s) didn't match"), "{conditions}");
}

#[tokio::test]
async fn calls_are_refused_throttled_and_lost() {
    let api = Api::new().await;
    let path = "/api/v1/namespaces/t/configmaps/c";
    api.0.faults().throttle_next(1, "");
    let throttled = api.get(path).await;
    assert_eq!(
        (throttled.status, throttled.body["details"]["retryAfterSeconds"].as_i64()),
        (429, Some(1))
    );
    api.0.faults().fail_next(2, "configmaps", 500);
    assert_eq!(api.get(path).await.status, 500);
    assert_eq!(api.get("/api/v1/namespaces/t").await.status, 200);
    assert_eq!(api.get(path).await.status, 500);
    api.0.faults().lose_reply(1, "apply");
    let lost = api
        .try_call(
            "PATCH",
            &format!("{path}?fieldManager=m1"),
            crate::api::APPLY,
            Some(&config("c", "1")),
        )
        .await;
    assert_eq!(lost.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(api.get(path).await.status, 200, "it was carried out all the same");
    let ended: Vec<_> = api.0.calls().iter().rev().take(2).map(|it| (it.verb, it.status)).collect();
    assert_eq!(ended, [("get", 200), ("apply", 0)]);
    assert!(api.0.calls().iter().any(infra_kubernetes_simulated::Call::mutating));
    api.0.clear_calls();
    assert_eq!(api.0.calls(), []);
}

#[tokio::test]
async fn faults_are_where_the_cluster_is() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Kubernetes::open(dir.path(), &[1; 32], Settings::instant()).unwrap();
    open().faults().fail_next(1, "", 503);
    let api = Api(open());
    assert_eq!(api.get("/api/v1/namespaces").await.status, 503);
    assert_eq!(Api(open()).get("/api/v1/namespaces").await.status, 200);
}
