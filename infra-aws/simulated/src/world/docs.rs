//! What one service remembers in one account and region: tables of JSON documents.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::timeline;

/// Tables of documents, with a note of what changed since the last commit.
///
/// A document is in the shape the API answers; keys that begin with `_` are never shown.
#[derive(Debug, Default)]
pub(crate) struct Docs {
    tables: BTreeMap<String, BTreeMap<String, Value>>,
    dirty: BTreeSet<(String, String)>,
    /// Nothing on a timeline is due before this instant.
    next_due: u64,
}

/// One changed document: table, id, and its new content (none: it is gone).
pub(crate) type Change = (String, String, Option<Value>);

impl Docs {
    pub(crate) fn get(&self, table: &str, id: &str) -> Option<&Value> {
        self.tables.get(table)?.get(id)
    }

    pub(crate) fn has(&self, table: &str, id: &str) -> bool {
        self.get(table, id).is_some()
    }

    /// For writing: the document counts as changed.
    pub(crate) fn edit(&mut self, table: &str, id: &str) -> Option<&mut Value> {
        let document = self.tables.get_mut(table)?.get_mut(id)?;
        self.dirty.insert((table.to_owned(), id.to_owned()));
        self.next_due = 0;
        Some(document)
    }

    pub(crate) fn put(&mut self, table: &str, id: &str, document: Value) {
        self.dirty.insert((table.to_owned(), id.to_owned()));
        self.tables.entry(table.to_owned()).or_default().insert(id.to_owned(), document);
        self.next_due = 0;
    }

    pub(crate) fn remove(&mut self, table: &str, id: &str) -> Option<Value> {
        let gone = self.tables.get_mut(table)?.remove(id)?;
        self.dirty.insert((table.to_owned(), id.to_owned()));
        Some(gone)
    }

    /// Writes `to` wherever `from` stands, in ids too; whether it stood anywhere.
    pub(crate) fn rename(&mut self, from: &str, to: &str) -> bool {
        let mut moved = Vec::new();
        for (table, rows) in &self.tables {
            for (id, document) in
                rows.iter().filter(|(id, it)| id.contains(from) || holds(it, from))
            {
                moved.push((table.clone(), id.clone(), renamed(document, from, to)));
            }
        }
        for (table, id, document) in &moved {
            self.remove(table, id);
            self.put(table, &id.replace(from, to), document.clone());
        }
        !moved.is_empty()
    }

    pub(crate) fn all(&self, table: &str) -> impl Iterator<Item = (&str, &Value)> {
        self.tables.get(table).into_iter().flatten().map(|(id, value)| (id.as_str(), value))
    }

    pub(crate) fn values(&self, table: &str) -> impl Iterator<Item = &Value> {
        self.all(table).map(|(_, value)| value)
    }

    pub(crate) fn ids(&self, table: &str) -> Vec<String> {
        self.all(table).map(|(id, _)| id.to_owned()).collect()
    }

    pub(crate) fn tables(&self) -> impl Iterator<Item = (&str, &BTreeMap<String, Value>)> {
        self.tables.iter().map(|(name, table)| (name.as_str(), table))
    }

    /// Applies every transition that is due. Pure in (documents, now), so that each process
    /// comes to the same result by itself and nothing has to run in the background.
    pub(crate) fn settle(&mut self, now: u64) {
        if now < self.next_due {
            return;
        }
        let mut next = u64::MAX;
        let mut gone = Vec::new();
        for (table, documents) in &mut self.tables {
            for (id, document) in documents.iter_mut() {
                match timeline::settle(document, now) {
                    timeline::Settled::Waiting(due) => next = next.min(due),
                    timeline::Settled::Changed(due) => {
                        next = next.min(due);
                        self.dirty.insert((table.clone(), id.clone()));
                    }
                    timeline::Settled::Gone => gone.push((table.clone(), id.clone())),
                }
            }
        }
        for (table, id) in gone {
            self.remove(&table, &id);
        }
        self.next_due = next;
    }

    /// What changed since the last time this was asked.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.dirty)
            .into_iter()
            .map(|(table, id)| {
                let content = self.get(&table, &id).cloned();
                (table, id, content)
            })
            .collect()
    }

    /// A change read from the journal: not dirty, it is durable already.
    pub(crate) fn apply(&mut self, (table, id, content): Change) {
        self.dirty.remove(&(table.clone(), id.clone()));
        self.next_due = 0;
        match content {
            Some(content) => {
                self.tables.entry(table).or_default().insert(id, content);
            }
            None => {
                if let Some(documents) = self.tables.get_mut(&table) {
                    documents.remove(&id);
                }
            }
        }
    }

    /// Everything, as changes from nothing.
    pub(crate) fn everything(&self) -> Vec<Change> {
        self.tables
            .iter()
            .flat_map(|(table, documents)| {
                documents.iter().map(|(id, value)| (table.clone(), id.clone(), Some(value.clone())))
            })
            .collect()
    }

    /// Takes over an emulator's whole view (`{table: {id: document}}`); tables whose names
    /// begin with `+` are this crate's own and stay.
    pub(crate) fn replace_view(&mut self, view: Map<String, Value>) {
        let mut seen = BTreeSet::new();
        for (table, content) in view {
            let rows = match content {
                Value::Object(rows) => rows.into_iter().collect::<Vec<_>>(),
                other => vec![(String::new(), other)],
            };
            // Null is absent: the journal does not tell them apart either.
            for (id, document) in rows.into_iter().filter(|(_, document)| !document.is_null()) {
                if self.get(&table, &id) != Some(&document) {
                    self.put(&table, &id, document);
                }
                seen.insert((table.clone(), id));
            }
        }
        let stale: Vec<_> = self
            .tables
            .iter()
            .filter(|(table, _)| !table.starts_with('+'))
            .flat_map(|(table, rows)| rows.keys().map(|id| (table.clone(), id.clone())))
            .filter(|key| !seen.contains(key))
            .collect();
        for (table, id) in stale {
            self.remove(&table, &id);
        }
    }

    /// The reverse of [`replace_view`](Self::replace_view).
    pub(crate) fn view(&self) -> Value {
        let mut view = Map::new();
        for (table, rows) in &self.tables {
            if table.starts_with('+') || rows.is_empty() {
                continue;
            }
            let content = match rows.get("") {
                Some(single) if rows.len() == 1 => single.clone(),
                _ => Value::Object(rows.iter().map(|(k, v)| (k.clone(), v.clone())).collect()),
            };
            view.insert(table.clone(), content);
        }
        Value::Object(view)
    }
}

/// Whether the text stands anywhere in the document, in the name of a field or a value.
fn holds(document: &Value, text: &str) -> bool {
    match document {
        Value::String(it) => it.contains(text),
        Value::Array(items) => items.iter().any(|it| holds(it, text)),
        Value::Object(fields) => {
            fields.iter().any(|(key, it)| key.contains(text) || holds(it, text))
        }
        _ => false,
    }
}

fn renamed(document: &Value, from: &str, to: &str) -> Value {
    match document {
        Value::String(it) => Value::String(it.replace(from, to)),
        Value::Array(items) => items.iter().map(|it| renamed(it, from, to)).collect(),
        Value::Object(fields) => Value::Object(
            fields.iter().map(|(key, it)| (key.replace(from, to), renamed(it, from, to))).collect(),
        ),
        other => other.clone(),
    }
}
