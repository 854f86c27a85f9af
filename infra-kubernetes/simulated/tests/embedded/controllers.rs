//! What the controllers do.

use infra_kubernetes_simulated::{Kubernetes, Settings};
use serde_json::{Value, json};

use crate::api::{Api, DEPLOYMENTS, PODS, condition, config, deployment, job};

fn items(list: &Value) -> &[Value] {
    list["items"].as_array().map_or(&[], Vec::as_slice)
}

#[tokio::test]
async fn a_deployment_becomes_available() {
    let api = Api::with(Kubernetes::memory(Settings::default())).await;
    let path = format!("{DEPLOYMENTS}/web");
    let made = api.apply(&path, &deployment("web", 3)).await.ok();
    assert!(made.get("status").is_none());
    let pending = api.get(&path).await.ok();
    assert_eq!(condition(&pending, "Available"), ("False", "MinimumReplicasUnavailable"));
    assert_eq!(pending["status"]["unavailableReplicas"], 3);
    let live = api.until(&path, |it| it["status"]["availableReplicas"] == 3).await;
    assert_eq!(condition(&live, "Progressing"), ("True", "NewReplicaSetAvailable"));
    assert_eq!(live["status"]["observedGeneration"], live["metadata"]["generation"]);
    let pods = api.get(PODS).await.ok();
    let mut nodes: Vec<_> =
        items(&pods).iter().map(|it| it["spec"]["nodeName"].to_string()).collect();
    nodes.sort();
    nodes.dedup();
    assert_eq!(nodes.len(), 3, "one in each zone");
    let user: Vec<_> = api.0.objects().iter().map(|it| it["kind"].to_string()).collect();
    assert_eq!(user, ["\"Deployment\"", "\"Namespace\""]);
}

#[tokio::test]
async fn a_rollout_keeps_within_its_bounds() {
    let api = Api::with(Kubernetes::memory(Settings::default())).await;
    let path = format!("{DEPLOYMENTS}/web");
    let mut object = deployment("web", 4);
    object["spec"]["strategy"] =
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}});
    api.apply(&path, &object).await.ok();
    api.until(&path, |it| it["status"]["availableReplicas"] == 4).await;
    object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("nginx:2");
    api.apply(&path, &object).await.ok();
    loop {
        let live = api.get(&path).await.ok();
        let number = |field: &str| live["status"][field].as_i64().unwrap_or(0);
        assert!(number("availableReplicas") >= 4 && number("replicas") <= 5, "{}", live["status"]);
        if number("updatedReplicas") == 4 && number("replicas") == 4 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let live = api.get(&path).await.ok();
    assert_eq!(live["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "2");
    object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("nginx:1");
    api.apply(&path, &object).await.ok();
    let back = api
        .until(&path, |it| {
            it["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"
        })
        .await;
    assert_eq!(back["metadata"]["generation"], 3);
    let sets = api.get("/apis/apps/v1/namespaces/t/replicasets").await.ok();
    assert_eq!(items(&sets).len(), 2, "the first template's set is used again");
}

#[tokio::test]
async fn a_job_runs_after_its_init_containers() {
    let api = Api::with(Kubernetes::memory(Settings::default())).await;
    let mut object = job("once");
    object["spec"]["template"]["spec"]["initContainers"] =
        json!([{"name": "first", "image": "tool:1"}]);
    object["spec"]["ttlSecondsAfterFinished"] = json!(1);
    let path = "/apis/batch/v1/namespaces/t/jobs/once";
    let made = api.apply(path, &object).await.ok();
    assert_eq!(
        made["spec"]["selector"]["matchLabels"]["batch.kubernetes.io/controller-uid"],
        made["metadata"]["uid"]
    );
    let done = api.until(path, |it| condition(it, "Complete").0 == "True").await;
    assert_eq!(done["status"]["succeeded"], 1);
    assert!(done["status"]["completionTime"].is_string());
    let pods = api.get(PODS).await.ok();
    let init = &items(&pods)[0]["status"]["initContainerStatuses"][0];
    assert_eq!(init["state"]["terminated"]["reason"], "Completed");
    api.until_gone(path).await;
}

#[tokio::test]
async fn an_address_comes_to_what_is_exposed() {
    let api = Api::new().await;
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]},
    });
    let path = "/api/v1/namespaces/t/services/web";
    let made = api.apply(path, &service).await.ok();
    assert_eq!(made["status"]["loadBalancer"], json!({}));
    let live = api.until(path, |it| it["status"]["loadBalancer"]["ingress"].is_array()).await;
    let host = live["status"]["loadBalancer"]["ingress"][0]["hostname"].as_str().unwrap();
    assert!(host.ends_with(".elb.eu-west-1.simulated.invalid"), "{host}");
    let mut object = deployment("web", 2);
    object["spec"]["template"]["spec"]["containers"][0]["ports"] =
        json!([{"name": "http", "containerPort": 8080}]);
    api.apply(&format!("{DEPLOYMENTS}/web"), &object).await.ok();
    let slices = "/apis/discovery.k8s.io/v1/namespaces/t/endpointslices";
    let found = api
        .until(slices, |it| {
            let endpoints = it["items"][0]["endpoints"].as_array().into_iter().flatten();
            endpoints.filter(|it| it["conditions"]["ready"] == true).count() == 2
        })
        .await;
    assert_eq!(found["items"][0]["ports"][0]["port"], 8080);
    let ingress = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web"},
        "spec": {"rules": [{"host": "x.example.com", "http": {"paths": [
            {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}},
        ]}}]},
    });
    let path = "/apis/networking.k8s.io/v1/namespaces/t/ingresses/web";
    api.apply(path, &ingress).await.ok();
    api.until(path, |it| it["status"]["loadBalancer"]["ingress"][0]["hostname"].is_string()).await;
}

#[tokio::test]
async fn pods_wait_for_what_they_refer_to() {
    let api = Api::new().await;
    let mut object = deployment("web", 1);
    object["spec"]["template"]["spec"]["containers"][0]["env"] =
        json!([{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "late", "key": "a"}}}]);
    api.apply(&format!("{DEPLOYMENTS}/web"), &object).await.ok();
    let waiting = api
        .until(PODS, |it| {
            let status = &it["items"][0]["status"]["containerStatuses"][0]["state"]["waiting"];
            status["reason"] == "CreateContainerConfigError"
        })
        .await;
    let state = &items(&waiting)[0]["status"]["containerStatuses"][0]["state"]["waiting"];
    assert_eq!(state["message"], "configmap \"late\" not found");
    api.post("/api/v1/namespaces/t/configmaps", &config("late", "1")).await.ok();
    api.until(&format!("{DEPLOYMENTS}/web"), |it| it["status"]["readyReplicas"] == 1).await;
}

#[tokio::test]
async fn a_missing_account_fails_the_replicas() {
    let api = Api::new().await;
    let mut object = deployment("web", 1);
    object["spec"]["template"]["spec"]["serviceAccountName"] = json!("late");
    let path = format!("{DEPLOYMENTS}/web");
    api.apply(&path, &object).await.ok();
    let failed = api.until(&path, |it| condition(it, "ReplicaFailure").0 == "True").await;
    assert_eq!(condition(&failed, "ReplicaFailure").1, "FailedCreate");
    let account =
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "late"}});
    api.post("/api/v1/namespaces/t/serviceaccounts", &account).await.ok();
    let live = api.until(&path, |it| it["status"]["readyReplicas"] == 1).await;
    assert_eq!(condition(&live, "ReplicaFailure"), ("", ""));
}

#[tokio::test]
async fn stateful_pods_come_one_by_one_with_their_volumes() {
    let api = Api::new().await;
    let mut set = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"},
        "spec": {
            "serviceName": "db", "replicas": 2, "selector": {"matchLabels": {"app": "db"}},
            "template": {
                "metadata": {"labels": {"app": "db"}},
                "spec": {"containers": [{"name": "db", "image": "db:1", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]},
            },
            "volumeClaimTemplates": [{
                "metadata": {"name": "data"},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
            }],
        },
    });
    let path = "/apis/apps/v1/namespaces/t/statefulsets/db";
    // A mount may name the volume of a claim template.
    let made = api.apply(path, &set).await;
    assert_eq!(made.status, 201, "{}", made.body);
    api.until(path, |it| it["status"]["readyReplicas"] == 2).await;
    let claims = api.get("/api/v1/namespaces/t/persistentvolumeclaims").await.ok();
    let names: Vec<_> =
        items(&claims).iter().map(|it| it["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["data-db-0", "data-db-1"]);
    api.until("/api/v1/namespaces/t/persistentvolumeclaims", |it| {
        items(it).iter().all(|it| it["status"]["phase"] == "Bound")
    })
    .await;
    let before = api.get(&format!("{PODS}/db-0")).await.ok();
    set["spec"]["template"]["spec"]["containers"][0]["image"] = json!("db:2");
    api.apply(path, &set).await.ok();
    let live = api
        .until(path, |it| {
            it["status"]["updatedReplicas"] == 2
                && it["status"]["readyReplicas"] == 2
                && it["status"]["currentRevision"] == it["status"]["updateRevision"]
        })
        .await;
    assert_eq!(live["status"]["observedGeneration"], 2);
    let after = api.get(&format!("{PODS}/db-0")).await.ok();
    assert_ne!(before["metadata"]["uid"], after["metadata"]["uid"]);
}

#[tokio::test]
async fn a_daemon_is_on_every_node() {
    let api = Api::new().await;
    let mut set = deployment("agent", 1);
    set["kind"] = json!("DaemonSet");
    set["spec"].as_object_mut().unwrap().remove("replicas");
    let path = "/apis/apps/v1/namespaces/t/daemonsets/agent";
    api.apply(path, &set).await.ok();
    let live = api.until(path, |it| it["status"]["numberReady"] == 3).await;
    assert_eq!(live["status"]["desiredNumberScheduled"], 3);
}

#[tokio::test]
async fn a_cron_job_starts_when_it_is_time() {
    let api = Api::new().await;
    let cron = json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "tick"},
        "spec": {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": job("x")["spec"]}},
    });
    let path = "/apis/batch/v1/namespaces/t/cronjobs/tick";
    let made = api.apply(path, &cron).await.ok();
    assert_eq!(made["spec"]["concurrencyPolicy"], "Allow");
    assert_eq!(items(&api.get("/apis/batch/v1/namespaces/t/jobs").await.ok()).len(), 0);
    // As if the last time had been long ago.
    let status = json!({"status": {"lastScheduleTime": "2020-01-01T00:00:00Z"}});
    api.merge(&format!("{path}/status"), &status).await.ok();
    let jobs = api.until("/apis/batch/v1/namespaces/t/jobs", |it| items(it).len() == 1).await;
    assert_eq!(items(&jobs)[0]["metadata"]["ownerReferences"][0]["kind"], "CronJob");
    api.until(path, |it| it["status"]["lastSuccessfulTime"].is_string()).await;
}

#[tokio::test]
async fn a_volume_waits_for_its_first_pod() {
    let api = Api::new().await;
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    });
    let path = "/api/v1/namespaces/t/persistentvolumeclaims/data";
    api.apply(path, &claim).await.ok();
    assert_eq!(api.get(path).await.ok()["status"]["phase"], "Pending");
    let mut object = deployment("web", 1);
    object["spec"]["template"]["spec"]["volumes"] =
        json!([{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]);
    api.apply(&format!("{DEPLOYMENTS}/web"), &object).await.ok();
    let bound = api.until(path, |it| it["status"]["phase"] == "Bound").await;
    assert_eq!(bound["spec"]["storageClassName"], "gp3");
    assert_eq!(bound["status"]["capacity"]["storage"], "1Gi");
    let again = api.apply(path, &claim).await.ok();
    assert_eq!(again["metadata"]["resourceVersion"], bound["metadata"]["resourceVersion"]);
    api.delete(path).await.ok();
    assert_eq!(api.get(path).await.status, 200, "a pod still has it");
    api.delete(&format!("{DEPLOYMENTS}/web")).await.ok();
    api.until_gone(path).await;
    assert_eq!(items(&api.get("/api/v1/persistentvolumes").await.ok()).len(), 0);
}

#[tokio::test]
async fn budgets_and_events_say_how_it_is() {
    let api = Api::new().await;
    api.apply(&format!("{DEPLOYMENTS}/web"), &deployment("web", 3)).await.ok();
    let budget = json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "web"}}},
    });
    let path = "/apis/policy/v1/namespaces/t/poddisruptionbudgets/web";
    api.apply(path, &budget).await.ok();
    let live = api.until(path, |it| it["status"]["currentHealthy"] == 3).await;
    assert_eq!(live["status"]["disruptionsAllowed"], 1);
    assert_eq!(condition(&live, "DisruptionAllowed"), ("True", "SufficientPods"));
    let events =
        api.get("/api/v1/namespaces/t/events?fieldSelector=involvedObject.kind%3DPod").await.ok();
    assert!(items(&events).iter().any(|it| it["reason"] == "Scheduled"));
    assert!(items(&events).iter().all(|it| it["involvedObject"]["kind"] == "Pod"));
}

#[tokio::test]
async fn what_is_recreated_is_never_there_twice() {
    let api = Api::with(Kubernetes::memory(Settings::default())).await;
    let path = format!("{DEPLOYMENTS}/web");
    let mut object = deployment("web", 2);
    object["spec"]["strategy"] = json!({"type": "Recreate"});
    api.apply(&path, &object).await.ok();
    api.until(&path, |it| it["status"]["readyReplicas"] == 2).await;
    object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("nginx:2");
    api.apply(&path, &object).await.ok();
    loop {
        let pods = api.get(PODS).await.ok();
        let mut images: Vec<_> = items(&pods)
            .iter()
            .map(|it| it["spec"]["containers"][0]["image"].to_string())
            .collect();
        images.dedup();
        assert!(images.len() <= 1, "{images:?}");
        let live = api.get(&path).await.ok();
        if live["status"]["updatedReplicas"] == 2 && live["status"]["availableReplicas"] == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}
