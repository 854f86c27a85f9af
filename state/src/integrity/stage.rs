//! A snapshot seen through changes that are not applied yet.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use uuid::Uuid;

use super::{Index, Invariant, Violation, cycle, value};
use crate::{Change, Intent, Key, Record, Snapshot, Status, Urn, Verb};

/// Admits commits one after the other, each checked against the snapshot and all commits before it; what a refused
/// one did is undone.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    snapshot: &'a Snapshot,
    index: &'a Index,
    /// What the changes made of records; `None` where they removed one.
    records: BTreeMap<Key, Option<Arc<Record>>>,
    /// Operations that the changes began (`Some`) and ended (`None`).
    open: HashMap<Uuid, Option<Intent>>,
    /// The same by object.
    busy: BTreeMap<Key, Option<Uuid>>,
    /// By how many the counts of the index are to be corrected.
    dependents: HashMap<Urn, isize>,
    users: HashMap<Urn, isize>,
}

/// What a key of the stage was before a commit touched it.
enum Before<T> {
    Untouched,
    Staged(T),
}

impl<T> From<Option<T>> for Before<T> {
    fn from(staged: Option<T>) -> Self {
        staged.map_or(Self::Untouched, Self::Staged)
    }
}

/// What one commit did, for the checks at its end and to undo it.
#[derive(Default)]
struct Commit {
    records: Vec<(Key, Before<Option<Arc<Record>>>)>,
    open: Vec<(Uuid, Before<Option<Intent>>)>,
    busy: Vec<(Key, Before<Option<Uuid>>)>,
    dependents: Vec<(Urn, isize)>,
    users: Vec<(Urn, isize)>,
    /// Dependencies that were not there before: who, on whom.
    introduced: Vec<(Urn, Urn)>,
    /// Whose current object depends on more than before.
    extended: Vec<Urn>,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(snapshot: &'a Snapshot, index: &'a Index) -> Self {
        Self {
            snapshot,
            index,
            records: BTreeMap::new(),
            open: HashMap::new(),
            busy: BTreeMap::new(),
            dependents: HashMap::new(),
            users: HashMap::new(),
        }
    }

    /// Takes the changes of one commit, all or none.
    pub(crate) fn admit(&mut self, changes: &[Change]) -> Result<(), Violation> {
        let mut commit = Commit::default();
        let admitted = changes
            .iter()
            .try_for_each(|change| self.change(&mut commit, change))
            .and_then(|()| self.check(&commit));
        if admitted.is_err() {
            self.undo(commit);
        }
        admitted
    }

    fn change(&mut self, commit: &mut Commit, change: &Change) -> Result<(), Violation> {
        match change {
            Change::Intent(intent) => self.begin(commit, intent),
            Change::Created { op, .. } => self.opened(*op).map(drop),
            Change::Done { op, record: Some(record) }
            | Change::Failed { op, record: Some(record), .. } => {
                let intent = self.end(commit, *op)?;
                if intent.record.key() != record.key() {
                    let detail = format!("operation {op} ends with the record of another object");
                    return Err(Violation::new(Invariant::OpenIntentKnown, &record.urn, detail));
                }
                self.put(commit, record, Some(&intent.record))
            }
            Change::Done { op, record: None } => {
                let key = self.end(commit, *op)?.record.key();
                self.set(commit, key, None);
                Ok(())
            }
            Change::Failed { op, record: None, .. } => self.end(commit, *op).map(drop),
            Change::Put(record) => self.put(commit, record, None),
            Change::Forgotten(key) => {
                self.set(commit, key.clone(), None);
                Ok(())
            }
            Change::Exports(exports) => exports.iter().try_for_each(|(name, exported)| {
                value::wrong(exported, 0).map_or(Ok(()), |wrong| {
                    let detail = format!("the parts of the export {name:?} {wrong}");
                    Err(Violation { invariant: Invariant::KnownValues, urn: None, detail })
                })
            }),
            Change::Begun(_) | Change::Ended(_) => Ok(()),
        }
    }

    fn begin(&mut self, commit: &mut Commit, intent: &Intent) -> Result<(), Violation> {
        let Intent { op, verb, record, .. } = intent;
        let key = record.key();
        let wrong = |invariant, detail: String| Err(Violation::new(invariant, &record.urn, detail));
        if self.find_open(*op).is_some() {
            return wrong(Invariant::OpenIntentOnce, format!("operation {op} is open already"));
        }
        if let Some(other) = self.busy(&key) {
            return wrong(
                Invariant::OpenIntentOnce,
                format!("operation {other} is still open on it"),
            );
        }
        match (verb, self.record(&key).map(|there| there.status)) {
            (Verb::Update | Verb::Delete, None) => {
                return wrong(
                    Invariant::OpenIntentTarget,
                    format!("there is no object {} to change", record.instance),
                );
            }
            (Verb::Create, Some(Status::Ready | Status::Deposed)) => {
                return wrong(
                    Invariant::OpenIntentTarget,
                    format!("the object {} exists already", record.instance),
                );
            }
            _ => {}
        }
        value::check_record(record)?;
        if matches!(verb, Verb::Create | Verb::Update) {
            self.introduce(commit, record, None);
        }
        self.count(commit, record, 1);
        commit.open.push((*op, self.open.insert(*op, Some(intent.clone())).into()));
        commit.busy.push((key.clone(), self.busy.insert(key, Some(*op)).into()));
        Ok(())
    }

    fn end(&mut self, commit: &mut Commit, op: Uuid) -> Result<Intent, Violation> {
        let intent = self.opened(op)?.clone();
        let key = intent.record.key();
        self.count(commit, &intent.record, -1);
        commit.open.push((op, self.open.insert(op, None).into()));
        commit.busy.push((key.clone(), self.busy.insert(key, None).into()));
        Ok(intent)
    }

    fn put(
        &mut self,
        commit: &mut Commit,
        record: &Record,
        intended: Option<&Record>,
    ) -> Result<(), Violation> {
        value::check_record(record)?;
        self.introduce(commit, record, intended);
        self.set(commit, record.key(), Some(Arc::new(record.clone())));
        Ok(())
    }

    /// Notes which dependencies of `record` neither its predecessor nor its intent had: those were admitted. And
    /// whether it may close a cycle, which dependencies of an object that was deposed could not.
    fn introduce(&self, commit: &mut Commit, record: &Record, intended: Option<&Record>) {
        let before = self.record(&record.key());
        let had = |record: Option<&Record>, urn: &Urn| {
            record.is_some_and(|record| record.dependencies.contains(urn))
        };
        let known = |urn: &&Urn| had(before.map(|before| &**before), urn) || had(intended, urn);
        let new = record.dependencies.iter().filter(|urn| !known(urn));
        commit.introduced.extend(new.map(|urn| (record.urn.clone(), urn.clone())));
        let current = before.filter(|before| before.status != Status::Deposed);
        let current = current.map(|before| &**before);
        if record.dependencies.iter().any(|urn| !had(current, urn)) {
            commit.extended.push(record.urn.clone());
        }
    }

    fn set(&mut self, commit: &mut Commit, key: Key, record: Option<Arc<Record>>) {
        if let Some(before) = self.record(&key).cloned() {
            self.count(commit, &before, -1);
            self.count_use(commit, &before, -1);
        }
        if let Some(after) = &record {
            self.count(commit, after, 1);
            self.count_use(commit, after, 1);
        }
        let before = self.records.insert(key.clone(), record);
        commit.records.push((key, before.into()));
    }

    fn count(&mut self, commit: &mut Commit, record: &Record, by: isize) {
        for urn in &record.dependencies {
            *self.dependents.entry(urn.clone()).or_default() += by;
            commit.dependents.push((urn.clone(), by));
        }
    }

    fn count_use(&mut self, commit: &mut Commit, record: &Record, by: isize) {
        if let Some(provider) = &record.provider {
            *self.users.entry(provider.urn.clone()).or_default() += by;
            commit.users.push((provider.urn.clone(), by));
        }
    }

    /// What has to hold once all changes of a commit are in.
    fn check(&self, commit: &Commit) -> Result<(), Violation> {
        for (key, _) in &commit.records {
            let current = self.of(&key.urn).filter(|record| record.status != Status::Deposed);
            if current.count() > 1 {
                let detail = "two of its objects are current; depose one in the same commit";
                return Err(Violation::new(Invariant::UniqueCurrent, &key.urn, detail));
            }
            match self.record(key).and_then(|record| record.provider.as_ref()) {
                Some(provider) if !self.exists(&provider.urn) => {
                    let detail = format!("its provider {} is not recorded", provider.urn);
                    return Err(Violation::new(Invariant::ProviderExists, &key.urn, detail));
                }
                _ => {}
            }
            let users = total(&self.index.users, &self.users, &key.urn);
            if users > 0 && !self.exists(&key.urn) {
                let detail = format!("it is the provider of {users} recorded objects");
                return Err(Violation::new(Invariant::ProviderExists, &key.urn, detail));
            }
        }
        for (urn, on) in &commit.introduced {
            if !self.exists(on) {
                let detail = format!("it depends on {on}, which is not recorded");
                return Err(Violation::new(Invariant::DependenciesExist, urn, detail));
            }
        }
        // A cycle closes at a new edge from a resource that others depend on; a new resource has none yet.
        let depended_on = |urn: &&Urn| total(&self.index.dependents, &self.dependents, urn) > 0;
        let starts = commit.extended.iter().filter(depended_on);
        cycle::check(starts, |urn| self.dependencies(urn))
    }

    fn undo(&mut self, commit: Commit) {
        for (urn, by) in commit.dependents {
            *self.dependents.entry(urn).or_default() -= by;
        }
        for (urn, by) in commit.users {
            *self.users.entry(urn).or_default() -= by;
        }
        for (key, before) in commit.records.into_iter().rev() {
            match before {
                Before::Staged(before) => drop(self.records.insert(key.clone(), before)),
                Before::Untouched => drop(self.records.remove(&key)),
            }
        }
        for (op, before) in commit.open.into_iter().rev() {
            match before {
                Before::Staged(before) => drop(self.open.insert(op, before)),
                Before::Untouched => drop(self.open.remove(&op)),
            }
        }
        for (key, before) in commit.busy.into_iter().rev() {
            match before {
                Before::Staged(before) => drop(self.busy.insert(key, before)),
                Before::Untouched => drop(self.busy.remove(&key)),
            }
        }
    }

    fn record(&self, key: &Key) -> Option<&Arc<Record>> {
        match self.records.get(key) {
            Some(staged) => staged.as_ref(),
            None => self.snapshot.records.get(key),
        }
    }

    fn of<'s>(&'s self, urn: &'s Urn) -> impl Iterator<Item = &'s Arc<Record>> {
        let from = Key { urn: urn.clone(), instance: "".into() };
        let staged = self.records.range(from..).take_while(move |(key, _)| key.urn == *urn);
        let staged = staged.filter_map(|(_, record)| record.as_ref());
        let stored = self.snapshot.of(urn);
        stored.filter(|record| !self.records.contains_key(&record.key())).chain(staged)
    }

    /// What the current object depends on, and what open creates and updates are about to make it depend on.
    fn dependencies(&self, urn: &Urn) -> Vec<&Urn> {
        let from = Key { urn: urn.clone(), instance: "".into() };
        let stored = self.index.open.range(from.clone()..).take_while(|(key, _)| key.urn == *urn);
        let staged = self.busy.range(from..).take_while(|(key, _)| key.urn == *urn);
        let ops = stored.map(|(_, op)| *op).chain(staged.filter_map(|(_, op)| *op));
        let intents = ops
            .filter_map(|op| self.find_open(op))
            .filter(|intent| matches!(intent.verb, Verb::Create | Verb::Update));
        let current = self.current(urn).map(|record| &**record);
        current
            .into_iter()
            .chain(intents.map(|intent| &intent.record))
            .flat_map(|record| &record.dependencies)
            .collect()
    }

    fn current<'s>(&'s self, urn: &Urn) -> Option<&'s Arc<Record>> {
        // `of` borrows the urn as long as the snapshot; take what was found out of it.
        let key = self.of(urn).find(|record| record.status != Status::Deposed)?.key();
        self.record(&key)
    }

    fn exists(&self, urn: &Urn) -> bool {
        self.of(urn).next().is_some()
    }

    fn find_open(&self, op: Uuid) -> Option<&Intent> {
        match self.open.get(&op) {
            Some(staged) => staged.as_ref(),
            None => self.snapshot.open.get(&op).map(|open| &open.intent),
        }
    }

    fn opened(&self, op: Uuid) -> Result<&Intent, Violation> {
        self.find_open(op).ok_or_else(|| Violation {
            invariant: Invariant::OpenIntentKnown,
            urn: None,
            detail: format!("operation {op} is not open"),
        })
    }

    fn busy(&self, key: &Key) -> Option<Uuid> {
        match self.busy.get(key) {
            Some(staged) => *staged,
            None => self.index.open.get(key).copied(),
        }
    }
}

fn total(counts: &HashMap<Urn, usize>, by: &HashMap<Urn, isize>, urn: &Urn) -> usize {
    let count = counts.get(urn).copied().unwrap_or_default();
    count.saturating_add_signed(by.get(urn).copied().unwrap_or_default())
}
