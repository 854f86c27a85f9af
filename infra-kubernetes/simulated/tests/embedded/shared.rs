//! One cluster on disk, open more than once.

use infra_kubernetes_simulated::{Kubernetes, OpenError, Settings};
use serde_json::json;

use crate::api::{Api, DEPLOYMENTS, config, deployment};

const MAPS: &str = "/api/v1/namespaces/t/configmaps";

#[tokio::test]
async fn two_processes_see_one_cluster() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Kubernetes::open(dir.path(), &[1; 32], Settings::default()).unwrap();
    let (here, there) = (Api::with(open()).await, Api(open()));
    here.apply(&format!("{DEPLOYMENTS}/web"), &deployment("web", 2)).await.ok();
    there.until(&format!("{DEPLOYMENTS}/web"), |it| it["status"]["readyReplicas"] == 2).await;
    let one = here.get(&format!("{DEPLOYMENTS}/web")).await.ok();
    assert_eq!(one, there.get(&format!("{DEPLOYMENTS}/web")).await.ok());
    let (a, b) = (config("a", "1"), config("b", "1"));
    let (one, two) = tokio::join!(here.post(MAPS, &a), there.post(MAPS, &b));
    assert_ne!(one.ok()["metadata"]["resourceVersion"], two.ok()["metadata"]["resourceVersion"]);
    assert_eq!(here.get(MAPS).await.ok(), there.get(MAPS).await.ok());
    let c = config("c", "1");
    let (again, taken) = tokio::join!(here.post(MAPS, &c), there.post(MAPS, &c));
    let mut statuses = [again.status, taken.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    drop((here, there));
    let later = Api(open());
    assert_eq!(later.get(&format!("{MAPS}/a")).await.ok()["data"], json!({"a": "1"}));
    assert_eq!(later.get("/api/v1/nodes").await.ok()["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_watch_sees_what_another_process_does() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Kubernetes::open(dir.path(), &[1; 32], Settings::instant()).unwrap();
    let (here, there) = (Api::with(open()).await, Api(open()));
    let version =
        here.get(MAPS).await.ok()["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let path = format!("{MAPS}?watch=1&timeoutSeconds=1&resourceVersion={version}");
    let watch = tokio::spawn(async move { here.get(&path).await.body });
    there.post(MAPS, &config("c", "1")).await.ok();
    let seen = watch.await.unwrap();
    assert_eq!(seen["type"], "ADDED", "{seen}");
}

#[tokio::test]
async fn nothing_can_be_read_without_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let api = Api::with(Kubernetes::open(dir.path(), &[1; 32], Settings::instant()).unwrap()).await;
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "hunter2-hunter2"},
    });
    api.post("/api/v1/namespaces/t/secrets", &secret).await.ok();
    let bytes = std::fs::read(dir.path().join("world.log")).unwrap();
    for plain in ["hunter2", "aHVudGVyMi1odW50ZXIy", "namespaces"] {
        assert!(!bytes.windows(plain.len()).any(|window| window == plain.as_bytes()), "{plain}");
    }
    let wrong = Kubernetes::open(dir.path(), &[2; 32], Settings::instant());
    assert!(matches!(wrong, Err(OpenError::Sealed { .. })));
}

#[tokio::test]
async fn what_was_due_while_nobody_looked_has_happened() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Kubernetes::open(dir.path(), &[1; 32], Settings::default()).unwrap();
    let path = format!("{DEPLOYMENTS}/web");
    let api = Api::with(open()).await;
    let mut object = deployment("web", 2);
    api.apply(&path, &object).await.ok();
    api.until(&path, |it| it["status"]["readyReplicas"] == 2).await;
    object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("nginx:2");
    api.apply(&path, &object).await.ok();
    drop(api);
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    let live = Api(open()).get(&path).await.ok();
    assert_eq!(
        (&live["status"]["updatedReplicas"], &live["status"]["replicas"]),
        (&json!(2), &json!(2))
    );
}
