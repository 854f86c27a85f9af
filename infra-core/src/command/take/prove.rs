//! The proof: with what would be recorded, the plan of what is declared is empty.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use infra_state::{
    EnvExt as _, Identity, Instance, Lineage, Path, Provider, Record, Snapshot, Status, Urn, Value,
};

use super::{
    declare::{Declared, Lessons, stack},
    look::Found,
};
use crate::{
    Engine, Error, Result,
    command::observe::observe,
    execute::Connections,
    graph::{Graph, Node, Role},
    plan::{Action, PlanOptions, Refresh, Step, converge, ignore, plan, resolve},
    provider::Readiness,
    scrub::taint,
};

/// What came of it.
pub(super) enum Proof {
    /// These cannot be declared: why.
    Wrong(BTreeMap<Urn, String>),
    /// Once more, with this.
    Learnt(Lessons),
    /// Nothing is left to do, but what is said.
    Empty {
        graph: Box<Graph>,
        records: Vec<Record>,
        exported: BTreeMap<String, Value>,
        unfinished: BTreeMap<Urn, String>,
    },
}

pub(super) async fn prove(
    engine: &Engine,
    declared: &Declared,
    found: &[Found],
    urns: &[Urn],
) -> Result<Proof> {
    let graph = match engine.built(stack(engine, declared)) {
        Ok((graph, _)) => graph,
        Err(error) => return wrong(error, urns),
    };
    let objects: BTreeMap<&Urn, &Found> = urns.iter().zip(found).collect();
    let mut snapshot = Snapshot::empty(Identity {
        stack: engine.state.name().clone(),
        lineage: Lineage(engine.env.uuid()),
        home: engine.state.url(),
    });
    let connections = Connections::new(engine);
    let records = match records(engine, &graph, declared, &objects, &connections).await {
        Ok(records) => records,
        Err(error) => return wrong(error, urns),
    };
    for record in &records {
        snapshot.records.insert(record.key(), record.clone().into());
    }
    connections.remember(&engine.registry, &snapshot);
    let simulated = engine.is_simulated();
    let options = PlanOptions { refresh: Refresh::All, simulated, ..PlanOptions::default() };
    let mut quiet = |_: &_| {};
    let seen = observe(engine, &connections, &graph, &snapshot, &options, &mut quiet).await;
    let mint = || engine.env.instance();
    let planned =
        seen.and_then(|seen| plan(&graph, &snapshot, &engine.registry, &seen, &options, &mint));
    let planned = match planned {
        Ok(planned) => planned,
        Err(error) => return wrong(error, urns),
    };
    let mut lessons = Lessons::default();
    let mut unfinished = BTreeMap::new();
    for step in planned.steps.iter().filter(|step| step.action != Action::Keep) {
        let node = graph.nodes.get(&step.urn);
        match node {
            Some(node) if node.role == Role::Managed => {
                learn(step, node, &mut lessons, &mut unfinished);
            }
            _ => {}
        }
    }
    if !lessons.out.is_empty() || !lessons.ignored.is_empty() {
        return Ok(Proof::Learnt(lessons));
    }
    let outputs: HashMap<&Urn, &Value> =
        records.iter().map(|record| (&record.urn, &record.outputs)).collect();
    let mut exported = BTreeMap::new();
    for (name, expr) in &graph.exports {
        if let Ok(value) = expr.eval(&|urn| outputs.get(urn).copied())
            && !value.has_unknown()
        {
            exported.insert(name.clone(), value);
        }
    }
    Ok(Proof::Empty { graph: Box::new(graph), records, exported, unfinished })
}

/// What to do about a step that is left: a field that the cloud chooses is not said, changes of any other are ignored.
fn learn(step: &Step, node: &Node, lessons: &mut Lessons, unfinished: &mut BTreeMap<Urn, String>) {
    let schema = node.driver.schema();
    let fields: BTreeSet<&str> =
        step.diff.iter().chain(&step.drift).filter_map(|diff| diff.path.first()).collect();
    let mut more = false;
    for name in fields {
        let field = schema.fields.iter().find(|field| field.name == name);
        let is_said = node.inputs.contains_key(name);
        if is_said && field.is_some_and(|field| field.computed && !field.required) {
            more |= lessons.out.insert((step.urn.clone(), name.to_owned()));
        } else if !node.options.ignore_changes.contains(&Path::field(name)) {
            let ignored = lessons.ignored.entry(step.urn.clone()).or_default();
            more |= ignored.insert(Path::field(name));
        }
    }
    if !more {
        let why = match step.action {
            Action::Update => "it is not as it should be, and the next `up` sets it right",
            _ => "it does not work as it is, and the next `up` makes it anew",
        };
        unfinished.insert(step.urn.clone(), why.to_owned());
    }
}

/// The mistakes by the objects that they are about; an error that is about none of them is one.
fn wrong(error: Error, urns: &[Urn]) -> Result<Proof> {
    let mut wrong = BTreeMap::new();
    let urns: HashSet<&Urn> = urns.iter().collect();
    for mistake in error.mistakes() {
        match mistake.urn.as_ref().filter(|urn| urns.contains(urn)) {
            Some(urn) => drop(wrong.insert(urn.clone(), mistake.message.clone())),
            None => return Err(error),
        }
    }
    if wrong.is_empty() { Err(error) } else { Ok(Proof::Wrong(wrong)) }
}

/// The records of everything that is declared.
async fn records(
    engine: &Engine,
    graph: &Graph,
    declared: &Declared,
    objects: &BTreeMap<&Urn, &Found>,
    connections: &Connections,
) -> Result<Vec<Record>> {
    let mut outputs: HashMap<Urn, Value> = HashMap::new();
    let mut identities = HashMap::new();
    let mut records = Vec::new();
    for urn in &graph.order {
        let Some(node) = graph.nodes.get(urn) else { continue };
        let instance = declared.instances.get(urn).cloned();
        let instance = instance.unwrap_or_else(|| engine.env.instance());
        let known = |urn: &Urn| outputs.get(urn);
        let record = if let Some(found) = objects.get(urn) {
            object(engine, graph, node, &known, instance, found, &identities)?
        } else {
            let inputs = resolve(graph, node, &known, &instance, None)?;
            if node.role == Role::Provider {
                connections.configure(urn, &inputs);
                let connection = connections.get(urn).await.map_err(|e| {
                    let message = format!("{urn} cannot be connected: {e}");
                    Error::new(crate::ErrorKind::Failed, message).because(e)
                })?;
                identities.insert(urn.clone(), connection.identity.clone());
            }
            let secret = declared.secrets.get(urn);
            let value = secret.map(|text| Value::from(text.as_str()).secret());
            let id = secret.map(|_| instance.to_string());
            let outputs = match value {
                Some(value) => Value::from([("value", value)]),
                None => Value::map(),
            };
            Record { id, inputs, outputs, ..blank(engine, node, instance) }
        };
        outputs.insert(urn.clone(), record.outputs.clone());
        records.push(record);
    }
    Ok(records)
}

fn object<'v>(
    engine: &Engine,
    graph: &Graph,
    node: &Node,
    known: &dyn Fn(&Urn) -> Option<&'v Value>,
    instance: Instance,
    found: &Found,
    identities: &HashMap<Urn, infra_state::ProviderIdentity>,
) -> Result<Record> {
    let (schema, live) = (node.driver.schema(), &found.seen.live);
    let want = resolve(graph, node, known, &instance, Some(live))?;
    // As it is in the cloud, wherever that differs; what cannot be read back is taken to be as it was known.
    let differs = converge(schema, live, &want).into_iter().map(|diff| diff.path);
    let blind = |path: &Path| schema.field(path).is_some_and(|field| field.write_only);
    let differs: Vec<_> = differs.filter(|path| !blind(path)).collect();
    let mut inputs = ignore::overlay(schema, &differs, live, &want);
    let mut outputs = found.seen.outputs.clone().unwrap_or_else(Value::map);
    taint(&mut outputs, &want);
    taint(&mut inputs, &want);
    let urn = node.provider.clone().unwrap_or_else(|| found.provider.clone());
    let identity = identities.get(&urn).cloned().unwrap_or_default();
    let ready = found.seen.readiness == Readiness::Ready;
    Ok(Record {
        status: if ready { Status::Ready } else { Status::Incomplete },
        id: Some(found.seen.id.clone()),
        inputs,
        outputs,
        provider: Some(Provider { urn, identity }),
        ..blank(engine, node, instance)
    })
}

/// The record of a node, without its values.
fn blank(engine: &Engine, node: &Node, instance: Instance) -> Record {
    let now = engine.env.now();
    // Where it will be declared nobody knows yet.
    let options = infra_state::Options { declared: None, ..node.recorded_options() };
    Record {
        urn: node.urn.clone(),
        instance,
        version: node.driver.version(),
        status: Status::Ready,
        id: None,
        inputs: Value::map(),
        outputs: Value::map(),
        provider: None,
        dependencies: node.dependencies(),
        options,
        holds_data: node.driver.schema().holds_data,
        created: now,
        updated: now,
    }
}
