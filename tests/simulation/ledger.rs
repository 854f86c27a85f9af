//! What is durable, as an outsider reads it from the journal's bytes: independent of the code under test.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use serde_json::Value as Json;

use super::world::lock;

/// An operation that was begun.
#[derive(Clone, Debug)]
pub struct Begun {
    /// What.
    pub verb: String,
    /// On which object.
    pub urn: String,
}

/// What is durable of one object.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The cloud's id.
    pub id: Option<String>,
    /// `ready`, `incomplete`, `deposed`, `unresolved`.
    pub status: String,
    /// May not be deleted.
    pub protect: bool,
    /// Is forgotten instead of deleted.
    pub retain: bool,
}

/// What is durable.
#[derive(Default)]
pub struct Ledger(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    open: BTreeMap<String, Begun>,
    records: BTreeMap<(String, String), Known>,
    /// Ids that were given up on purpose.
    released: BTreeSet<String>,
    /// Every id that was ever recorded.
    ever: BTreeSet<String>,
    urns: BTreeSet<String>,
    top: u64,
    releasing: bool,
    written: Vec<(String, Vec<u8>)>,
    begun: Vec<u64>,
}

/// What a write of the journal did.
#[derive(Default)]
pub struct Wrote {
    /// Ids that no record has any more.
    pub forgotten: Vec<String>,
    /// What must not be.
    pub wrong: Vec<String>,
}

impl Ledger {
    /// Reads what was written.
    pub fn wrote(&self, key: &str, body: &[u8]) -> Wrote {
        let mut inner = lock(&self.0);
        inner.written.push((key.to_owned(), body.to_vec()));
        let mut wrote = Wrote::default();
        if key.contains("/journal/") {
            inner.segment(key, &String::from_utf8_lossy(body), &mut wrote);
        }
        wrote
    }

    /// What is given up from now on is given up on purpose.
    pub fn releasing(&self, releasing: bool) {
        lock(&self.0).releasing = releasing;
    }

    /// The operation, if it was begun and is not over.
    pub fn open(&self, op: &str) -> Option<Begun> {
        lock(&self.0).open.get(op).cloned()
    }

    /// The highest epoch that wrote to the journal.
    pub fn top(&self) -> u64 {
        lock(&self.0).top
    }

    /// How many operations are open.
    pub fn count_open(&self) -> usize {
        lock(&self.0).open.len()
    }

    /// What is durable of the object with this id.
    pub fn known(&self, id: &str) -> Option<Known> {
        let inner = lock(&self.0);
        inner.records.values().find(|known| known.id.as_deref() == Some(id)).cloned()
    }

    /// Whether the id was ever recorded.
    pub fn ever(&self, id: &str) -> bool {
        lock(&self.0).ever.contains(id)
    }

    /// Whether the object was given up on purpose.
    pub fn is_released(&self, id: &str) -> bool {
        lock(&self.0).released.contains(id)
    }

    /// Everything that is recorded.
    pub fn records(&self) -> BTreeMap<(String, String), Known> {
        lock(&self.0).records.clone()
    }

    /// Every resource that was ever begun or recorded.
    pub fn urns(&self) -> BTreeSet<String> {
        lock(&self.0).urns.clone()
    }

    /// Everything that was ever written.
    pub fn written<T>(&self, look: impl FnOnce(&[(String, Vec<u8>)]) -> T) -> T {
        look(&lock(&self.0).written)
    }

    /// The numbers of the deployments that were begun.
    pub fn begun(&self) -> Vec<u64> {
        lock(&self.0).begun.clone()
    }
}

fn text(json: &Json, key: &str) -> String {
    json[key].as_str().unwrap_or_default().to_owned()
}

impl Inner {
    fn segment(&mut self, key: &str, body: &str, wrote: &mut Wrote) {
        let mut before = self.ids();
        for line in body.lines() {
            let json: Json = serde_json::from_str(line).unwrap();
            if let Some(header) = json.get("header") {
                let epoch = header["epoch"].as_u64().unwrap_or_default();
                if epoch < self.top {
                    let top = self.top;
                    wrote
                        .wrong
                        .push(format!("(2) {key} of epoch {epoch} was committed after {top}"));
                }
                self.top = self.top.max(epoch);
            } else if let Some((change, of)) = json.as_object().and_then(|map| map.iter().next()) {
                self.change(change, of);
            }
        }
        let after = self.ids();
        before.retain(|id| !after.contains(id));
        wrote.forgotten.extend(before);
        for ((urn, _), known) in &self.records {
            if known.status == "unresolved" {
                wrote.wrong.push(format!("(3) somebody has to be asked about {urn}"));
            }
        }
    }

    fn ids(&self) -> BTreeSet<String> {
        self.records.values().filter_map(|known| known.id.clone()).collect()
    }

    fn change(&mut self, change: &str, of: &Json) {
        match change {
            "begun" => self.begun.push(of["number"].as_u64().unwrap_or_default()),
            "intent" => {
                let begun = Begun { verb: text(of, "verb"), urn: text(&of["record"], "urn") };
                self.urns.insert(begun.urn.clone());
                self.open.insert(text(of, "op"), begun);
            }
            "done" | "failed" => {
                let op = text(of, "op");
                let begun = self.open.remove(&op);
                if let Some(record) = of.get("record").filter(|record| !record.is_null()) {
                    self.put(record);
                } else if change == "done"
                    && let Some(begun) = begun
                {
                    // A delete: the instance is not said again.
                    self.gone(&begun.urn);
                }
            }
            "put" => self.put(of),
            "forgotten" => {
                let key = (text(of, "urn"), text(of, "instance"));
                self.forget(&key);
            }
            _ => {}
        }
        if change == "intent" && text(of, "verb") == "delete" {
            let key = (text(&of["record"], "urn"), text(&of["record"], "instance"));
            self.deleting(&text(of, "op"), &key);
        }
    }

    fn put(&mut self, record: &Json) {
        let id = record["id"].as_str().map(str::to_owned);
        self.ever.extend(id.clone());
        self.urns.insert(text(record, "urn"));
        let options = &record["options"];
        let known = Known {
            id,
            status: text(record, "status"),
            protect: options["protect"].as_bool().unwrap_or_default(),
            retain: options["retain_on_delete"].as_bool().unwrap_or_default(),
        };
        self.records.insert((text(record, "urn"), text(record, "instance")), known);
    }

    fn forget(&mut self, key: &(String, String)) {
        if let Some(known) = self.records.remove(key)
            && (known.retain || self.releasing)
            && let Some(id) = known.id
            && !self.records.values().any(|other| other.id.as_ref() == Some(&id))
        {
            self.released.insert(id);
        }
    }

    fn deleting(&mut self, op: &str, key: &(String, String)) {
        if let Some(begun) = self.open.get_mut(op) {
            begun.urn = format!("{}\n{}", key.0, key.1);
        }
    }

    fn gone(&mut self, key: &str) {
        if let Some((urn, instance)) = key.split_once('\n') {
            self.records.remove(&(urn.to_owned(), instance.to_owned()));
        }
    }
}
