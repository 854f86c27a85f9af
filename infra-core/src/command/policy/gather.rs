//! What a stack needs, from its program and its state.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use infra_state::{Path, ProviderIdentity, Record, Snapshot, Status, Urn, Value};

use super::{PolicyOptions, assumed::assumed};
use crate::{
    Engine, Error, ErrorKind, Result,
    graph::{Graph, Node, Role},
    plan::resolve,
    provider::{Driver, ErasedChange, ErasedObserved, Grant, Needs, Place, Purpose, Readiness},
};

/// Gathers grants.
pub(super) struct Gather<'e> {
    engine: &'e Engine,
    graph: &'e Graph,
    snapshot: Option<&'e Snapshot>,
    /// The outputs of what is declared, as far as they can be told now.
    outputs: BTreeMap<Urn, Value>,
    /// The kinds of providers whose clouds have policies.
    able: BTreeSet<String>,
    /// One account and region may be reached through several providers, and one provider may have moved.
    places: BTreeMap<(Urn, ProviderIdentity), Place>,
}

impl<'e> Gather<'e> {
    pub(super) fn new(
        engine: &'e Engine,
        graph: &'e Graph,
        snapshot: Option<&'e Snapshot>,
    ) -> Self {
        let (outputs, able, places) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        Self { engine, graph, snapshot, outputs, able, places }
    }

    /// Nothing is needed yet.
    fn nothing(&self, options: &PolicyOptions) -> Needs {
        Needs {
            stack: self.engine.state.name().clone(),
            formerly: options.formerly.clone(),
            purpose: options.purpose,
            places: Vec::new(),
            state: options.state.clone(),
            key: options.key.clone(),
        }
    }

    /// What is needed, by the kind of the providers.
    pub(super) fn needs(mut self, options: &PolicyOptions) -> Result<BTreeMap<String, Needs>> {
        let nothing = self.nothing(options);
        let able = self
            .engine
            .connectors
            .iter()
            .filter(|(_, connector)| !matches!(connector.policies(&nothing), Ok(None)));
        self.able = able.map(|(kind, _)| kind.clone()).collect();
        let nodes = self.graph.order.iter().filter_map(|urn| self.graph.nodes.get(urn));
        for node in nodes {
            self.declared(node, options.purpose)?;
        }
        for record in self.snapshot.into_iter().flat_map(|snapshot| snapshot.records.values()) {
            self.recorded(record, options.purpose)?;
        }
        let mut needs = BTreeMap::new();
        for ((urn, _), place) in self.places {
            let needs = needs.entry(urn.kind().to_owned()).or_insert_with(|| nothing.clone());
            needs.places.push(place);
        }
        Ok(needs)
    }

    fn declared(&mut self, node: &Node, purpose: Purpose) -> Result<()> {
        let want = self.wanted(node)?;
        let provider = match node.role {
            Role::Provider => {
                self.outputs.insert(node.urn.clone(), Value::map());
                self.place(&node.urn, None).config = want;
                return Ok(());
            }
            Role::Managed | Role::Lookup => node.provider.as_ref(),
        };
        if node.driver.provider_kind().is_some_and(|kind| !self.able.contains(kind)) {
            let unknown = |name: &'static str| (name.to_owned(), Value::Unknown);
            let outputs = node.driver.schema().outputs.iter().map(|output| unknown(output.name));
            self.outputs.insert(node.urn.clone(), Value::Map(outputs.collect()));
            return Ok(());
        }
        let inputs = filled(&node.urn, &*node.driver, &want)?;
        let outputs = foreseen(&*node.driver, &inputs);
        let config = provider.map_or_else(Value::map, |urn| self.place(urn, None).config.clone());
        self.outputs.insert(node.urn.clone(), located(outputs, &config));
        let Some(provider) = provider else { return Ok(()) };
        let mut changes = changes(node.role, purpose, &inputs);
        if node.options.retain_on_delete {
            changes.retain(|change| change.want.is_some() || change.have.is_none());
        }
        let grants = granted(&node.urn, &*node.driver, &changes)?;
        let place = self.place(provider, None);
        let takes_over = node.options.adopt || node.options.import.is_some();
        let to = if takes_over { &mut place.adopting } else { &mut place.grants };
        to.extend(grants);
        Ok(())
    }

    /// What there is may have names and places that the program does not tell any more.
    fn recorded(&mut self, record: &Record, purpose: Purpose) -> Result<()> {
        let Some(provider) = &record.provider else { return Ok(()) };
        if !self.able.contains(provider.urn.kind()) {
            return Ok(());
        }
        let Some(driver) = self.engine.registry.get(record.urn.kind()) else { return Ok(()) };
        let driver = Arc::clone(driver);
        if driver.role() != Role::Managed {
            return Ok(());
        }
        let inputs = if record.version < driver.version() {
            driver
                .upgrade(record.version, record.inputs.clone())
                .map_err(|e| failed(&record.urn, &e))?
        } else {
            record.inputs.clone()
        };
        let inputs = filled(&record.urn, &*driver, &inputs)?;
        let mut changes = changes(Role::Managed, purpose, &inputs);
        // It is there already.
        changes.retain(|change| change.have.is_some());
        let grants = granted(&record.urn, &*driver, &changes)?;
        self.place(&provider.urn, Some(&provider.identity)).grants.extend(grants);
        Ok(())
    }

    /// The place of a provider: where it points now, or where it pointed when something was made.
    fn place(&mut self, provider: &Urn, identity: Option<&ProviderIdentity>) -> &mut Place {
        let records = || self.snapshot.into_iter().flat_map(|snapshot| snapshot.records.values());
        let identity = identity.cloned().unwrap_or_else(|| {
            let through = |record: &&Arc<Record>| {
                let same = record.provider.as_ref().is_some_and(|it| it.urn == *provider);
                same && record.status != Status::Deposed
            };
            let record = records().find(through);
            record
                .and_then(|record| Some(record.provider.as_ref()?.identity.clone()))
                .unwrap_or_default()
        });
        let config = || {
            let mut same = records().filter(|record| record.urn == *provider);
            same.next_back().map_or_else(Value::map, |record| record.inputs.clone())
        };
        let key = (provider.clone(), identity.clone());
        self.places.entry(key).or_insert_with(|| Place {
            provider: provider.clone(),
            config: config(),
            identity,
            grants: BTreeSet::new(),
            adopting: BTreeSet::new(),
        })
    }

    /// What is wanted of a node, with `*` for the ends of generated names. A closure that cannot make anything of
    /// wildcards leaves unknown what it gives.
    fn wanted(&self, node: &Node) -> Result<Value> {
        let fields = &node.driver.schema().fields;
        let name = self.graph.stack.as_ref();
        let names = fields.iter().filter_map(|field| {
            let prefix = field.name_rule.as_ref()?.prefix(name?);
            Some((field.name.to_owned(), Value::from(format!("{prefix}*").as_str())))
        });
        let names = Value::Map(names.collect());
        let instance = "*".into();
        resolve(self.graph, node, &|urn| self.outputs.get(urn), &instance, Some(&names))
            .or_else(|_| resolve(self.graph, node, &|_| None, &instance, Some(&names)))
    }
}

/// The outputs that an object with these inputs will have.
fn foreseen(driver: &dyn Driver, inputs: &Value) -> Value {
    let outputs = driver.schema().outputs.iter().map(|output| {
        let same = inputs.get(output.name).filter(|value| value.as_str().is_some());
        let own = || if output.name == "id" { Grant::OWN.into() } else { Value::Unknown };
        (output.name.to_owned(), same.cloned().unwrap_or_else(own))
    });
    let mut outputs: BTreeMap<_, _> = outputs.collect();
    let told = driver.foreseen(inputs).into_iter();
    outputs.extend(told.map(|(name, value)| (name.to_owned(), value)));
    Value::Map(outputs)
}

/// Outputs with what the provider is configured with: `{region}` in a text is its region.
fn located(outputs: Value, config: &Value) -> Value {
    match outputs {
        Value::String(text) => {
            let fields = config.as_map().into_iter().flatten();
            let known = fields.filter_map(|(field, value)| Some((field, value.as_str()?)));
            let text = known
                .fold(text, |text, (field, value)| text.replace(&format!("{{{field}}}"), value));
            Value::String(text)
        }
        Value::List(list) => {
            Value::List(list.into_iter().map(|value| located(value, config)).collect())
        }
        Value::Map(map) => {
            let entry = |(key, value)| (key, located(value, config));
            Value::Map(map.into_iter().map(entry).collect())
        }
        other => other,
    }
}

/// Everything that may be done with an object that has these inputs.
fn changes(role: Role, purpose: Purpose, inputs: &Value) -> Vec<ErasedChange> {
    let want = || Some(inputs.clone());
    let nothing = || ErasedChange { have: None, recorded: None, want: None, paths: Vec::new() };
    if role == Role::Lookup {
        return vec![ErasedChange { want: want(), ..nothing() }];
    }
    let have = |readiness| {
        let (id, live) = (Grant::OWN.to_owned(), inputs.clone());
        Some(ErasedObserved { id, readiness, live, outputs: None, owner: None, beyond: Vec::new() })
    };
    let there = |readiness, paths: &[Path]| ErasedChange {
        have: have(readiness),
        recorded: want(),
        want: want(),
        paths: paths.to_vec(),
    };
    let read = there(Readiness::Ready, &[]);
    if purpose.only_looks() {
        // What no state knows is looked for too.
        return vec![nothing(), read];
    }
    vec![
        nothing(),
        read,
        ErasedChange { want: want(), ..nothing() },
        there(Readiness::Ready, &[Path::ROOT]),
        there(Readiness::Restorable(String::new()), &[Path::ROOT]),
        ErasedChange { have: have(Readiness::Ready), recorded: want(), ..nothing() },
    ]
}

fn granted(urn: &Urn, driver: &dyn Driver, changes: &[ErasedChange]) -> Result<BTreeSet<Grant>> {
    let mut all = BTreeSet::new();
    for change in changes {
        all.extend(driver.grants(change).map_err(|e| failed(urn, &e))?);
    }
    Ok(all)
}

fn filled(urn: &Urn, driver: &dyn Driver, inputs: &Value) -> Result<Value> {
    let wrong =
        |at: crate::provider::Violation| failed(urn, &format!("`{}`: {}", at.path, at.message));
    assumed(driver, inputs).map_err(wrong)
}

fn failed(urn: &Urn, why: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Failed, format!("what {urn} needs cannot be told: {why}"))
}
