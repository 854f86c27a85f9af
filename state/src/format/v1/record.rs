//! One record.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Instance, Options, Provider, Record, Result, Status, Urn, Value,
    format::value::{Reading, Unread, Writing},
};

#[derive(Serialize)]
pub(super) struct RecordOut<'a, V> {
    urn: &'a Urn,
    instance: &'a Instance,
    version: u32,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inputs: Option<V>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outputs: Option<V>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a Provider>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    dependencies: &'a BTreeSet<Urn>,
    #[serde(skip_serializing_if = "is_default")]
    options: &'a Options,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    holds_data: bool,
    created: Timestamp,
    updated: Timestamp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordIn<'a> {
    urn: Urn,
    instance: Instance,
    version: u32,
    status: Status,
    #[serde(default)]
    id: Option<String>,
    #[serde(default, borrow)]
    inputs: Option<Unread<'a>>,
    #[serde(default, borrow)]
    outputs: Option<Unread<'a>>,
    #[serde(default)]
    provider: Option<Provider>,
    #[serde(default)]
    dependencies: BTreeSet<Urn>,
    #[serde(default)]
    options: Options,
    #[serde(default)]
    holds_data: bool,
    created: Timestamp,
    updated: Timestamp,
}

fn is_default(options: &Options) -> bool {
    *options == Options::default()
}

/// The record, ready to be written.
pub(super) fn out<'a>(record: &'a Record, with: Writing<'a>) -> RecordOut<'a, impl Serialize + 'a> {
    let with = with.of(record.urn.as_str());
    // An empty map is what most outputs are before they are known; `null` is written as it is.
    let value = |root, value: &'a Value| (*value != Value::map()).then(|| with.value(root, value));
    RecordOut {
        urn: &record.urn,
        instance: &record.instance,
        version: record.version,
        status: record.status,
        id: record.id.as_deref(),
        inputs: value("inputs", &record.inputs),
        outputs: value("outputs", &record.outputs),
        provider: record.provider.as_ref(),
        dependencies: &record.dependencies,
        options: &record.options,
        holds_data: record.holds_data,
        created: record.created,
        updated: record.updated,
    }
}

impl RecordIn<'_> {
    pub(super) fn read(self, with: &Reading<'_>) -> Result<Record> {
        let value = |root, from: Option<Unread<'_>>| match from {
            Some(from) => from.read(with, self.urn.as_str(), root),
            None => Ok(Value::map()),
        };
        Ok(Record {
            inputs: value("inputs", self.inputs)?,
            outputs: value("outputs", self.outputs)?,
            urn: self.urn,
            instance: self.instance,
            version: self.version,
            status: self.status,
            id: self.id,
            provider: self.provider,
            dependencies: self.dependencies,
            options: self.options,
            holds_data: self.holds_data,
            created: self.created,
            updated: self.updated,
        })
    }
}
