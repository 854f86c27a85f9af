//! Calling the API in the process.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use infra_kubernetes_simulated::{Kubernetes, Settings};
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub(crate) const APPLY: &str = "application/apply-patch+yaml";
pub(crate) const MERGE: &str = "application/merge-patch+json";
pub(crate) const STRATEGIC: &str = "application/strategic-merge-patch+json";
pub(crate) const JSON: &str = "application/json-patch+json";

/// A cluster with a namespace `t`.
#[derive(Clone)]
pub(crate) struct Api(pub(crate) Kubernetes);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) warnings: Vec<String>,
}

impl Answer {
    pub(crate) fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }

    /// The body of what must have gone well.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!(self.status < 300, "{}: {}", self.status, self.body);
        self.body
    }

    /// The fields that causes name.
    pub(crate) fn fields(&self) -> Vec<&str> {
        let causes = self.body["details"]["causes"].as_array().into_iter().flatten();
        causes.filter_map(|it| it["field"].as_str()).collect()
    }
}

impl Api {
    pub(crate) async fn new() -> Self {
        Self::with(Kubernetes::memory(Settings::instant())).await
    }

    pub(crate) async fn with(kubernetes: Kubernetes) -> Self {
        let api = Self(kubernetes);
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "t"}});
        api.apply("/api/v1/namespaces/t", &namespace).await.ok();
        api
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: Option<&Value>,
    ) -> Answer {
        self.try_call(method, path, kind, body).await.unwrap()
    }

    pub(crate) async fn try_call(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: Option<&Value>,
    ) -> std::io::Result<Answer> {
        let body = body.map(ToString::to_string).unwrap_or_default();
        let request = ::http::Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", kind)
            .header("user-agent", "tester/1.0")
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        let reply = self.0.clone().oneshot(request).await?;
        let status = reply.status().as_u16();
        let warnings = reply.headers().get_all("warning").iter();
        let warnings = warnings.map(|it| it.to_str().unwrap().to_owned()).collect();
        let bytes = reply.into_body().collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes)));
        Ok(Answer { status, body, warnings })
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, "", None).await
    }

    pub(crate) async fn post(&self, path: &str, object: &Value) -> Answer {
        self.call("POST", path, "application/json", Some(object)).await
    }

    pub(crate) async fn put(&self, path: &str, object: &Value) -> Answer {
        self.call("PUT", path, "application/json", Some(object)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, "", None).await
    }

    pub(crate) async fn apply(&self, path: &str, object: &Value) -> Answer {
        self.apply_as("m1", path, object, "").await
    }

    pub(crate) async fn apply_as(
        &self,
        manager: &str,
        path: &str,
        object: &Value,
        more: &str,
    ) -> Answer {
        let path = format!("{path}?fieldManager={manager}{more}");
        self.call("PATCH", &path, APPLY, Some(object)).await
    }

    pub(crate) async fn merge(&self, path: &str, change: &Value) -> Answer {
        self.call("PATCH", path, MERGE, Some(change)).await
    }

    /// Looks until it is so.
    #[track_caller]
    pub(crate) fn until<'a>(
        &'a self,
        path: &'a str,
        is: impl Fn(&Value) -> bool + 'a,
    ) -> impl Future<Output = Value> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            for _ in 0..400 {
                let body = self.get(path).await.body;
                if is(&body) {
                    return body;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            panic!("{caller}: not in time: {}", self.get(path).await.body);
        }
    }

    pub(crate) async fn until_gone(&self, path: &str) {
        self.until(path, |it| it["code"] == 404).await;
    }
}

pub(crate) const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/t/deployments";
pub(crate) const PODS: &str = "/api/v1/namespaces/t/pods";

pub(crate) fn deployment(name: &str, replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "app", "image": "nginx:1"}]},
            },
        },
    })
}

pub(crate) fn config(name: &str, value: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": value},
    })
}

pub(crate) fn job(name: &str) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name},
        "spec": {
            "backoffLimit": 0,
            "template": {"spec": {
                "restartPolicy": "Never", "containers": [{"name": "run", "image": "tool:1"}],
            }},
        },
    })
}

/// The state of a condition, and its reason.
pub(crate) fn condition<'a>(object: &'a Value, kind: &str) -> (&'a str, &'a str) {
    let mut all = object["status"]["conditions"].as_array().into_iter().flatten();
    let found = all.find(|it| it["type"] == kind);
    found.map_or(("", ""), |it| {
        (it["status"].as_str().unwrap_or_default(), it["reason"].as_str().unwrap_or_default())
    })
}

/// `fieldsV1` of a manager.
pub(crate) fn managed<'a>(object: &'a Value, manager: &str, operation: &str) -> Option<&'a Value> {
    let all = object["metadata"]["managedFields"].as_array()?;
    let found = all.iter().find(|it| it["manager"] == manager && it["operation"] == operation);
    found.map(|it| &it["fieldsV1"])
}
