//! All that is remembered of a stack at one moment.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    Change, Deployment, Error, ErrorKind, Identity, Intent, Key, Outcome, Record, Result, Urn,
    Value,
};
use uuid::Uuid;

/// An intent whose outcome is not known yet.
#[derive(Clone, PartialEq, Debug)]
pub struct OpenIntent {
    /// What was about to be done.
    pub intent: Intent,
    /// The id, if the cloud had given one already.
    pub created: Option<String>,
}

/// Who depends on a resource, as it was when [`Snapshot::dependents`] was asked.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Dependents(BTreeMap<Urn, BTreeSet<Urn>>);

impl Dependents {
    /// Who directly depends on `urn`.
    pub fn of(&self, urn: &Urn) -> impl Iterator<Item = &Urn> {
        self.0.get(urn).into_iter().flatten()
    }
}

/// All that is remembered of a stack at one moment: a fold of [`Snapshot::apply`] over its journal.
#[derive(Clone, PartialEq, Debug)]
pub struct Snapshot {
    /// Whose it is.
    pub identity: Identity,
    /// Every object, by resource and instance.
    pub records: BTreeMap<Key, Arc<Record>>,
    /// Operations begun and not known to be over.
    pub open: BTreeMap<Uuid, OpenIntent>,
    /// What the program exported last.
    pub exports: BTreeMap<String, Value>,
    /// The last deployment that began.
    pub deployment: Option<Deployment>,
    /// How the last deployment ended; `None` while one runs or after it was cut off.
    pub outcome: Option<Outcome>,
}

impl Snapshot {
    /// The state of a stack in which nothing was ever made.
    pub fn empty(identity: Identity) -> Self {
        Self {
            identity,
            records: BTreeMap::new(),
            open: BTreeMap::new(),
            exports: BTreeMap::new(),
            deployment: None,
            outcome: None,
        }
    }

    /// The objects of one resource: at most one that is not deposed.
    pub fn of<'s>(&'s self, urn: &'s Urn) -> impl Iterator<Item = &'s Arc<Record>> {
        let from = Key { urn: urn.clone(), instance: "".into() };
        self.records
            .range(from..)
            .map(|(_, record)| record)
            .take_while(move |record| record.urn == *urn)
    }

    /// The current object of a resource.
    pub fn current<'s>(&'s self, urn: &'s Urn) -> Option<&'s Arc<Record>> {
        self.of(urn).find(|record| record.status != crate::Status::Deposed)
    }

    /// Who depends on whom, turned round: for the order of deletes and for "what uses this?".
    pub fn dependents(&self) -> Dependents {
        let mut dependents = BTreeMap::<Urn, BTreeSet<Urn>>::new();
        for record in self.records.values() {
            for on in &record.dependencies {
                dependents.entry(on.clone()).or_default().insert(record.urn.clone());
            }
        }
        Dependents(dependents)
    }

    /// What has to be committed, at once, to make this state's records, open operations and exports those of `wanted`.
    pub fn changes_to(&self, wanted: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        for (op, open) in &self.open {
            if wanted.open.get(op) != Some(open) {
                let message = "the state was replaced".to_owned();
                changes.push(Change::Failed { op: *op, message, record: None });
            }
        }
        let gone = self.records.keys().filter(|key| !wanted.records.contains_key(key));
        changes.extend(gone.cloned().map(Change::Forgotten));
        for (key, record) in &wanted.records {
            if self.records.get(key) != Some(record) {
                changes.push(Change::Put(Record::clone(record)));
            }
        }
        for (op, open) in &wanted.open {
            if self.open.get(op) != Some(open) {
                changes.push(Change::Intent(open.intent.clone()));
                if let Some(id) = &open.created {
                    changes.push(Change::Created { op: *op, id: id.clone() });
                }
            }
        }
        if self.exports != wanted.exports {
            changes.push(Change::Exports(wanted.exports.clone()));
        }
        changes
    }

    /// Applies one entry. Costs O(the entry), however large the snapshot is.
    pub fn apply(&mut self, change: &Change) -> Result<()> {
        match change {
            Change::Begun(deployment) => {
                self.deployment = Some(deployment.clone());
                self.outcome = None;
            }
            Change::Intent(intent) => {
                let open = OpenIntent { intent: intent.clone(), created: None };
                self.open.insert(intent.op, open);
            }
            Change::Created { op, id } => self.opened(*op)?.created = Some(id.clone()),
            Change::Done { op, record } => {
                let key = self.opened(*op)?.intent.record.key();
                self.open.remove(op);
                match record {
                    Some(record) => self.put(record.clone()),
                    None => drop(self.records.remove(&key)),
                }
            }
            Change::Failed { op, record, .. } => {
                self.opened(*op)?;
                self.open.remove(op);
                if let Some(record) = record {
                    self.put(record.clone());
                }
            }
            Change::Put(record) => self.put(record.clone()),
            Change::Forgotten(key) => drop(self.records.remove(key)),
            Change::Exports(exports) => self.exports = exports.clone(),
            Change::Ended(outcome) => self.outcome = Some(*outcome),
        }
        Ok(())
    }

    fn put(&mut self, record: Record) {
        self.records.insert(record.key(), Arc::new(record));
    }

    fn opened(&mut self, op: Uuid) -> Result<&mut OpenIntent> {
        let missing = || {
            Error::new(
                ErrorKind::Corrupt,
                format!("the journal ends an operation {op} that it never began"),
            )
        };
        self.open.get_mut(&op).ok_or_else(missing)
    }
}
