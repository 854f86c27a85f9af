//! The records as the plan takes them: renamed by aliases and brought to the drivers' versions.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use infra_state::{Key, ProviderIdentity, Record, Snapshot, Status, Urn};

use super::{Observation, Seen};
use crate::{
    Error, ErrorKind, Result,
    graph::{Graph, Role, order},
    provider::{Driver, Registry},
};

pub(super) struct Remembered<'a> {
    records: Cow<'a, BTreeMap<Key, Arc<Record>>>,
    current: HashMap<Urn, Arc<Record>>,
    /// Who was made from, or through, a resource.
    dependents: HashMap<Urn, Vec<Arc<Record>>>,
    /// Where the objects of each provider were made.
    identities: HashMap<Urn, HashSet<ProviderIdentity>>,
    drivers: HashMap<String, Arc<dyn Driver>>,
    /// The former urns of what was renamed.
    renamed: BTreeMap<Urn, Urn>,
    upgraded: BTreeSet<Key>,
    /// What is to be put and forgotten before the first step.
    pub(super) put: Vec<Record>,
    pub(super) forgotten: Vec<Key>,
}

impl<'a> Remembered<'a> {
    /// Refuses what no plan can be made over: kinds nobody knows, newer versions, operations nobody can settle.
    pub(super) fn new(graph: &Graph, snapshot: &'a Snapshot, registry: &Registry) -> Result<Self> {
        let of_graph = graph.nodes.values().map(|node| &node.driver);
        // Not every kind can be listed: those of the records are asked for, each once.
        let recorded: BTreeSet<&str> = snapshot.records.values().map(|r| r.urn.kind()).collect();
        let recorded = recorded.into_iter().filter_map(|kind| registry.get(kind));
        let drivers = registry.iter().chain(recorded).chain(of_graph);
        let mut remembered = Self {
            records: Cow::Borrowed(&snapshot.records),
            current: HashMap::new(),
            dependents: HashMap::new(),
            identities: HashMap::new(),
            drivers: drivers.map(|d| (d.schema().kind.to_owned(), Arc::clone(d))).collect(),
            renamed: BTreeMap::new(),
            upgraded: BTreeSet::new(),
            put: Vec::new(),
            forgotten: Vec::new(),
        };
        settled(snapshot)?;
        remembered.rename(graph, snapshot)?;
        remembered.known_kinds()?;
        remembered.upgrade()?;
        remembered.index();
        Ok(remembered)
    }

    /// The object of a resource that is not deposed.
    pub(super) fn current(&self, urn: &Urn) -> Option<&Arc<Record>> {
        self.current.get(urn)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.records.values()
    }

    /// The records of what was made from, or through, a resource.
    pub(super) fn dependents(&self, urn: &Urn) -> &[Arc<Record>] {
        self.dependents.get(urn).map_or(&[], Vec::as_slice)
    }

    /// Where the objects of a provider were made.
    pub(super) fn identities(&self, provider: &Urn) -> impl Iterator<Item = &ProviderIdentity> {
        self.identities.get(provider).into_iter().flatten()
    }

    pub(super) fn has_deposed(&self, urn: &Urn) -> bool {
        let from = Key { urn: urn.clone(), instance: "".into() };
        let mut of = self.records.range(from..).take_while(|(key, _)| key.urn == *urn);
        of.any(|(_, record)| record.status == Status::Deposed)
    }

    /// The driver of a recorded kind; all of them are known.
    pub(super) fn driver(&self, urn: &Urn) -> Result<&Arc<dyn Driver>> {
        self.drivers.get(urn.kind()).ok_or_else(|| unknown_kinds(&[urn.as_str()]))
    }

    pub(super) fn role(&self, urn: &Urn) -> Role {
        self.drivers.get(urn.kind()).map_or(Role::Managed, |driver| driver.role())
    }

    pub(super) fn renamed_from(&self, urn: &Urn) -> Option<&Urn> {
        self.renamed.get(urn)
    }

    pub(super) fn was_upgraded(&self, record: &Record) -> bool {
        !self.upgraded.is_empty() && self.upgraded.contains(&record.key())
    }

    /// The key in the snapshot: where observations are filed.
    pub(super) fn filed(&self, record: &Record) -> Key {
        let urn = self.renamed.get(&record.urn).unwrap_or(&record.urn);
        Key { urn: urn.clone(), instance: record.instance.clone() }
    }

    pub(super) fn seen<'o>(
        &self,
        observation: &'o Observation,
        record: &Record,
    ) -> Option<&'o Seen> {
        if observation.objects.is_empty() {
            return None;
        }
        observation.objects.get(&self.filed(record))
    }

    fn rename(&mut self, graph: &Graph, snapshot: &Snapshot) -> Result<()> {
        for node in graph.nodes.values().filter(|node| !node.options.aliases.is_empty()) {
            if snapshot.current(&node.urn).is_some() {
                continue;
            }
            for alias in &node.options.aliases {
                // An alias that is no urn is a mistake of the program, found when the graph was built.
                let Ok(old) = node.alias(alias) else { continue };
                if old != node.urn && snapshot.current(&old).is_some() {
                    self.renamed.insert(node.urn.clone(), old);
                    break;
                }
            }
        }
        if self.renamed.is_empty() {
            return Ok(());
        }
        let new: HashMap<&Urn, &Urn> = self.renamed.iter().map(|(new, old)| (old, new)).collect();
        let renamed = |urn: &Urn| new.get(urn).map_or_else(|| urn.clone(), |new| (*new).clone());
        let mut records = BTreeMap::new();
        for (key, record) in &snapshot.records {
            let mentions =
                record.dependencies.iter().chain(record.provider.as_ref().map(|p| &p.urn));
            if !new.contains_key(&record.urn)
                && !mentions.into_iter().any(|urn| new.contains_key(urn))
            {
                records.insert(key.clone(), Arc::clone(record));
                continue;
            }
            let mut record = Record::clone(record);
            record.urn = renamed(&record.urn);
            record.dependencies = record.dependencies.iter().map(renamed).collect();
            if let Some(provider) = &mut record.provider {
                provider.urn = renamed(&provider.urn);
            }
            if record.key() != *key {
                if snapshot.records.contains_key(&record.key()) {
                    let message =
                        format!("`{}` cannot take the name `{}`: it is taken", key.urn, record.urn);
                    return Err(Error::new(ErrorKind::Failed, message));
                }
                self.forgotten.push(key.clone());
            }
            self.put.push(record.clone());
            records.insert(record.key(), Arc::new(record));
        }
        self.records = Cow::Owned(records);
        self.put = made_from_first(std::mem::take(&mut self.put));
        Ok(())
    }

    fn known_kinds(&self) -> Result<()> {
        let known = |urn: &Urn| self.drivers.contains_key(urn.kind());
        let strangers: Vec<_> = self
            .iter()
            .map(|record| &record.urn)
            .filter(|urn| !known(urn))
            .map(Urn::as_str)
            .collect();
        if strangers.is_empty() { Ok(()) } else { Err(unknown_kinds(&strangers)) }
    }

    fn upgrade(&mut self) -> Result<()> {
        let mut changed = Vec::new();
        for (key, record) in self.records.iter() {
            let driver = self.driver(&record.urn)?;
            if record.version == driver.version() {
                continue;
            }
            if record.version > driver.version() {
                let message = format!(
                    "`{}` was recorded by a newer version of its kind ({}) than this program has ({}): update the \
                     program's dependencies",
                    record.urn,
                    record.version,
                    driver.version()
                );
                return Err(Error::new(ErrorKind::Failed, message));
            }
            let inputs = driver.upgrade(record.version, record.inputs.clone()).map_err(|e| {
                let message = format!(
                    "the record of `{}` cannot be brought from version {} to {}",
                    record.urn,
                    record.version,
                    driver.version()
                );
                Error::new(ErrorKind::Failed, message).because(e)
            })?;
            let record = Record { inputs, version: driver.version(), ..Record::clone(record) };
            changed.push((key.clone(), Arc::new(record)));
        }
        if !changed.is_empty() {
            self.upgraded = changed.iter().map(|(key, _)| key.clone()).collect();
            self.records.to_mut().extend(changed);
        }
        Ok(())
    }

    fn index(&mut self) {
        for record in self.records.values() {
            if record.status != Status::Deposed {
                self.current.insert(record.urn.clone(), Arc::clone(record));
            }
            let provider = record.provider.as_ref();
            let made_through =
                provider.map(|p| &p.urn).filter(|urn| !record.dependencies.contains(*urn));
            for on in record.dependencies.iter().chain(made_through) {
                self.dependents.entry(on.clone()).or_default().push(Arc::clone(record));
            }
            if let Some(provider) = provider {
                match self.identities.get_mut(&provider.urn) {
                    Some(known) if known.contains(&provider.identity) => {}
                    Some(known) => drop(known.insert(provider.identity.clone())),
                    None => {
                        let known = HashSet::from([provider.identity.clone()]);
                        self.identities.insert(provider.urn.clone(), known);
                    }
                }
            }
        }
    }
}

/// What is put is checked one by one: what a record mentions has to be there already.
fn made_from_first(put: Vec<Record>) -> Vec<Record> {
    let places: HashMap<&Urn, usize> = put.iter().enumerate().map(|(at, r)| (&r.urn, at)).collect();
    let needs = |at: usize| {
        let record = &put[at];
        let mentions = record.dependencies.iter().chain(record.provider.as_ref().map(|p| &p.urn));
        let others = mentions.filter(|urn| **urn != record.urn);
        others.filter_map(|urn| places.get(urn).copied()).collect()
    };
    match order(put.len(), needs) {
        Ok(order) => {
            let mut put: Vec<_> = put.into_iter().map(Some).collect();
            order.into_iter().filter_map(|at| put[at].take()).collect()
        }
        Err(_) => put,
    }
}

fn unknown_kinds(urns: &[&str]) -> Error {
    let message = format!(
        "no driver of this program knows the kind of {}. Add the cloud or the resource to the program again, or \
         forget the objects with `state rm URN` (they stay in the cloud)",
        list(urns)
    );
    Error::new(ErrorKind::Failed, message)
}

fn settled(snapshot: &Snapshot) -> Result<()> {
    let open: Vec<_> = snapshot
        .records
        .values()
        .filter(|record| record.status == Status::Unresolved)
        .map(|record| record.urn.as_str())
        .collect();
    let Some(first) = open.first() else { return Ok(()) };
    let message = format!(
        "nobody knows whether the cloud made, changed or deleted {}. Look there, then `state rm {first}` if the object \
         does not exist, or `import {first} ID` if it does",
        list(&open)
    );
    Err(Error::new(ErrorKind::Refused, message))
}

/// The first few, and how many more.
pub(super) fn list(urns: &[&str]) -> String {
    let shown: Vec<_> = urns.iter().take(10).map(|urn| format!("`{urn}`")).collect();
    match urns.len().saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
