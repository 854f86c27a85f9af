//! Lists, watches, discovery.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::api::{Api, DEPLOYMENTS, config, deployment};

const MAPS: &str = "/api/v1/namespaces/t/configmaps";

#[tokio::test]
async fn lists_come_in_parts() {
    let api = Api::new().await;
    for name in ["a", "b", "c"] {
        api.post(MAPS, &config(name, "1")).await.ok();
    }
    let mut names = Vec::new();
    let mut next = String::new();
    loop {
        let part = api.get(&format!("{MAPS}?limit=2&continue={next}")).await.ok();
        let items = part["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        names.extend(items.iter().map(|it| it["metadata"]["name"].as_str().unwrap().to_owned()));
        match part["metadata"]["continue"].as_str() {
            Some(token) => next = token.to_owned(),
            None => break,
        }
    }
    assert_eq!(names, ["a", "b", "c", "kube-root-ca.crt"]);
    let one = api.get(&format!("{MAPS}?fieldSelector=metadata.name%3Db")).await.ok();
    assert_eq!(one["items"].as_array().unwrap().len(), 1);
    assert_eq!(one["kind"], "ConfigMapList");
    assert_eq!(api.get(&format!("{MAPS}?continue=nonsense!")).await.status, 400);
}

/// The events of a watch until it ends.
async fn watched(api: &Api, path: &str) -> Vec<Value> {
    let request = ::http::Request::get(path).body(Full::new(Bytes::new())).unwrap();
    let reply = api.0.clone().oneshot(request).await.unwrap();
    assert_eq!(reply.status(), 200);
    let bytes = reply.into_body().collect().await.unwrap().to_bytes();
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

#[tokio::test]
async fn a_watch_tells_what_happens() {
    let api = Api::new().await;
    let list = api.get(&format!("{MAPS}?labelSelector=a%3Db")).await.ok();
    let version = list["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let path =
        format!("{MAPS}?watch=1&timeoutSeconds=1&labelSelector=a%3Db&resourceVersion={version}");
    let watcher = api.clone();
    let watch = tokio::spawn(async move { watched(&watcher, &path).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut object = config("w", "1");
    object["metadata"]["labels"] = json!({"a": "b"});
    api.post(MAPS, &object).await.ok();
    api.post(MAPS, &config("other", "1")).await.ok();
    api.merge(&format!("{MAPS}/w"), &json!({"data": {"a": "2"}})).await.ok();
    api.merge(&format!("{MAPS}/w"), &json!({"metadata": {"labels": {"a": "c"}}})).await.ok();
    let events = watch.await.unwrap();
    let kinds: Vec<_> = events.iter().map(|it| it["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["ADDED", "MODIFIED", "DELETED"]);
    assert_eq!(events[1]["object"]["data"]["a"], "2");
}

#[tokio::test]
async fn a_watch_begins_with_what_is_there() {
    let api = Api::new().await;
    api.post(MAPS, &config("w", "1")).await.ok();
    let path = format!(
        "{MAPS}?watch=1&timeoutSeconds=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&fieldSelector=metadata.name%3Dw"
    );
    let events = watched(&api, &path).await;
    assert_eq!(events[0]["type"], "ADDED");
    assert_eq!(events[1]["type"], "BOOKMARK");
    assert_eq!(events[1]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
}

#[tokio::test]
async fn what_is_too_old_is_gone() {
    let api = Api::new().await;
    let path = format!("{MAPS}/c");
    api.post(MAPS, &config("c", "0")).await.ok();
    for n in 0..5_100 {
        let object = json!({"data": {"a": n.to_string()}});
        if n % 2000 == 0 {
            tokio::task::yield_now().await;
        }
        api.merge(&path, &object).await.ok();
    }
    let events = watched(&api, &format!("{MAPS}?watch=1&timeoutSeconds=1&resourceVersion=1")).await;
    assert_eq!(events[0]["type"], "ERROR");
    assert_eq!(
        (&events[0]["object"]["code"], &events[0]["object"]["reason"]),
        (&json!(410), &json!("Expired"))
    );
}

#[tokio::test]
async fn the_api_says_what_it_has() {
    let api = Api::new().await;
    assert_eq!(api.get("/version").await.ok()["major"], "1");
    assert_eq!(api.get("/api").await.ok()["versions"], json!(["v1"]));
    let groups = api.get("/apis").await.ok();
    for group in ["apps", "batch", "policy", "networking.k8s.io", "apiextensions.k8s.io"] {
        assert!(
            groups["groups"].as_array().unwrap().iter().any(|it| it["name"] == group),
            "{group}"
        );
    }
    let core = api.get("/api/v1").await.ok();
    let find =
        |name: &str| core["resources"].as_array().unwrap().iter().find(|it| it["name"] == name);
    assert_eq!(find("pods").unwrap()["shortNames"], json!(["po"]));
    assert!(find("pods/log").is_some() && find("services/status").is_some());
    let apps = api.get("/openapi/v3/apis/apps/v1").await.ok();
    let schema = &apps["components"]["schemas"]["io.k8s.api.core.v1.Container"];
    assert_eq!(
        schema["properties"]["ports"]["x-kubernetes-list-map-keys"],
        json!(["containerPort", "protocol"])
    );
    let patch = &apps["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
    assert!(patch["parameters"].to_string().contains("fieldValidation"));
    assert_eq!(api.get("/apis/nope/v1").await.status, 404);
    assert_eq!(api.get("/apis/apps/v1/nopes").await.status, 404);
}

#[tokio::test]
async fn kubectl_gets_tables() {
    let api = Api::new().await;
    api.apply(&format!("{DEPLOYMENTS}/web"), &deployment("web", 2)).await.ok();
    api.until(&format!("{DEPLOYMENTS}/web"), |it| it["status"]["readyReplicas"] == 2).await;
    let request = ::http::Request::get(DEPLOYMENTS)
        .header("accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")
        .body(Full::new(Bytes::new()))
        .unwrap();
    let reply = api.0.clone().oneshot(request).await.unwrap();
    let bytes = reply.into_body().collect().await.unwrap().to_bytes();
    let table: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(table["kind"], "Table");
    assert_eq!(
        table["rows"][0]["cells"].as_array().unwrap()[..4],
        [json!("web"), json!("2/2"), json!("2"), json!("2")]
    );
}

#[tokio::test]
async fn metadata_comes_alone() {
    let api = Api::new().await;
    api.post(MAPS, &config("c", "1")).await.ok();
    let request = ::http::Request::get(format!("{MAPS}/c"))
        .header("accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")
        .body(Full::new(Bytes::new()))
        .unwrap();
    let reply = api.0.clone().oneshot(request).await.unwrap();
    let bytes = reply.into_body().collect().await.unwrap().to_bytes();
    let object: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(
        (&object["kind"], &object["metadata"]["name"]),
        (&json!("PartialObjectMetadata"), &json!("c"))
    );
    assert!(object.get("data").is_none());
}
