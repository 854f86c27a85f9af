//! The connection to a cluster.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use infra_core::provider::{Calls, Class, Error, Gate, Result};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResourceList;
use kube::{
    Client,
    core::{
        Request,
        params::{DeleteParams, GetParams, ListParams, Patch, PatchParams},
    },
};
use serde_json::Value as Json;

use crate::{classify::Classify as _, kind::Kind};

/// Who we are among those who manage fields of objects.
pub const MANAGER: &str = "infra-engine";

/// A connection to one cluster.
pub struct Kubernetes {
    client: Client,
    gate: Gate,
    calls: Calls,
    served: Mutex<HashMap<String, Arc<APIResourceList>>>,
}

/// Where the objects of a kind are served.
#[derive(Clone, Debug)]
pub(crate) struct Served {
    path: String,
    pub(crate) namespaced: bool,
}

impl Served {
    /// `/apis/apps/v1/namespaces/ledger/deployments`; of a namespaced kind without a namespace, those of all.
    pub(crate) fn path(&self, namespace: Option<&str>) -> String {
        let (base, plural) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!("{base}/namespaces/{namespace}/{plural}"),
            None => format!("{base}/{plural}"),
        }
    }
}

impl Kubernetes {
    pub(crate) fn new(client: Client, gate: Gate, calls: Calls) -> Self {
        Self { client, gate, calls, served: Mutex::default() }
    }

    /// The client, for one call.
    fn call(&self) -> &Client {
        self.calls.count("kubernetes");
        &self.client
    }

    /// The client itself, for what a driver of your own calls.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Where objects of this kind are; `None` if the cluster does not know it (any more, or yet).
    pub(crate) async fn served(&self, api_version: &str, kind: &str) -> Result<Option<Served>> {
        let remembered = {
            let served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
            served.get(api_version).cloned()
        };
        if let Some(found) = remembered.as_deref().and_then(|list| find(list, kind)) {
            return Ok(Some(found));
        }
        // A definition may have come since then.
        let what = format!("what {api_version} has");
        let list = if api_version.contains('/') {
            self.call().list_api_group_resources(api_version).await.found(&what)?
        } else {
            self.call().list_core_api_resources(api_version).await.found(&what)?
        };
        let Some(list) = list.map(Arc::new) else { return Ok(None) };
        let found = find(&list, kind);
        let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        served.insert(api_version.to_owned(), list);
        Ok(found)
    }

    /// The same in the version that the cluster has, where it has this one no more.
    pub(crate) async fn still_served(
        &self,
        api_version: &str,
        kind: &str,
    ) -> Result<Option<Served>> {
        if let Some(served) = self.served(api_version, kind).await? {
            return Ok(Some(served));
        }
        let preferred = self.preferred(&Kind::of(api_version, kind)).await?;
        Ok(preferred.map(|(_, served)| served))
    }

    /// The version of a kind that the cluster prefers, and where its objects are.
    pub(crate) async fn preferred(&self, kind: &Kind) -> Result<Option<(String, Served)>> {
        let versions = if kind.group.is_empty() {
            vec!["v1".to_owned()]
        } else {
            let groups = self.call().list_api_groups().await.classify("the groups of the API")?;
            let group = groups.groups.into_iter().find(|group| group.name == kind.group);
            let Some(group) = group else { return Ok(None) };
            let preferred = group.preferred_version.into_iter().chain(group.versions);
            preferred.map(|version| version.group_version).collect()
        };
        for version in versions {
            if let Some(served) = self.served(&version, &kind.kind).await? {
                return Ok(Some((version, served)));
            }
        }
        Ok(None)
    }

    pub(crate) async fn get(&self, path: &str, name: &str) -> Result<Option<Json>> {
        let request = Request::new(path).get(name, &GetParams::default());
        let request = request.map_err(|e| unfit(name, &e))?;
        self.call().request::<Json>(request).await.found(&format!("GET {path}/{name}"))
    }

    /// The objects with these labels, page by page.
    pub(crate) async fn list(&self, path: &str, labels: &str, fields: &str) -> Result<Vec<Json>> {
        let mut all = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let mut page = ListParams::default().limit(500);
            page.label_selector = Some(labels.to_owned()).filter(|labels| !labels.is_empty());
            page.field_selector = Some(fields.to_owned()).filter(|fields| !fields.is_empty());
            page.continue_token = next.take();
            let request = Request::new(path).list(&page).map_err(|e| unfit(path, &e))?;
            let what = format!("LIST {path}");
            let answer = self.call().request::<Json>(request).await;
            let first = all.is_empty();
            if !first && matches!(&answer, Err(kube::Error::Api(status)) if status.code == 410) {
                // What was listed so far is too old to be gone on from.
                all.clear();
                continue;
            }
            let answer = if first { answer.found(&what)? } else { Some(answer.classify(&what)?) };
            let Some(mut answer) = answer else { return Ok(all) };
            if let Json::Array(items) = answer["items"].take() {
                all.extend(items);
            }
            next = answer["metadata"]["continue"]
                .as_str()
                .filter(|token| !token.is_empty())
                .map(str::to_owned);
            if next.is_none() {
                return Ok(all);
            }
        }
    }

    /// Applies a whole object, or asks what applying it would make of it.
    pub(crate) async fn apply(
        &self,
        path: &str,
        name: &str,
        object: &Json,
        how: Apply,
    ) -> Result<Json, kube::Error> {
        let mut params = PatchParams::apply(MANAGER);
        params.force = how != Apply::Politely;
        params.dry_run = how == Apply::Dry;
        let request = Request::new(path).patch(name, &params, &Patch::Apply(object));
        let request = request.map_err(kube::Error::BuildRequest)?;
        self.call().request::<Json>(within(request)).await
    }

    pub(crate) async fn delete(&self, path: &str, name: &str, how: &DeleteParams) -> Result<()> {
        let request = Request::new(path).delete(name, how).map_err(|e| unfit(name, &e))?;
        let what = format!("DELETE {path}/{name}");
        self.call().request::<Json>(within(request)).await.found(&what).map(drop)
    }

    /// The last lines that a container wrote before it ended.
    pub(crate) async fn last_lines(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        before: bool,
    ) -> Vec<String> {
        let path = format!(
            "/api/v1/namespaces/{namespace}/pods/{pod}/log?container={container}&tailLines=10&limitBytes=8192&previous={before}"
        );
        let Ok(request) = http::Request::get(path).body(Vec::new()) else { return Vec::new() };
        // What cannot be read does not keep the reason from being told.
        let text = self.call().request_text(request).await.unwrap_or_default();
        text.lines().map(str::to_owned).filter(|line| !line.trim().is_empty()).collect()
    }

    /// An error if nothing may be changed any more.
    pub(crate) fn check(&self) -> Result<()> {
        self.gate.check()
    }
}

/// How long a call that changes something may go on in the API server. Whoever was cut off from it knows after that that it
/// has had its effect or will have none.
const LIMIT: &str = "timeout=8s";

fn within(mut request: http::Request<Vec<u8>>) -> http::Request<Vec<u8>> {
    let uri = request.uri().to_string();
    let uri = uri.trim_end_matches(['?', '&']);
    let joint = if uri.contains('?') { '&' } else { '?' };
    // It was one before.
    if let Ok(uri) = format!("{uri}{joint}{LIMIT}").parse() {
        *request.uri_mut() = uri;
    }
    request
}

/// How an object is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Apply {
    /// Fields of other managers are a conflict.
    Politely,
    /// Fields of other managers become ours.
    Forcibly,
    /// Nothing is changed; the answer is what a forcible one would make of it.
    Dry,
}

fn find(list: &APIResourceList, kind: &str) -> Option<Served> {
    let group_version = &list.group_version;
    let root = if group_version.contains('/') { "/apis" } else { "/api" };
    let found =
        list.resources.iter().find(|found| found.kind == kind && !found.name.contains('/'))?;
    Some(Served {
        path: format!("{root}/{group_version}/{}", found.name),
        namespaced: found.namespaced,
    })
}

fn unfit(what: &str, error: &kube::core::request::Error) -> Error {
    Error::new(Class::Invalid, format!("{what}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_change_something_have_an_end() {
        for (uri, limited) in [
            ("/api/v1/x?", "/api/v1/x?timeout=8s"),
            ("/api/v1/x", "/api/v1/x?timeout=8s"),
            ("/api/v1/x?&force=true", "/api/v1/x?&force=true&timeout=8s"),
        ] {
            let request = http::Request::patch(uri).body(Vec::new()).unwrap();
            assert_eq!(within(request).uri().to_string(), limited);
        }
    }
}
