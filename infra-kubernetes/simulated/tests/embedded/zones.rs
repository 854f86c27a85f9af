//! Nodes and zones: where pods go, and where they go when theirs is lost.

use serde_json::{Value, json};

use crate::api::{Api, DEPLOYMENTS, PODS, condition, deployment};

const ZONE: &str = "topology.kubernetes.io/zone";

async fn zones(api: &Api) -> Vec<String> {
    let nodes = api.get("/api/v1/nodes").await.ok();
    let pods = api.get(PODS).await.ok();
    let mut zones: Vec<_> = pods["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| {
            it["status"]["phase"] == "Running" && it["metadata"].get("deletionTimestamp").is_none()
        })
        .map(|pod| {
            let node = nodes["items"].as_array().unwrap().iter();
            let mut node = node.filter(|it| it["metadata"]["name"] == pod["spec"]["nodeName"]);
            node.next().map_or("lost".to_owned(), |it| {
                it["metadata"]["labels"][ZONE].as_str().unwrap().to_owned()
            })
        })
        .collect();
    zones.sort();
    zones
}

fn spread(name: &str, replicas: u32) -> Value {
    let mut object = deployment(name, replicas);
    object["spec"]["template"]["spec"]["topologySpreadConstraints"] = json!([{
        "maxSkew": 1, "topologyKey": ZONE, "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": name}}, "nodeTaintsPolicy": "Honor",
        "matchLabelKeys": ["pod-template-hash"],
    }]);
    object
}

#[tokio::test]
async fn the_pods_of_a_lost_zone_come_back_elsewhere() {
    let api = Api::new().await;
    let path = format!("{DEPLOYMENTS}/web");
    api.apply(&path, &spread("web", 3)).await.ok();
    api.until(&path, |it| it["status"]["readyReplicas"] == 3).await;
    assert_eq!(zones(&api).await, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]);
    api.0.faults().lose_zone("eu-west-1b");
    api.until("/api/v1/nodes", |it| it["items"].as_array().unwrap().len() == 2).await;
    api.until(&path, |it| it["status"]["readyReplicas"] == 3).await;
    let left = zones(&api).await;
    assert!(!left.contains(&"eu-west-1b".to_owned()) && left.len() == 3, "{left:?}");
    api.0.faults().restore_zone("eu-west-1b");
    api.until("/api/v1/nodes", |it| it["items"].as_array().unwrap().len() == 3).await;
}

#[tokio::test]
async fn a_constraint_that_cannot_be_met_keeps_pods_waiting() {
    let api = Api::new().await;
    let path = format!("{DEPLOYMENTS}/web");
    let mut object = deployment("web", 4);
    object["spec"]["template"]["spec"]["affinity"] = json!({"podAntiAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [{
            "topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "web"}},
        }],
    }});
    api.apply(&path, &object).await.ok();
    api.until(&path, |it| it["status"]["readyReplicas"] == 3).await;
    let list = api.get(&format!("{PODS}?fieldSelector=status.phase%3DPending")).await.ok();
    let conditions = list["items"][0]["status"]["conditions"].to_string();
    assert!(conditions.contains("3 node(s) didn't match pod anti-affinity rules"), "{conditions}");
}

#[tokio::test]
async fn a_cordoned_node_takes_nothing_and_a_deleted_one_loses_its_pods() {
    let api = Api::new().await;
    let nodes = api.get("/api/v1/nodes").await.ok();
    let name = |at: usize| nodes["items"][at]["metadata"]["name"].as_str().unwrap().to_owned();
    let node = format!("/api/v1/nodes/{}", name(0));
    api.merge(&node, &json!({"spec": {"unschedulable": true}})).await.ok();
    let path = format!("{DEPLOYMENTS}/web");
    api.apply(&path, &deployment("web", 4)).await.ok();
    api.until(&path, |it| it["status"]["readyReplicas"] == 4).await;
    let pods = api.get(&format!("{PODS}?fieldSelector=spec.nodeName%3D{}", name(0))).await.ok();
    assert_eq!(pods["items"], json!([]));
    api.delete(&format!("/api/v1/nodes/{}", name(1))).await.ok();
    api.until(&path, |it| it["status"]["readyReplicas"] == 4).await;
    let pods = api.get(PODS).await.ok();
    assert!(pods["items"].as_array().unwrap().iter().all(|it| it["spec"]["nodeName"] == name(2)));
}

#[tokio::test]
async fn selectors_taints_and_sizes_decide() {
    let api = Api::new().await;
    let path = format!("{DEPLOYMENTS}/web");
    let mut object = deployment("web", 1);
    object["spec"]["template"]["spec"]["nodeSelector"] = json!({ZONE: "eu-west-1c"});
    api.apply(&path, &object).await.ok();
    api.until(&path, |it| it["status"]["readyReplicas"] == 1).await;
    assert_eq!(zones(&api).await, ["eu-west-1c"]);
    object = deployment("web", 1);
    object["spec"]["template"]["spec"]["containers"][0]["resources"] =
        json!({"requests": {"cpu": "9"}});
    api.apply(&path, &object).await.ok();
    let list = api
        .until(PODS, |it| {
            it["items"]
                .as_array()
                .unwrap()
                .iter()
                .any(|it| condition(it, "PodScheduled").0 == "False")
        })
        .await;
    assert!(list.to_string().contains("3 Insufficient cpu"));
}
