//! Looking at objects, many at once.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use futures_util::{StreamExt as _, stream};
use infra_core::{
    provider::{Class, Cx, Error, Find, Observed, Readiness, Result},
    state::Value,
};
use serde_json::Value as Json;

use super::{Object, ObjectOutputs, Propagation, Wait, live, owner};
use crate::{Kubernetes, classify::Classify as _, cloud::Apply, kind::Id, ready};

/// How many objects are read at a time.
const AT_ONCE: usize = 16;
/// From how many objects of one kind in one namespace on they are listed.
const WORTH_A_LIST: usize = 3;

/// An object that is looked for, and where.
struct Sought {
    id: Id,
    path: String,
}

/// The listed objects of one path, by name; `None` where they may not be listed.
type Listed = Arc<Option<HashMap<String, Json>>>;

impl Object {
    /// Reads each, in the order asked. Those of one kind in one namespace share a list; what is not in it (it was never
    /// ours, or somebody took our label off) is asked for by itself.
    pub(super) async fn read_all(
        cx: &Cx<Kubernetes>,
        find: &[Find<'_, Self>],
    ) -> Vec<Result<Option<Observed<Self>>>> {
        let sought: Vec<_> = find.iter().map(|find| Self::sought(cx, find)).collect();
        let sought: Vec<_> = stream::iter(sought).buffered(AT_ONCE).collect().await;
        let mut paths = BTreeMap::<&str, usize>::new();
        for one in sought.iter().filter_map(|one| one.as_ref().ok()?.as_ref()) {
            *paths.entry(&one.path).or_default() += 1;
        }
        let paths = paths.into_iter().filter(|(_, count)| *count >= WORTH_A_LIST);
        let lists: Vec<_> = paths.map(|(path, _)| listed(cx, path)).collect();
        let listed: HashMap<String, Result<Listed>> =
            stream::iter(lists).buffered(AT_ONCE).collect().await;
        let reads: Vec<_> = find
            .iter()
            .zip(sought)
            .map(|(find, sought)| Self::read_one(cx, find, sought, &listed))
            .collect();
        stream::iter(reads).buffered(AT_ONCE).collect().await
    }

    /// Where the object would be; `None` where the cluster does not know its kind.
    async fn sought(cx: &Cx<Kubernetes>, find: &Find<'_, Self>) -> Result<Option<Sought>> {
        let (api_version, kind) = match (find, find.inputs()) {
            // The recorded version may be newer than the one the object was made with.
            (_, Some(inputs)) => {
                (inputs.text("apiVersion").to_owned(), inputs.text("kind").to_owned())
            }
            (Find::Id { id, .. }, None) => {
                let id = Id::parse(id).map_err(Error::invalid)?;
                (id.api_version, id.kind)
            }
            _ => return Ok(None),
        };
        // Recorded in a version that the cluster may have no more: the object is still there.
        let Some(served) = cx.still_served(&api_version, &kind).await? else { return Ok(None) };
        let id = match find {
            Find::Made { want, .. } => want.id(&served),
            Find::Id { id, .. } => Id::parse(id).map_err(Error::invalid)?,
        };
        let path = served.path(id.namespace.as_deref());
        Ok(Some(Sought { id, path }))
    }

    async fn read_one(
        cx: &Cx<Kubernetes>,
        find: &Find<'_, Self>,
        sought: Result<Option<Sought>>,
        listed: &HashMap<String, Result<Listed>>,
    ) -> Result<Option<Observed<Self>>> {
        let Some(Sought { id, path }) = sought? else { return Ok(None) };
        let shared = match listed.get(&path) {
            Some(Ok(listed)) => listed.as_ref().as_ref().and_then(|all| all.get(&id.name)).cloned(),
            Some(Err(error)) => return Err(error.again()),
            None => None,
        };
        let found = match shared {
            Some(mut found) => {
                // In a list, elements do not say what they are.
                found["apiVersion"] = version(&path).into();
                found["kind"] = id.kind.as_str().into();
                found
            }
            None => match cx.get(&path, &id.name).await? {
                Some(found) => found,
                None => return Ok(None),
            },
        };
        Self::observed(cx, &id, &path, found, find.inputs()).await.map(Some)
    }

    pub(super) async fn observed(
        cx: &Cx<Kubernetes>,
        id: &Id,
        path: &str,
        found: Json,
        inputs: Option<&Self>,
    ) -> Result<Observed<Self>> {
        let kind = id.kind();
        let owner = owner::of(&found);
        let wait = inputs.map_or(&Wait::Ready, |inputs| &inputs.wait);
        let readiness = ready::readiness(cx, &kind, &found, wait).await?;
        let manifest = match inputs {
            None => live::manifest(&kind, &found),
            // What is going is not compared.
            Some(inputs) if matches!(readiness, Readiness::Deleting(_)) => inputs.manifest.clone(),
            // Where every field is as it was recorded, applying them would change nothing: the server need not be asked.
            Some(inputs) if live::stated(&inputs.manifest, &found) == inputs.manifest => {
                inputs.manifest.clone()
            }
            Some(inputs) => {
                let body = inputs.body(id, None, owner.as_ref());
                match cx.apply(path, &id.name, &body, Apply::Dry).await {
                    Ok(applied) => live::owned(&inputs.manifest, &found, &applied),
                    // Who may only read, or what would be refused, is compared as it stands.
                    Err(kube::Error::Api(status))
                        if matches!(status.code, 400..=403 | 405 | 422) =>
                    {
                        live::stated(&inputs.manifest, &found)
                    }
                    Err(error) => return Err(error).classify(&format!("comparing {id}")),
                }
            }
        };
        let live = Self {
            name: Some(id.name.clone()),
            namespace: match &id.namespace {
                // Left out and written out mean the same; and where there is none, what is said of it means nothing.
                Some(namespace) if namespace != "default" => Some(namespace.clone()),
                Some(namespace) if inputs.is_none_or(|inputs| inputs.namespace.is_some()) => {
                    Some(namespace.clone())
                }
                Some(_) => None,
                None => inputs.and_then(|inputs| inputs.namespace.clone()),
            },
            manifest,
            marked: owner.is_some(),
            wait: wait.clone(),
            take_over: inputs.is_some_and(|inputs| inputs.take_over),
            propagation: inputs.map_or(Propagation::Foreground, |inputs| inputs.propagation),
        };
        let outputs = ObjectOutputs {
            name: id.name.clone(),
            namespace: id.namespace.clone(),
            uid: found["metadata"]["uid"].as_str().unwrap_or_default().to_owned(),
            addresses: ready::addresses(&found),
            status: Value::from(found["status"].clone()),
        };
        let mut observed = Observed::ready(id.to_string(), live, outputs).but(readiness);
        observed.owner = owner;
        Ok(observed)
    }
}

/// The version that is served at a path: `apps/v1` of `/apis/apps/v1/…`.
fn version(path: &str) -> String {
    let mut parts = path.trim_start_matches('/').split('/');
    let is_core = parts.next() == Some("api");
    parts.take(if is_core { 1 } else { 2 }).collect::<Vec<_>>().join("/")
}

/// Every object of any of our stacks that is served at `path`, listed once in a batch of reads.
async fn listed(cx: &Cx<Kubernetes>, path: &str) -> (String, Result<Listed>) {
    let ask = || async {
        match cx.list(path, owner::STACK, "").await {
            Ok(found) => {
                let named = found.into_iter().filter_map(|object| {
                    Some((object["metadata"]["name"].as_str()?.to_owned(), object))
                });
                Ok(Some(named.collect::<HashMap<_, _>>()))
            }
            // Who may get an object need not be allowed to list them.
            Err(error) if error.class() == Class::Denied => Ok(None),
            Err(error) => Err(error),
        }
    };
    let listed = cx.memo(&format!("list {path}"), ask).await;
    (path.to_owned(), listed)
}
