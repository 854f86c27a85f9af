//! The client of kube, in the process.

use infra_kubernetes_simulated::{Kubernetes, Settings};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{Api, DeleteParams, ListParams, LogParams, Patch, PatchParams, PostParams};
use serde_json::json;

#[tokio::test]
async fn kube_works_with_it() {
    let kubernetes = Kubernetes::memory(Settings::instant());
    let client = kube::Client::new(kubernetes.clone(), "default");
    assert_eq!(client.apiserver_version().await.unwrap().major, "1");
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let object = serde_json::from_value(json!({"metadata": {"name": "t"}})).unwrap();
    namespaces.create(&PostParams::default(), &object).await.unwrap();
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "t");
    let web = crate::api::deployment("web", 2);
    let params = PatchParams::apply("infra").force();
    let made = deployments.patch("web", &params, &Patch::Apply(&web)).await.unwrap();
    assert_eq!(made.spec.unwrap().revision_history_limit, Some(10));
    let mut ready = 0;
    for _ in 0..100 {
        let live = deployments.get("web").await.unwrap();
        ready = live.status.and_then(|it| it.ready_replicas).unwrap_or(0);
        if ready == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(ready, 2);
    let pods: Api<Pod> = Api::namespaced(client.clone(), "t");
    let listed = pods.list(&ListParams::default().labels("app=web")).await.unwrap();
    let name = listed.items[0].metadata.name.clone().unwrap();
    let log = pods.logs(&name, &LogParams::default()).await.unwrap();
    assert!(log.contains("started"), "{log}");
    let error = deployments.get("none").await.unwrap_err();
    assert!(
        matches!(error, kube::Error::Api(status) if status.code == 404 && status.reason == "NotFound")
    );
    deployments.delete("web", &DeleteParams::foreground()).await.unwrap();
    let verbs: Vec<_> = kubernetes.calls().iter().map(|it| it.verb).collect();
    assert_eq!(verbs.iter().filter(|it| **it == "apply").count(), 1);
    assert_eq!(verbs.last(), Some(&"delete"));
}
