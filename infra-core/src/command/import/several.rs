//! Recording many objects as declared resources, all or none.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use futures_util::future::join_all;
use infra_state::{Change, EnvExt as _, Provider, Record, Status, Urn, Value};

use super::{Import, instance, outputs, ready_for, record};
use crate::{
    Engine, Error, ErrorKind, Result,
    command::{
        names::resolve as named,
        observe::{For, Groups, read},
        planning::{Known, same_cloud},
        state::commit,
    },
    execute::Connections,
    graph::{Graph, Node, Role},
    plan::resolve,
    provider::{Class, Connection, ErasedFind, ErasedObserved, Readiness},
};

/// What is to be recorded: a declared urn (or its name part), and the cloud's id of the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The urn, or its name part.
    pub name: String,
    /// The id.
    pub id: String,
}

/// What came of each line, and what is recorded beside: the providers that are not recorded yet.
#[derive(Debug)]
pub struct Several {
    /// In the order of the lines: what is recorded, or why nothing can be.
    pub lines: Vec<Result<Import>>,
    providers: Vec<Record>,
}

impl Several {
    /// How many lines are wrong.
    pub fn wrong(&self) -> usize {
        self.lines.iter().filter(|line| line.is_err()).count()
    }
}

/// Reads the objects of all lines, in bulk, and says how each would be recorded. Changes nothing. What one of them uses may
/// be another one.
pub async fn find_all(engine: &Engine, lines: &[Line]) -> Result<Several> {
    let graph = engine.graph()?;
    let known = Known::of(engine, engine.state.read().await?.as_ref());
    let snapshot = known.snapshot;
    same_cloud(engine, &snapshot)?;
    let connections = Connections::new(engine);
    connections.remember(&engine.registry, &snapshot);
    let mut recorded: HashMap<Urn, Value> =
        outputs(&snapshot).into_iter().map(|(urn, value)| (urn.clone(), value.clone())).collect();
    let mut results: Vec<Result<Urn>> =
        lines.iter().map(|line| declared(&graph, &line.name)).collect();
    let mut places: BTreeMap<Urn, usize> = BTreeMap::new();
    for (at, result) in results.iter_mut().enumerate() {
        let Ok(urn) = &*result else { continue };
        let first = *places.entry(urn.clone()).or_insert(at);
        if first != at {
            let message = format!("{urn} is named twice: line {} says it too", first + 1);
            *result = Err(Error::new(ErrorKind::Usage, message));
        }
    }
    let mut providers = Vec::new();
    let mut connected: BTreeMap<Urn, Arc<Connection>> = BTreeMap::new();
    let used: BTreeSet<&Urn> =
        places.keys().filter_map(|urn| graph.nodes.get(urn)?.provider.as_ref()).collect();
    for urn in used {
        let Some(node) = graph.nodes.get(urn) else { continue };
        let (connection, fresh) = provider(engine, &graph, node, &connections, &recorded).await?;
        connected.insert(urn.clone(), connection);
        if snapshot.current(urn).is_none() {
            recorded.insert(urn.clone(), Value::map());
            providers.push(fresh);
        }
    }
    let mut beside: BTreeSet<Urn> = places.keys().cloned().collect();
    beside.extend(providers.iter().map(|record| record.urn.clone()));
    let mut groups = Groups::default();
    for (urn, at) in &places {
        let node = &graph.nodes[urn];
        if let Err(error) = ready_for(&snapshot, node, &lines[*at].id, &beside) {
            results[*at] = Err(error);
            continue;
        }
        let Some(connection) = node.provider.as_ref().and_then(|urn| connected.get(urn)) else {
            continue;
        };
        let find = ErasedFind::Id { id: lines[*at].id.clone(), recorded: None };
        groups.add(&node.driver, Arc::clone(connection), For::Import(urn.clone()), find);
    }
    let mut found: HashMap<Urn, ErasedObserved> = HashMap::new();
    let reads = groups.all.into_iter().map(|group| read(engine, group));
    for (what, answer) in join_all(reads).await.into_iter().flatten() {
        let Some(at) = places.get(what.urn()).copied() else { continue };
        match there(what.urn(), &lines[at].id, answer) {
            Ok(seen) => drop(found.insert(what.urn().clone(), seen)),
            Err(error) => results[at] = Err(error),
        }
    }
    let mut imports: BTreeMap<usize, Result<Import>> = BTreeMap::new();
    for urn in &graph.order {
        let (Some(at), Some(seen)) = (places.get(urn).copied(), found.remove(urn)) else {
            continue;
        };
        let node = &graph.nodes[urn];
        let made = instance(engine, &snapshot, urn, &seen).and_then(|word| {
            let urn = node.provider.clone().ok_or_else(|| no_object(urn))?;
            let identity = connected[&urn].identity.clone();
            let through = (word, Provider { urn, identity });
            record(engine, &graph, node, &|urn| recorded.get(urn), through, seen)
        });
        if let Ok(import) = &made {
            recorded.insert(urn.clone(), import.record.outputs.clone());
        }
        imports.insert(at, made);
    }
    let lines = results.into_iter().enumerate().map(|(at, result)| {
        let urn = result?;
        imports.remove(&at).unwrap_or_else(|| Err(no_object(&urn)))
    });
    Ok(Several { lines: lines.collect(), providers })
}

/// Records what [`find_all`] found, in one commit. Refused if a line is wrong.
pub async fn import_all(engine: &Engine, found: &Several, wait: Duration) -> Result<()> {
    let wrong = found.wrong();
    if wrong > 0 {
        let message =
            format!("{wrong} of {} lines are wrong: nothing was recorded", found.lines.len());
        return Err(Error::new(ErrorKind::Refused, message));
    }
    let records: Vec<&Record> = found.lines.iter().flatten().map(|import| &import.record).collect();
    let graph = engine.graph()?;
    let session = engine.state.acquire(engine.holder("import"), wait).await?;
    let beside: BTreeSet<Urn> =
        records.iter().copied().chain(&found.providers).map(|record| record.urn.clone()).collect();
    // Something may have been recorded since it was looked at.
    let free =
        records.iter().try_for_each(|record| match (&record.id, graph.nodes.get(&record.urn)) {
            (Some(id), Some(node)) => {
                session.with(|snapshot| ready_for(snapshot, node, id, &beside))
            }
            _ => Err(no_object(&record.urn)),
        });
    if let Err(error) = free {
        session.release().await?;
        return Err(error);
    }
    let providers = found.providers.iter().chain(records);
    let changes = providers.map(|record| Change::Put(record.clone())).collect();
    commit(engine, &session, "import", changes).await
}

fn declared(graph: &Graph, name: &str) -> Result<Urn> {
    let urn = named(name, graph.nodes.keys())?;
    let node = &graph.nodes[&urn];
    match (node.role, &node.provider) {
        (Role::Managed, Some(_)) => Ok(urn),
        _ => Err(no_object(&urn)),
    }
}

fn no_object(urn: &Urn) -> Error {
    let message = format!("{urn} is no object of a cloud: there is nothing to import");
    Error::new(ErrorKind::Usage, message)
}

fn there(
    urn: &Urn,
    id: &str,
    answer: crate::provider::Result<Option<ErasedObserved>>,
) -> Result<ErasedObserved> {
    let refused = |message: String| Err(Error::new(ErrorKind::Refused, message));
    let gone = || refused(format!("there is no {} with the id `{id}`", urn.kind()));
    match answer {
        Ok(Some(seen)) => match &seen.readiness {
            Readiness::Deleting(why) => refused(format!("{id} is being deleted ({why})")),
            _ => Ok(seen),
        },
        Ok(None) => gone(),
        Err(e) if e.class() == Class::NotFound => gone(),
        Err(e) => {
            let message = format!("{urn} cannot be read: {e}");
            Err(Error::new(ErrorKind::Failed, message).because(e))
        }
    }
}

/// A provider, connected, and how it would be recorded.
async fn provider(
    engine: &Engine,
    graph: &Graph,
    node: &Node,
    connections: &Connections,
    known: &HashMap<Urn, Value>,
) -> Result<(Arc<Connection>, Record)> {
    let instance = engine.env.instance();
    let inputs = resolve(graph, node, &|urn| known.get(urn), &instance, None)?;
    connections.configure(&node.urn, &inputs);
    let connection = connections.get(&node.urn).await.map_err(|e| {
        let message = format!("{} cannot be connected: {e}", node.urn);
        Error::new(ErrorKind::Failed, message).because(e)
    })?;
    let now = engine.env.now();
    let record = Record {
        urn: node.urn.clone(),
        instance,
        version: node.driver.version(),
        status: Status::Ready,
        id: None,
        inputs,
        outputs: Value::map(),
        provider: None,
        dependencies: node.dependencies(),
        options: node.recorded_options(),
        holds_data: false,
        created: now,
        updated: now,
    };
    Ok((connection, record))
}
