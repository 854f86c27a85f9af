//! Recording an object that exists as the object of a declared resource.

mod several;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

pub use several::{Line, Several, find_all, import_all};

use infra_state::{Change, EnvExt, Instance, Provider, Record, Snapshot, Status, Urn, Value};

use super::{
    names::resolve as named, observe::read_by_id, outputs::remembered, planning::same_cloud,
    state::commit,
};
use crate::{
    Engine, Error, ErrorKind, Result,
    execute::Connections,
    graph::{Graph, Node, Role},
    plan::{PropertyDiff, converge, ignore, resolve},
    provider::{ErasedObserved, Operation, Readiness},
    scrub::taint,
};

/// What is recorded of an object.
#[derive(Clone, Debug)]
pub struct Import {
    /// The record: the declared inputs, but as they are in the cloud wherever that differs.
    pub record: Record,
    /// Where it differs: what the next `up` changes.
    pub differs: Vec<PropertyDiff>,
}

/// Reads the object `id` as the declared resource `name`, and says how it would be recorded. Changes nothing.
///
/// It is refused where the object belongs to another stack, where it or the resource is recorded already, and where
/// something that the resource uses is not. A record that nobody could settle is no obstacle: this settles it.
pub async fn find(engine: &Engine, name: &str, id: &str) -> Result<Import> {
    let graph = engine.graph()?;
    let urn = named(name, graph.nodes.keys())?;
    let node = &graph.nodes[&urn];
    let (Role::Managed, Some(provider)) = (node.role, &node.provider) else {
        let message = format!("{urn} is no object of a cloud: there is nothing to import");
        return Err(Error::new(ErrorKind::Usage, message));
    };
    let snapshot = remembered(engine).await?.snapshot;
    same_cloud(engine, &snapshot)?;
    ready_for(&snapshot, node, id, &BTreeSet::new())?;
    let connections = Connections::new(engine);
    connections.remember(&engine.registry, &snapshot);
    let connection = connections.get(provider).await.map_err(|e| {
        Error::new(ErrorKind::Failed, format!("{provider} cannot be connected: {e}")).because(e)
    })?;
    let found = read_by_id(engine, &urn, &node.driver, Arc::clone(&connection), id).await?;
    let Some(found) = found else {
        let message = format!("there is no {} with the id `{id}`", urn.kind());
        return Err(Error::new(ErrorKind::Refused, message));
    };
    if let Readiness::Deleting(why) = &found.readiness {
        let message = format!("{id} is being deleted ({why}): it is not recorded");
        return Err(Error::new(ErrorKind::Refused, message));
    }
    let instance = instance(engine, &snapshot, &urn, &found)?;
    let provider = Provider { urn: provider.clone(), identity: connection.identity.clone() };
    let known = outputs(&snapshot);
    record(engine, &graph, node, &|urn| known.get(urn).copied(), (instance, provider), found)
}

/// Records what [`find`] found, as a deployment of its own. The cloud is not touched: `up` changes what differs.
pub async fn import(engine: &Engine, found: &Import, wait: Duration) -> Result<()> {
    let urn = &found.record.urn;
    let session = engine.state.acquire(engine.holder("import"), wait).await?;
    let graph = engine.graph()?;
    // It may have been recorded since it was looked at.
    let free = match (&found.record.id, graph.nodes.get(urn)) {
        (Some(id), Some(node)) => {
            session.with(|snapshot| ready_for(snapshot, node, id, &BTreeSet::new()))
        }
        _ => Err(Error::new(ErrorKind::Usage, format!("{urn} is not declared any more"))),
    };
    if let Err(error) = free {
        session.release().await?;
        return Err(error);
    }
    commit(engine, &session, "import", vec![Change::Put(found.record.clone())]).await
}

/// Refuses where the record could not be written. `beside` is what is recorded together with it.
fn ready_for(snapshot: &Snapshot, node: &Node, id: &str, beside: &BTreeSet<Urn>) -> Result<()> {
    let urn = &node.urn;
    let refused = |message: String| Err(Error::new(ErrorKind::Refused, message));
    if snapshot.open.values().any(|open| open.intent.record.urn == *urn) {
        return refused(format!("{urn} has an operation that is not settled; run `up` first"));
    }
    let of_kind = |record: &&Arc<Record>| record.urn.kind() == urn.kind();
    let mut taken = snapshot.records.values().filter(of_kind);
    if let Some(record) = taken.find(|it| it.id.as_deref() == Some(id) && it.urn != *urn) {
        return refused(format!("{id} is recorded already, as `{}`", record.urn));
    }
    if let Some(record) = snapshot.current(urn).filter(|it| it.status != Status::Unresolved) {
        let as_what = record.id.as_deref().map(|id| format!(" as {id}")).unwrap_or_default();
        let message =
            format!("{urn} is recorded already{as_what}; `state rm {urn}` forgets that object");
        return refused(message);
    }
    let uses = node.dependencies().into_iter().chain(node.provider.clone());
    let missing: Vec<_> = uses
        .filter(|used| snapshot.current(used).is_none() && !beside.contains(used))
        .map(|used| format!("`{used}`"))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    refused(format!(
        "{urn} uses {}, which is not recorded yet: import that first, or declare this one with `.import(\"{id}\")` and \
         run `up`",
        missing.join(", ")
    ))
}

/// The word of the object: the one that its record or its tags give it, else a new one. Refuses what is somebody
/// else's.
fn instance(
    engine: &Engine,
    snapshot: &Snapshot,
    urn: &Urn,
    found: &ErasedObserved,
) -> Result<Instance> {
    let tag = |name: &str| {
        let key = format!("{}{name}", Operation::TAG_PREFIX);
        found.owner.as_ref().and_then(|owner| owner.get(&key)).map(String::as_str)
    };
    let ours = tag("lineage").is_some_and(|of| of == snapshot.identity.lineage.to_string());
    if tag("lineage").is_some() && !ours {
        let whose = tag("stack").unwrap_or("another stack");
        let message = format!("{} belongs to {whose}: it is not taken over", found.id);
        return Err(Error::new(ErrorKind::Refused, message));
    }
    if let Some(why) = found.unsayable(urn.kind()) {
        return Err(Error::new(ErrorKind::Refused, format!("{why}: it is not recorded")));
    }
    if let Some(unresolved) = snapshot.current(urn) {
        return Ok(unresolved.instance.clone());
    }
    let made = tag("instance").filter(|_| ours && tag("urn") == Some(urn.as_str()));
    Ok(made.map_or_else(|| engine.env.instance(), Instance::from))
}

/// The outputs of everything that is recorded.
fn outputs(snapshot: &Snapshot) -> HashMap<&Urn, &Value> {
    let known = snapshot.records.values().filter(|record| record.status != Status::Deposed);
    known.map(|it| (&it.urn, &it.outputs)).collect()
}

fn record<'v>(
    engine: &Engine,
    graph: &Graph,
    node: &Node,
    known: &dyn Fn(&Urn) -> Option<&'v Value>,
    (instance, provider): (Instance, Provider),
    found: ErasedObserved,
) -> Result<Import> {
    let schema = node.driver.schema();
    // A name that is generated is the one it has.
    let want = resolve(graph, node, known, &instance, Some(&found.live))?;
    if want.has_unknown() {
        let message = format!("{}: something it uses has no value yet; run `up` first", node.urn);
        return Err(Error::new(ErrorKind::Refused, message));
    }
    let differs = converge(schema, &found.live, &want);
    let paths: Vec<_> = differs.iter().map(|diff| diff.path.clone()).collect();
    let inputs = ignore::overlay(schema, &paths, &found.live, &want);
    let mut outputs = found.outputs.unwrap_or_else(Value::map);
    taint(&mut outputs, &want);
    let now = engine.env.now();
    let ready = found.readiness == Readiness::Ready;
    let record = Record {
        urn: node.urn.clone(),
        instance,
        version: node.driver.version(),
        status: if ready { Status::Ready } else { Status::Incomplete },
        id: Some(found.id),
        inputs,
        outputs,
        provider: Some(provider),
        dependencies: node.dependencies(),
        options: node.recorded_options(),
        holds_data: schema.holds_data,
        created: now,
        updated: now,
    };
    Ok(Import { record, differs })
}
