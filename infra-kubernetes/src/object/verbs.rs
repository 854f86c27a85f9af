//! What is done with objects.

use std::{collections::BTreeMap, time::Duration};

use infra_core::{
    provider::{
        Change, Class, Cx, Error, Find, Managed, Observed, Once, Operation, Partial, Readiness,
        Result, Timeouts, Violation,
    },
    state::{Path, StackName, Value},
};
use kube::core::{
    Status,
    params::{DeleteParams, Preconditions, PropagationPolicy},
};
use serde_json::Value as Json;

use super::{Object, Propagation, owner, shrinks};
use crate::{
    Kubernetes,
    classify::Classify as _,
    cloud::{Apply, Served},
    kind::{Id, Kind},
    ready,
};

impl Object {
    pub(super) fn text(&self, field: &str) -> &str {
        self.manifest.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    fn kind(&self) -> Kind {
        Kind::of(self.text("apiVersion"), self.text("kind"))
    }

    /// The id, which has a namespace where the kind has.
    pub(super) fn id(&self, served: &Served) -> Id {
        let namespace = || self.namespace.clone().unwrap_or_else(|| "default".to_owned());
        Id {
            api_version: self.text("apiVersion").to_owned(),
            kind: self.text("kind").to_owned(),
            namespace: served.namespaced.then(namespace),
            name: self.name.clone().unwrap_or_default(),
        }
    }

    /// What is applied.
    pub(super) fn body(
        &self,
        id: &Id,
        op: Option<&Operation>,
        owner: Option<&BTreeMap<String, String>>,
    ) -> Json {
        let mut body = self.manifest.to_json();
        body["metadata"]["name"] = id.name.as_str().into();
        if let Some(namespace) = &id.namespace {
            body["metadata"]["namespace"] = namespace.as_str().into();
        }
        owner::write(&mut body, op, owner);
        body
    }

    /// Why it cannot be applied where nobody serves it.
    fn unknown(&self) -> Error {
        let (kind, version) = (self.text("kind"), self.text("apiVersion"));
        let group = self.kind().group;
        if ready::is_built_in(&group) {
            // No definition will bring it.
            return Error::invalid(format!(
                "the cluster has no {kind} in {version}: is it spelled so, and does this version of Kubernetes have it?"
            ));
        }
        let message = format!(
            "the cluster does not know {kind} in {version}: its definition has to be there first (let this depend on it), \
             and its version has to be one that the cluster serves"
        );
        Error::new(Class::Dependency, message)
    }

    async fn apply(&self, cx: &Cx<Kubernetes>, change: &Applying<'_>) -> Result<Json> {
        let Applying { id, path, body, before } = change;
        cx.check()?;
        let what = format!("applying {id}");
        let how = if self.take_over { Apply::Forcibly } else { Apply::Politely };
        match cx.apply(path, &id.name, body, how).await {
            Err(kube::Error::Api(status)) if status.code == 409 && is_ownership(&status) => {
                // What was ours is taken back; what never was is somebody else's.
                if let Some(foreign) = foreign(&status, *before) {
                    return Err(Error::invalid(format!("{what}: {foreign}")));
                }
                cx.check()?;
                cx.apply(path, &id.name, body, Apply::Forcibly).await.classify(&what)
            }
            Err(kube::Error::Api(status))
                if status.code == 404 && status.message.contains("namespaces") =>
            {
                let message = format!("{what}: {}", status.message);
                Err(Error::new(Class::Dependency, message))
            }
            Err(kube::Error::Api(status)) if is_fixed(&status.message) => {
                let message = format!(
                    "{what}: {}. It can only be replaced: say so with `.replace_on_changes([\"manifest.…\"])`, or once with \
                     `--replace URN`",
                    status.message.trim_end_matches('.')
                );
                Err(Error::invalid(message))
            }
            answer => answer.classify(&what),
        }
    }
}

struct Applying<'a> {
    id: &'a Id,
    path: &'a str,
    body: &'a Json,
    /// What was ours before.
    before: Option<&'a Value>,
}

impl Managed for Object {
    type Cloud = Kubernetes;

    async fn read(
        cx: &Cx<Kubernetes>,
        find: &[Find<'_, Self>],
    ) -> Vec<Result<Option<Observed<Self>>>> {
        Self::read_all(cx, find).await
    }

    async fn owned_of_kind(
        cx: &Cx<Kubernetes>,
        stack: &StackName,
        kind: &str,
    ) -> Result<Option<Vec<Observed<Self>>>> {
        let Some(kind) = Kind::parse(kind) else { return Ok(None) };
        let Some((api_version, served)) = cx.preferred(&kind).await? else {
            return Ok(Some(Vec::new()));
        };
        let selector = format!("{}={}", owner::STACK, owner::label(stack));
        let mut all = Vec::new();
        for found in cx.list(&served.path(None), &selector, "").await? {
            let text = |field: &str| found["metadata"][field].as_str().map(str::to_owned);
            // What a template gave its pods is not what was declared.
            if owner::of(&found).is_none() {
                continue;
            }
            let id = Id {
                api_version: api_version.clone(),
                kind: kind.kind.clone(),
                namespace: text("namespace"),
                name: text("name").unwrap_or_default(),
            };
            let path = served.path(id.namespace.as_deref());
            let mut found = found;
            // In a list, elements do not say what they are.
            found["apiVersion"] = api_version.as_str().into();
            found["kind"] = kind.kind.as_str().into();
            all.push(Self::observed(cx, &id, &path, found, None).await?);
        }
        Ok(Some(all))
    }

    async fn create(cx: &Cx<Kubernetes>, want: &Self, op: &Operation) -> Result<String> {
        let Some(served) = cx.served(want.text("apiVersion"), want.text("kind")).await? else {
            return Err(want.unknown());
        };
        let id = want.id(&served);
        let path = served.path(id.namespace.as_deref());
        if let Some(found) = cx.get(&path, &id.name).await? {
            if !found["metadata"]["deletionTimestamp"].is_null() {
                let message = format!("{id} is being deleted");
                return Err(Error::new(Class::Dependency, message));
            }
            let owner = owner::of(&found).unwrap_or_default();
            if owner.get("infra:operation") != Some(&op.token()) {
                return Err(Error::new(Class::Exists, format!("{id} exists already")));
            }
        }
        let body = want.body(&id, Some(op), None);
        want.apply(cx, &Applying { id: &id, path: &path, body: &body, before: None }).await?;
        Ok(id.to_string())
    }

    async fn update(cx: &Cx<Kubernetes>, change: &Change<'_, Self>, op: &Operation) -> Result<()> {
        let (want, have) = (change.want()?, change.have()?);
        let Some(served) = cx.served(want.text("apiVersion"), want.text("kind")).await? else {
            return Err(want.unknown());
        };
        let id = want.id(&served);
        let path = served.path(id.namespace.as_deref());
        refuse_foreign(&id, have.owner.as_ref(), op)?;
        let body = want.body(&id, Some(op), have.owner.as_ref());
        // What does not say that it is ours never was, whatever was recorded: it is being taken over.
        let before = change.recorded.filter(|_| have.owner.is_some());
        let before = before.map(|recorded| &recorded.manifest);
        want.apply(cx, &Applying { id: &id, path: &path, body: &body, before }).await.map(drop)
    }

    async fn delete(
        cx: &Cx<Kubernetes>,
        have: &Observed<Self>,
        recorded: &Self,
        op: &Operation,
    ) -> Result<()> {
        if matches!(have.readiness, Readiness::Deleting(_)) {
            return Ok(());
        }
        let id = Id::parse(&have.id).map_err(Error::invalid)?;
        refuse_foreign(&id, have.owner.as_ref(), op)?;
        if have.owner.is_none() {
            let message = format!(
                "{id} is not the object that this stack made: somebody deleted that and made this one, which does not say \
                 that it is ours. Delete it by hand, or forget it with `state rm {}`",
                op.urn
            );
            return Err(Error::invalid(message));
        }
        let api_version = match recorded.text("apiVersion") {
            "" => &id.api_version,
            recorded => recorded,
        };
        let Some(served) = cx.still_served(api_version, &id.kind).await? else { return Ok(()) };
        let policy = match recorded.propagation {
            Propagation::Foreground => PropagationPolicy::Foreground,
            Propagation::Background => PropagationPolicy::Background,
            Propagation::Orphan => PropagationPolicy::Orphan,
        };
        // Not another one that has its name by now.
        let uid = have.outputs.as_ref().map(|outputs| outputs.uid.clone());
        let how = DeleteParams {
            propagation_policy: Some(policy),
            preconditions: Some(Preconditions { uid, resource_version: None }),
            ..DeleteParams::default()
        };
        cx.check()?;
        cx.delete(&served.path(id.namespace.as_deref()), &id.name, &how).await
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let manifest = want.value().get("manifest").and_then(Value::as_map);
        let known = |field: &str| {
            let value = manifest.and_then(|map| map.get(field));
            value.is_some_and(|value| value.as_str().is_some_and(|text| !text.is_empty()))
        };
        let missing = ["apiVersion", "kind"].into_iter().filter(|field| !known(field));
        let violation = |field: &str| Violation {
            path: Path::field("manifest").key(field),
            message: "expected text that is known while the program runs".to_owned(),
        };
        let mut wrong: Vec<_> = missing.map(violation).collect();
        let spec = manifest.and_then(|map| map.get("spec"));
        let is_job =
            manifest.and_then(|map| map.get("kind")).and_then(Value::as_str) == Some("Job");
        if is_job && spec.is_some_and(|spec| spec.get("ttlSecondsAfterFinished").is_some()) {
            wrong.push(Violation {
                path: Path::field("manifest").key("spec").key("ttlSecondsAfterFinished"),
                message: "a job that the cluster removes by itself is missing, and the next `up` would run it again: leave \
                          this out; it goes when its resource does"
                    .to_owned(),
            });
        }
        wrong
    }

    fn collides(old: &Self, new: &Partial<Self>) -> Option<String> {
        if !old.kind().is("", "Service") {
            return None;
        }
        let wanted = ports(new.value().get("manifest")?);
        let port = ports(&old.manifest).into_iter().find(|port| wanted.contains(port))?;
        Some(format!("the node port {port} can be had only once"))
    }

    fn shrinks(live: &Self, want: &Self) -> Option<String> {
        shrinks::less(&live.manifest, &want.manifest)
    }

    fn once() -> Once {
        // Applying it again is applying it once. A call that was given up may go on in the API server for a while.
        Once { by_name: true, window: Duration::from_secs(10), ..Once::default() }
    }

    fn timeouts() -> Timeouts {
        // Longer than the ten minutes after which a rollout itself says that it does not progress.
        Timeouts::minutes(15)
    }
}

fn is_ownership(status: &Status) -> bool {
    causes(status).next().is_some()
}

/// The fields that others manage, each with what the server says of it.
fn causes(status: &Status) -> impl Iterator<Item = (&str, &str)> {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let conflicts = causes.filter(|cause| cause.reason == "FieldManagerConflict");
    conflicts.map(|cause| (cause.field.as_str(), cause.message.as_str()))
}

/// What to do about fields that never were ours; `None` if all of them were.
fn foreign(status: &Status, before: Option<&Value>) -> Option<String> {
    let ours = |field: &str| before.is_some_and(|before| is_in(before, field));
    let mut foreign: Vec<_> = causes(status).filter(|(field, _)| !ours(field)).collect();
    foreign.sort_unstable();
    if foreign.is_empty() {
        return None;
    }
    let said: Vec<_> = foreign.iter().map(|(field, who)| format!("{field} ({who})")).collect();
    Some(format!(
        "somebody else manages {}: leave out what is theirs, or take it over with `.take_over(true)`",
        said.join(", ")
    ))
}

/// Whether a manifest says something at a path as conflicts have it: `.spec.template.spec.containers[name="app"].image`,
/// `.data.prometheus.yml`, `.metadata.finalizers[="a/b"]`. Dots of keys are not told from those between them.
fn is_in(at: &Value, rest: &str) -> bool {
    let at = at.revealed();
    if rest.is_empty() {
        return true;
    }
    if let Some(rest) = rest.strip_prefix('.') {
        let ends = |after: &str| after.is_empty() || after.starts_with(['.', '[']);
        return at.as_map().into_iter().flatten().any(|(key, value)| {
            let after = rest.strip_prefix(key.as_str()).filter(|after| ends(after));
            after.is_some_and(|after| is_in(value, after))
        });
    }
    let Some((keys, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
        return false;
    };
    let list = at.as_list().unwrap_or_default();
    let read = |value: &str| serde_json::from_str::<Json>(value).unwrap_or_default();
    if let Some(wanted) = keys.strip_prefix('=') {
        return list.iter().any(|element| element.to_json() == read(wanted));
    }
    let wanted: Vec<_> = keys.split(',').filter_map(|key| key.split_once('=')).collect();
    list.iter().any(|element| {
        let matches = wanted.iter().all(|(key, value)| {
            // What has a default may be left out.
            element.get(key).is_none_or(|found| found.to_json() == read(value))
        });
        matches && is_in(element, after)
    })
}

/// The node ports that a service asks for.
fn ports(service: &Value) -> Vec<i64> {
    let spec = service.get("spec");
    let ports = spec.and_then(|spec| spec.get("ports")).and_then(Value::as_list);
    let node_port = |port: &Value| port.get("nodePort").map(Value::to_json)?.as_i64();
    ports.unwrap_or_default().iter().filter_map(node_port).collect()
}

/// Whether a refusal means that only another object can have that value. Kinds say so in words of their own.
fn is_fixed(message: &str) -> bool {
    let words = [
        "immutable",
        "may not change once set",
        "may not be changed",
        "updates to ",
        "may not change fields",
    ];
    words.iter().any(|words| message.contains(words))
        && (!message.contains("updates to ") || message.contains("forbidden"))
}

/// An object that another stack made since is theirs, whatever was recorded of one with its name.
fn refuse_foreign(id: &Id, owner: Option<&BTreeMap<String, String>>, op: &Operation) -> Result<()> {
    let tag = |name: &str| owner?.get(name);
    match tag("infra:lineage") {
        Some(lineage) if *lineage != op.lineage.to_string() => {
            let whose = tag("infra:stack").map_or("another stack", String::as_str);
            Err(Error::invalid(format!("{id} belongs to `{whose}` by now: it is left alone")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_declared_is_found_by_the_paths_of_conflicts() {
        let manifest = Value::from(
            serde_json::json!({"data": {"prometheus.yml": "x"}, "metadata": {"labels": {"app.kubernetes.io/name": "web"}, "finalizers": ["x.io/f"]},
            "spec": {"replicas": 3, "template": {"spec": {"containers": [
            {"name": "app", "image": "a", "ports": [{"containerPort": 80}]}]}}}}),
        );
        for (field, there) in [
            (".spec.replicas", true),
            (".spec.paused", false),
            (".spec.template.spec.containers[name=\"app\"].image", true),
            (".spec.template.spec.containers[name=\"other\"].image", false),
            (".data.prometheus.yml", true),
            (".data.prometheus.json", false),
            (".metadata.labels.app.kubernetes.io/name", true),
            (".metadata.finalizers[=\"x.io/f\"]", true),
            (".metadata.finalizers[=\"x.io/g\"]", false),
            (
                ".spec.template.spec.containers[name=\"app\"].ports[containerPort=80,protocol=\"TCP\"].containerPort",
                true,
            ),
        ] {
            assert_eq!(is_in(&manifest, field), there, "{field}");
        }
    }
}
