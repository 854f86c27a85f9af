//! A stack on a cluster of its own.

use infra_core::{
    App, Result, Stack,
    command::{self, PreviewOptions},
    plan::{Action, Plan, PlanOptions, Refresh},
    testing::TestStack,
};
use infra_kubernetes::{
    embedded::{Kubernetes, Settings},
    simulated_in,
};
use serde_json::{Value as Json, json};
use std::sync::Arc;
use tower::ServiceExt as _;

/// A stack on a cluster of its own.
pub(crate) struct Lab {
    pub(crate) cluster: Kubernetes,
    pub(crate) stack: TestStack,
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self::with(Settings::instant())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let cluster = Kubernetes::memory(settings);
        let app = App::new("shop").cloud("simulated", simulated_in(cluster.clone()));
        Self { cluster, stack: TestStack::of(app) }
    }

    /// What reading everything finds.
    pub(crate) async fn refreshed<P>(&self, program: P) -> Arc<Plan>
    where
        P: Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    {
        let engine = self.stack.engine(program).await.unwrap();
        let plan = PlanOptions { refresh: Refresh::All, ..PlanOptions::default() };
        let options = PreviewOptions { plan };
        command::preview(&engine, &options).await.unwrap_or_else(|e| panic!("{e:?}")).plan
    }

    /// Brings it back to what is declared, having read everything.
    pub(crate) async fn repaired<P>(&self, program: P) -> Result<infra_core::event::Summary>
    where
        P: Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    {
        let engine = self.stack.engine(program).await.unwrap();
        let plan = PlanOptions { refresh: Refresh::All, ..PlanOptions::default() };
        let options = command::UpOptions { plan, ..command::UpOptions::default() };
        command::up(&engine, &options, &command::Confirmed).await
    }

    /// What kubectl would do: a call as somebody else.
    pub(crate) async fn kubectl(&self, verb: &str, path: &str, kind: &str, body: Json) -> Json {
        let (status, answer) = self.call(verb, path, kind, body).await;
        assert!((200..300).contains(&status), "{verb} {path}: {status} {answer}");
        answer
    }

    pub(crate) async fn call(&self, verb: &str, path: &str, kind: &str, body: Json) -> (u16, Json) {
        let request = http::Request::builder()
            .method(verb)
            .uri(path)
            .header("authorization", "Bearer kubectl")
            .header("content-type", kind)
            .header("user-agent", "kubectl/v1.33.0")
            .body(kube::client::Body::from(serde_json::to_vec(&body).unwrap()))
            .unwrap();
        let answer =
            self.cluster.clone().oneshot(request).await.unwrap_or_else(|_| panic!("{path}"));
        let status = answer.status().as_u16();
        let body = http_body_util::BodyExt::collect(answer.into_body()).await;
        let bytes = body.unwrap_or_else(|_| panic!("{path}")).to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or(Json::Null))
    }

    pub(crate) async fn get(&self, path: &str) -> Json {
        self.kubectl("GET", path, "application/json", json!(null)).await
    }

    /// A merge patch, as `kubectl patch --type merge` and `kubectl edit` send it.
    pub(crate) async fn edit(&self, path: &str, change: Json) -> Json {
        let path = format!("{path}?fieldManager=kubectl-edit");
        self.kubectl("PATCH", &path, "application/merge-patch+json", change).await
    }
}

/// The steps that do something: action and name.
pub(crate) fn steps(plan: &Plan) -> Vec<String> {
    let acts = plan.steps.iter().filter(|step| !matches!(step.action, Action::Keep | Action::Read));
    acts.map(|step| format!("{:?} {}", step.action, step.urn.name())).collect()
}
