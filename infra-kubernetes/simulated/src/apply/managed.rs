//! `metadata.managedFields`.

use serde_json::{Value, json};

use super::set::Set;
use crate::json::{self, items, text};

/// How a manager came to its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operation {
    Apply,
    Update,
}

/// One entry.
#[derive(Clone, Debug)]
pub(super) struct Manager {
    pub(super) name: String,
    pub(super) operation: Operation,
    pub(super) api_version: String,
    pub(super) subresource: String,
    pub(super) time: String,
    pub(super) set: Set,
}

/// All entries of an object.
#[derive(Clone, Debug, Default)]
pub(crate) struct Managers(pub(super) Vec<Manager>);

impl Manager {
    /// Whether two entries are of the same manager: appliers are known whatever the version.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.name == other.name
            && self.operation == other.operation
            && self.subresource == other.subresource
            && (self.operation == Operation::Apply || self.api_version == other.api_version)
    }

    /// As conflicts name it.
    pub(super) fn shown(&self) -> String {
        let mut shown = format!("{:?}", self.name);
        if !self.subresource.is_empty() {
            shown = format!("{shown} with subresource {:?}", self.subresource);
        }
        if self.operation == Operation::Update {
            shown = format!("{shown} using {}", self.api_version);
        }
        shown
    }
}

impl Managers {
    pub(crate) fn of(object: &Value) -> Self {
        let entries = items(object, "metadata.managedFields").iter().map(|entry| Manager {
            name: text(entry, "manager").to_owned(),
            operation: match text(entry, "operation") {
                "Apply" => Operation::Apply,
                _ => Operation::Update,
            },
            api_version: text(entry, "apiVersion").to_owned(),
            subresource: text(entry, "subresource").to_owned(),
            time: text(entry, "time").to_owned(),
            set: Set::decode(json::at(entry, "fieldsV1")),
        });
        Self(entries.collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes the entries into the object, in the API's order.
    pub(crate) fn write(&self, object: &mut Value) {
        let mut entries: Vec<_> = self.0.iter().filter(|it| !it.set.is_empty()).collect();
        entries.sort_by(|one, two| {
            let key = |it: &Manager| {
                (
                    it.operation,
                    it.time.clone(),
                    it.name.clone(),
                    it.api_version.clone(),
                    it.subresource.clone(),
                )
            };
            key(one).cmp(&key(two))
        });
        if entries.is_empty() {
            json::remove(object, "metadata.managedFields");
            return;
        }
        let entries: Vec<_> = entries.into_iter().map(entry).collect();
        json::put(object, "metadata.managedFields", entries);
    }
}

fn entry(manager: &Manager) -> Value {
    let operation = match manager.operation {
        Operation::Apply => "Apply",
        Operation::Update => "Update",
    };
    let mut entry = json!({
        "manager": manager.name, "operation": operation, "apiVersion": manager.api_version,
        "time": manager.time, "fieldsType": "FieldsV1", "fieldsV1": manager.set.encode(),
    });
    if !manager.subresource.is_empty() {
        entry["subresource"] = json!(manager.subresource);
    }
    entry
}
