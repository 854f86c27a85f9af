//! What a snapshot does not say directly and a change must know.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use crate::{Change, Key, Record, Snapshot, Urn};

/// Counts by resource, kept up with each change.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// How many records and open intents depend on it.
    pub(super) dependents: HashMap<Urn, usize>,
    /// How many records it is the provider of.
    pub(super) users: HashMap<Urn, usize>,
    /// Which operation an object has open.
    pub(super) open: BTreeMap<Key, Uuid>,
}

impl Index {
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let mut index = Self::default();
        snapshot.records.values().for_each(|record| index.add(record));
        for (op, open) in &snapshot.open {
            index.open.insert(open.intent.record.key(), *op);
            index.count(&open.intent.record, 1);
        }
        index
    }

    /// Applies a change to the snapshot and to this.
    pub(crate) fn apply(&mut self, snapshot: &mut Snapshot, change: &Change) -> crate::Result<()> {
        let ended = match change {
            Change::Done { op, .. } | Change::Failed { op, .. } => snapshot.open.get(op),
            _ => None,
        };
        let ended = ended.map(|open| open.intent.record.clone());
        let touched = match change {
            Change::Done { record: None, .. } => ended.as_ref().map(Record::key),
            Change::Done { record: Some(record), .. }
            | Change::Failed { record: Some(record), .. }
            | Change::Put(record) => Some(record.key()),
            Change::Forgotten(key) => Some(key.clone()),
            _ => None,
        };
        let before = touched.as_ref().and_then(|key| snapshot.records.get(key)).cloned();
        snapshot.apply(change)?;
        if let Some(before) = before {
            self.take(&before);
        }
        if let Some(after) = touched.and_then(|key| snapshot.records.get(&key)) {
            self.add(after);
        }
        if let Some(ended) = ended {
            self.open.remove(&ended.key());
            self.count(&ended, -1);
        }
        if let Change::Intent(intent) = change {
            self.open.insert(intent.record.key(), intent.op);
            self.count(&intent.record, 1);
        }
        Ok(())
    }

    fn add(&mut self, record: &Record) {
        self.count(record, 1);
        if let Some(provider) = &record.provider {
            *self.users.entry(provider.urn.clone()).or_default() += 1;
        }
    }

    /// Counts who depends on what; `by` is 1 or -1.
    fn count(&mut self, record: &Record, by: isize) {
        for urn in &record.dependencies {
            if by > 0 {
                *self.dependents.entry(urn.clone()).or_default() += 1;
            } else {
                lower(&mut self.dependents, urn);
            }
        }
    }

    fn take(&mut self, record: &Record) {
        self.count(record, -1);
        if let Some(provider) = &record.provider {
            lower(&mut self.users, &provider.urn);
        }
    }
}

fn lower(counts: &mut HashMap<Urn, usize>, urn: &Urn) {
    if let Some(count) = counts.get_mut(urn) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(urn);
        }
    }
}
