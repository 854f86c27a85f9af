//! The records, once everything is found.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use infra_state::{EnvExt, Path, Provider, Record, Status, Urn, Value};

use super::{
    choose::Choice,
    record::inputs,
    settle::is_secret,
    walk::{Object, Settled, Walk},
};
use crate::{
    Result,
    graph::{Expr, Node, Role},
    provider::Readiness,
    scrub::taint,
};

/// What is to be written.
#[derive(Default)]
pub(super) struct Written {
    pub(super) records: Vec<Record>,
    /// Where objects are not what the program declares.
    pub(super) differs: BTreeMap<Urn, Vec<Path>>,
    /// Every secret that is known, or was.
    pub(super) secrets: Value,
    pub(super) exports: BTreeMap<String, Value>,
}

impl Walk<'_> {
    /// The records of everything that is declared and was found, each after what it is made from.
    pub(super) fn records(&mut self) -> Result<Written> {
        self.latecomers()?;
        let known = self.graph.order.iter().filter(|urn| is_secret(urn));
        let mut secrets: Vec<Value> =
            known.filter_map(|urn| self.outputs.get(urn)).cloned().collect();
        // A secret that gets a new value has an old one, which shows only in what the records hold.
        secrets.extend(self.objects.iter().map(|object| only_secrets(&object.seen.live)));
        let first = self.assembled(&Value::List(secrets.clone()))?;
        secrets.extend(first.records.iter().map(|record| only_secrets(&record.inputs)));
        secrets.retain(Value::has_secret);
        let secrets = Value::List(secrets);
        Ok(Written { secrets: secrets.clone(), ..self.assembled(&secrets)? })
    }

    /// The records, with every text marked that one of these secrets is part of.
    fn assembled(&self, all: &Value) -> Result<Written> {
        let mut written = Written::default();
        // What is known once what it is made from is recorded: outputs with their secrets marked.
        let mut outputs: HashMap<Urn, Value> = HashMap::new();
        for urn in &self.graph.order {
            let (Some(node), Some(settled)) = (self.graph.nodes.get(urn), self.settled.get(urn))
            else {
                continue;
            };
            match settled {
                Settled::Missing(_) => {}
                Settled::Known => {
                    let record = self.known(node, &outputs)?;
                    outputs.insert(urn.clone(), record.outputs.clone());
                    written.records.push(record);
                }
                Settled::Objects { current, others } => {
                    for at in std::iter::once(current).chain(others) {
                        let is_current = at == current;
                        let (mut record, differs) =
                            self.of_object(node, &self.objects[*at], is_current, &outputs)?;
                        taint(&mut record.inputs, all);
                        taint(&mut record.outputs, all);
                        taint(&mut record.outputs, &record.inputs);
                        if is_current {
                            outputs.insert(urn.clone(), record.outputs.clone());
                            if !differs.is_empty() {
                                written.differs.insert(urn.clone(), differs);
                            }
                        }
                        written.records.push(record);
                    }
                }
            }
        }
        let recorded: BTreeSet<Urn> =
            written.records.iter().map(|record| record.urn.clone()).collect();
        for record in &mut written.records {
            record.dependencies.retain(|on| recorded.contains(on));
        }
        for (name, expr) in &self.graph.exports {
            if let Ok(value) = expr.eval(&|urn| outputs.get(urn))
                && !value.has_unknown()
            {
                written.exports.insert(name.clone(), value);
            }
        }
        Ok(written)
    }

    /// A place that was connected late may have another object of a resource that was settled before.
    fn latecomers(&mut self) -> Result<()> {
        let nodes: Vec<&Node> = self.graph.nodes.values().collect();
        for node in nodes {
            let Some(Settled::Objects { current, others }) = self.settled.get(&node.urn) else {
                continue;
            };
            let (chosen, count) = (*current, others.len() + 1);
            let candidates = self.candidates(node);
            if candidates.len() <= count || !candidates.contains(&chosen) {
                continue;
            }
            match self.choose(node, &candidates)? {
                Choice::Sure { current, others } if current == chosen => {
                    self.settled.insert(node.urn.clone(), Settled::Objects { current, others });
                }
                Choice::Sure { others, .. } => {
                    let message = format!(
                        "it has {} objects in different places; say which one it is with `--current {}=ID`",
                        others.len() + 1,
                        node.urn
                    );
                    self.problem(&node.urn, message);
                }
                Choice::Open(why) => self.problem(&node.urn, why),
            }
        }
        Ok(())
    }

    /// A record without its values.
    pub(super) fn record(&self, node: &Node, object: &Object, status: Status) -> Record {
        let own = node.provider.as_ref().filter(|provider| {
            let here = self.places.get(*provider);
            here.is_some_and(|here| here.identity == object.provider.identity)
        });
        let urn = own.unwrap_or(&object.provider.urn).clone();
        let identity = object.provider.identity.clone();
        let now = self.engine.env.now();
        Record {
            urn: node.urn.clone(),
            instance: object.instance.clone(),
            version: node.driver.version(),
            status,
            id: Some(object.seen.id.clone()),
            inputs: Value::map(),
            outputs: object.seen.outputs.clone().unwrap_or_else(Value::map),
            provider: Some(Provider { urn, identity }),
            dependencies: node.dependencies(),
            options: node.recorded_options(),
            holds_data: node.driver.schema().holds_data,
            created: now,
            updated: now,
        }
    }

    fn of_object(
        &self,
        node: &Node,
        object: &Object,
        is_current: bool,
        outputs: &HashMap<Urn, Value>,
    ) -> Result<(Record, Vec<Path>)> {
        let status = match &object.seen.readiness {
            _ if !is_current => Status::Deposed,
            Readiness::Ready => Status::Ready,
            _ => Status::Incomplete,
        };
        let mut record = self.record(node, object, status);
        // Two objects of one operation have one word; in the state each needs its own.
        let twin = |other: &Object| {
            other.urn == object.urn
                && other.instance == object.instance
                && other.seen.id != object.seen.id
        };
        if !is_current && self.objects.iter().any(twin) {
            record.instance = self.engine.env.instance();
        }
        // What a new secret will be in is what the next plan is to change.
        let before = |urn: &Urn| outputs.get(urn).filter(|_| !self.rotated.contains(urn));
        let (mut found, differs) =
            inputs(self.graph, node, &before, &object.instance, &object.seen.live)?;
        if let Value::Map(fields) = &mut found {
            for (name, value) in fields {
                let expr = node.inputs.get(name);
                let differs = differs.iter().any(|path| path.first() == Some(name));
                if differs && expr.is_some_and(|expr| self.is_secret(expr)) {
                    *value = std::mem::take(value).secret();
                }
            }
        }
        record.inputs = found;
        Ok((record, differs))
    }

    /// Whether the program makes a secret of it, known or not.
    fn is_secret(&self, expr: &Expr) -> bool {
        let given = |urn: &Urn, path: &Path| {
            let schema = self.graph.nodes.get(urn).map(|node| node.driver.schema());
            let mut outputs = schema.into_iter().flat_map(|schema| &schema.outputs);
            outputs.any(|output| output.secret && path.first().is_none_or(|of| of == output.name))
                || self
                    .outputs
                    .get(urn)
                    .is_some_and(|outputs| path.get(outputs).is_some_and(Value::has_secret))
        };
        expr.is_secret(&given)
    }

    /// The record of a provider, a lookup or a secret.
    fn known(&self, node: &Node, outputs: &HashMap<Urn, Value>) -> Result<Record> {
        let instance = self.engine.env.instance();
        let now = self.engine.env.now();
        let lookup = node.provider.as_ref().filter(|_| node.role == Role::Lookup);
        let provider = lookup.and_then(|urn| {
            let identity = self.places.get(urn)?.identity.clone();
            Some(Provider { urn: urn.clone(), identity })
        });
        Ok(Record {
            urn: node.urn.clone(),
            version: node.driver.version(),
            status: Status::Ready,
            id: is_secret(&node.urn).then(|| instance.to_string()),
            inputs: crate::plan::resolve(
                self.graph,
                node,
                &|urn| outputs.get(urn),
                &instance,
                None,
            )?,
            outputs: self.outputs.get(&node.urn).cloned().unwrap_or_else(Value::map),
            provider,
            dependencies: node.dependencies(),
            options: node.recorded_options(),
            holds_data: node.driver.schema().holds_data,
            created: now,
            updated: now,
            instance,
        })
    }
}

/// The parts of a value that are secret.
fn only_secrets(value: &Value) -> Value {
    match value {
        Value::Secret(_) => value.clone(),
        Value::List(list) => Value::List(list.iter().map(only_secrets).collect()),
        Value::Map(map) => Value::List(map.values().map(only_secrets).collect()),
        _ => Value::Null,
    }
}
