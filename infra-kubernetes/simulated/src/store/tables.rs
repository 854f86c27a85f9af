//! The tables themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::change::Change;
use super::history::{Event, Happened, History, Seen};
use super::record::{Key, Notes, Record};
use super::rest::Rest;
use crate::json;
use crate::kinds::{Kind, builtin, kinds_of};

/// The table of the definitions that add kinds.
const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// All objects of the cluster.
#[derive(Debug, Default)]
pub(crate) struct Store {
    tables: BTreeMap<String, BTreeMap<Key, Record>>,
    revision: u64,
    history: History,
    changes: Vec<Change>,
    /// What controllers need not look at again.
    pub(crate) rest: Rest,
    /// The kinds that definitions add; none: to be made again.
    custom: Option<Vec<Arc<Kind>>>,
}

impl Store {
    /// The number of the last change.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn record(&self, table: &str, namespace: &str, name: &str) -> Option<&Record> {
        self.tables.get(table)?.get(&(namespace.to_owned(), name.to_owned()))
    }

    pub(crate) fn get(&self, table: &str, namespace: &str, name: &str) -> Option<&Arc<Value>> {
        self.record(table, namespace, name).map(|record| &record.object)
    }

    /// All objects of a table by namespace and name.
    pub(crate) fn all<'a>(
        &'a self,
        table: &str,
    ) -> impl Iterator<Item = (&'a Key, &'a Record)> + use<'a> {
        self.tables.get(table).into_iter().flatten()
    }

    /// All objects of a table in a namespace.
    pub(crate) fn within<'a>(
        &'a self,
        table: &str,
        namespace: &'a str,
    ) -> impl Iterator<Item = &'a Arc<Value>> + use<'a> {
        let all = self.tables.get(table).into_iter();
        all.flat_map(move |table| table.range((namespace.to_owned(), String::new())..))
            .take_while(move |((of, _), _)| of == namespace)
            .map(|(_, record)| &record.object)
    }

    /// The tables that hold something.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().filter(|(_, rows)| !rows.is_empty()).map(|(name, _)| name.as_str())
    }

    /// Writes an object; it gets the next revision, which is returned in it.
    pub(crate) fn put(&mut self, table: &str, mut object: Value, notes: Notes) -> Arc<Value> {
        self.revision += 1;
        json::put(&mut object, "metadata.resourceVersion", self.revision.to_string());
        let change = Change {
            table: table.to_owned(),
            namespace: json::namespace(&object).to_owned(),
            name: json::name(&object).to_owned(),
            revision: self.revision,
            object: Some(object),
            notes,
        };
        self.changes.push(change.clone());
        let key = (change.namespace.clone(), change.name.clone());
        self.take(change);
        self.tables
            .get(table)
            .and_then(|rows| rows.get(&key))
            .map_or_else(|| Arc::new(Value::Null), |record| Arc::clone(&record.object))
    }

    /// Changes only what is noted about an object: nobody is told.
    pub(crate) fn note(&mut self, table: &str, key: &Key, field: &str, at: Option<i64>) {
        let Some(record) = self.tables.get_mut(table).and_then(|rows| rows.get_mut(key)) else {
            return;
        };
        match at {
            Some(at) => record.notes.insert(field.to_owned(), at),
            None => record.notes.remove(field),
        };
        let change = Change {
            table: table.to_owned(),
            namespace: key.0.clone(),
            name: key.1.clone(),
            revision: 0,
            object: Some(Value::clone(&record.object)),
            notes: record.notes.clone(),
        };
        self.changes.push(change);
    }

    /// Takes an object away.
    pub(crate) fn remove(
        &mut self,
        table: &str,
        namespace: &str,
        name: &str,
    ) -> Option<Arc<Value>> {
        let before = Arc::clone(self.get(table, namespace, name)?);
        self.revision += 1;
        let change = Change {
            table: table.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            revision: self.revision,
            object: None,
            notes: Notes::new(),
        };
        self.changes.push(change.clone());
        self.take(change);
        Some(before)
    }

    /// What changed since the last commit.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// What happened in a table since a revision.
    pub(crate) fn since(&self, revision: u64, table: &str) -> Seen {
        self.history.since(revision, table)
    }

    /// The kind at a place of the API.
    pub(crate) fn kind(&mut self, group: &str, version: &str, plural: &str) -> Option<Arc<Kind>> {
        let found = self.kinds();
        let found = found
            .iter()
            .find(|kind| kind.plural == plural && kind.group == group && kind.version == version);
        found.cloned()
    }

    /// Every kind that is served.
    pub(crate) fn kinds(&mut self) -> Vec<Arc<Kind>> {
        if self.custom.is_none() {
            let established = self.all(DEFINITIONS).map(|(_, record)| &record.object);
            let established = established.filter(|it| is_established(it));
            self.custom = Some(established.flat_map(|it| kinds_of(it)).collect());
        }
        let custom = self.custom.iter().flatten().cloned();
        builtin().cloned().chain(custom).collect()
    }

    /// The last instant at which something is known to have happened.
    pub(crate) fn last_noted(&self) -> Option<i64> {
        let records = self.tables.values().flat_map(BTreeMap::values);
        records.flat_map(|record| record.notes.values()).max().copied()
    }

    /// Everything, as changes from nothing.
    pub(crate) fn everything(&self) -> Vec<Change> {
        let mut all: Vec<_> = self
            .tables
            .iter()
            .flat_map(|(table, rows)| rows.iter().map(move |(key, record)| (table, key, record)))
            .map(|(table, key, record)| Change {
                table: table.clone(),
                namespace: key.0.clone(),
                name: key.1.clone(),
                revision: 0,
                object: Some(Value::clone(&record.object)),
                notes: record.notes.clone(),
            })
            .collect();
        // How far it was counted, where nothing has the last number.
        all.push(Change {
            table: String::new(),
            namespace: String::new(),
            name: String::new(),
            revision: self.revision,
            object: None,
            notes: Notes::new(),
        });
        all
    }

    /// Changes that are durable already.
    pub(crate) fn apply(&mut self, changes: Vec<Change>) {
        for change in changes {
            self.take(change);
        }
    }

    fn take(&mut self, change: Change) {
        let Change { table, namespace, name, revision, object, notes } = change;
        self.revision = self.revision.max(revision);
        if table.is_empty() {
            self.history.begin_at(revision);
            return;
        }
        if table == DEFINITIONS {
            self.custom = None;
        }
        let key = (namespace, name);
        let rows = self.tables.entry(table.clone()).or_default();
        let before = rows.get(&key).map(|record| Arc::clone(&record.object));
        let (happened, object) = if let Some(object) = object {
            let object = Arc::new(object);
            rows.insert(key.clone(), Record { object: Arc::clone(&object), notes });
            let happened = if before.is_some() { Happened::Modified } else { Happened::Added };
            (happened, object)
        } else {
            rows.remove(&key);
            let Some(last) = &before else { return };
            let mut last = Value::clone(last);
            json::put(&mut last, "metadata.resourceVersion", revision.to_string());
            (Happened::Deleted, Arc::new(last))
        };
        if revision > 0 {
            let owners = json::items(&object, "metadata.ownerReferences").iter();
            let owners = owners.map(|it| json::text(it, "uid"));
            self.rest.changed(revision, &table, &key.0, owners);
        }
        if revision > 0 && !table.starts_with('+') {
            self.history.push(Event { revision, table, key, happened, object, before });
        }
    }
}

fn is_established(definition: &Value) -> bool {
    json::items(definition, "status.conditions")
        .iter()
        .any(|it| it["type"] == json!("Established") && it["status"] == json!("True"))
}
