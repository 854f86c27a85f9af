//! What carries the stack's tags and is not declared any more.

use std::collections::{BTreeMap, BTreeSet};

use infra_state::{EnvExt, Options, Record, Status, Urn, Value};

use super::{
    records::Written,
    walk::{Object, Settled, Walk},
};
use crate::{
    command::owned::is_going,
    provider::{Operation, Readiness},
    scrub::taint,
};

/// Shorter texts say nothing about what they come from.
const TELLING: usize = 4;

impl Walk<'_> {
    /// The living objects whose resource the program does not declare.
    pub(super) fn orphans(&self) -> Vec<&Object> {
        let used: BTreeSet<usize> = self
            .settled
            .values()
            .filter_map(|settled| match settled {
                Settled::Objects { current, others } => Some(others.iter().chain([current])),
                _ => None,
            })
            .flatten()
            .copied()
            .collect();
        let nodes = &self.graph.nodes;
        let declared: BTreeSet<Urn> = nodes
            .values()
            .flat_map(|node| {
                let former = node.options.aliases.iter().filter_map(|old| node.alias(old).ok());
                former.chain([node.urn.clone()])
            })
            .collect();
        let all = self.claimed.iter().filter(|(urn, _)| !declared.contains(*urn));
        let all = all.flat_map(|(_, objects)| objects).filter(|at| !used.contains(*at));
        all.map(|at| &self.objects[*at]).filter(|object| !is_going(&object.seen)).collect()
    }

    /// Their records: as they are, so that the next plan deletes them in an order that fits what they mention.
    pub(super) fn remember_orphans(&self, written: &mut Written) {
        let mut current = BTreeSet::new();
        let mut records = Vec::new();
        for object in self.orphans() {
            let status = match object.seen.readiness {
                // At most one object of a resource is current; all go anyway.
                _ if !current.insert(object.urn.clone()) => Status::Deposed,
                Readiness::Ready => Status::Ready,
                _ => Status::Incomplete,
            };
            let twin = records
                .iter()
                .any(|r: &Record| r.urn == object.urn && r.instance == object.instance);
            let schema = object.driver.schema();
            let now = self.engine.env.now();
            let mut inputs = sparse(&object.seen.live);
            taint(&mut inputs, &written.secrets);
            let mut outputs = object.seen.outputs.clone().unwrap_or_else(Value::map);
            taint(&mut outputs, &written.secrets);
            records.push(Record {
                urn: object.urn.clone(),
                instance: if twin { self.engine.env.instance() } else { object.instance.clone() },
                version: object.driver.version(),
                status,
                id: Some(object.seen.id.clone()),
                inputs,
                outputs,
                provider: Some(object.provider.clone()),
                dependencies: BTreeSet::new(),
                options: Options::default(),
                holds_data: schema.holds_data,
                created: now,
                updated: now,
            });
        }
        connect(&mut records, &written.records);
        written.records.extend(records);
    }
}

/// Gives each record the dependencies that its inputs tell of: it has another object's id, or what only that one gives.
fn connect(records: &mut [Record], others: &[Record]) {
    let mut givers = BTreeMap::<String, Option<Urn>>::new();
    for record in records.iter().chain(others) {
        let mut given = BTreeSet::new();
        given.extend(record.id.clone());
        texts(&record.outputs, &mut given);
        for text in given.into_iter().filter(|text| text.len() >= TELLING) {
            let from = givers.entry(text).or_insert_with(|| Some(record.urn.clone()));
            // What several give tells nothing.
            if from.as_ref() != Some(&record.urn) {
                *from = None;
            }
        }
    }
    let mut edges = BTreeMap::<Urn, BTreeSet<Urn>>::new();
    for record in records {
        let mut mentioned = BTreeSet::new();
        texts(&record.inputs, &mut mentioned);
        let from = mentioned.iter().filter_map(|text| givers.get(text).cloned().flatten());
        for on in from.filter(|on| *on != record.urn) {
            if !reaches(&edges, &on, &record.urn) {
                edges.entry(record.urn.clone()).or_default().insert(on.clone());
                record.dependencies.insert(on);
            }
        }
        record.dependencies.extend(record.provider.as_ref().map(|provider| provider.urn.clone()));
    }
}

fn reaches(edges: &BTreeMap<Urn, BTreeSet<Urn>>, from: &Urn, to: &Urn) -> bool {
    let mut met = BTreeSet::new();
    let mut next = vec![from];
    while let Some(urn) = next.pop() {
        if urn == to {
            return true;
        }
        if met.insert(urn) {
            next.extend(edges.get(urn).into_iter().flatten());
        }
    }
    false
}

fn texts(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => drop(found.insert(text.clone())),
        Value::List(list) => list.iter().for_each(|value| texts(value, found)),
        Value::Map(map) => map.values().for_each(|value| texts(value, found)),
        _ => {}
    }
}

/// What is set, without the tags that say whose it is.
fn sparse(live: &Value) -> Value {
    match live {
        Value::Map(map) => {
            let set = map.iter().filter(|(key, value)| {
                !matches!(value.revealed(), Value::Null) && !key.starts_with(Operation::TAG_PREFIX)
            });
            Value::Map(set.map(|(key, value)| (key.clone(), sparse(value))).collect())
        }
        Value::List(list) => Value::List(list.iter().map(sparse).collect()),
        Value::Secret(inner) => sparse(inner).secret(),
        other => other.clone(),
    }
}
