//! One journal entry, and one open intent, which is an entry that has not ended.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::record::{RecordIn, out};
use crate::{
    Change, Deployment, Error, ErrorKind, Intent, Key, OpenIntent, Outcome, Record, Result, Value,
    Verb,
    format::value::{Reading, Unread, Writing},
};

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum ChangeOut<'a, R, X> {
    Begun(&'a Deployment),
    Intent(IntentOut<R>),
    Created {
        op: Uuid,
        id: &'a str,
    },
    Done {
        op: Uuid,
        #[serde(skip_serializing_if = "Option::is_none")]
        record: Option<R>,
    },
    Failed {
        op: Uuid,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        record: Option<R>,
    },
    Put(R),
    Forgotten(&'a Key),
    Exports(X),
    Ended(Outcome),
}

#[derive(Serialize)]
pub(super) struct IntentOut<R> {
    op: Uuid,
    verb: Verb,
    at: Timestamp,
    record: R,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum ChangeIn<'a> {
    Begun(Deployment),
    #[serde(borrow)]
    Intent(IntentIn<'a>),
    Created {
        op: Uuid,
        id: String,
    },
    Done {
        op: Uuid,
        #[serde(default, borrow)]
        record: Option<RecordIn<'a>>,
    },
    Failed {
        op: Uuid,
        message: String,
        #[serde(default, borrow)]
        record: Option<RecordIn<'a>>,
    },
    #[serde(borrow)]
    Put(RecordIn<'a>),
    Forgotten(Key),
    #[serde(borrow)]
    Exports(BTreeMap<String, Unread<'a>>),
    Ended(Outcome),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IntentIn<'a> {
    op: Uuid,
    verb: Verb,
    at: Timestamp,
    #[serde(borrow)]
    record: RecordIn<'a>,
    #[serde(default)]
    created: Option<String>,
}

/// Adds the line of `change` to `line`.
pub(crate) fn write_change(line: &mut Vec<u8>, change: &Change, with: Writing<'_>) -> Result<()> {
    let record = |record| out(record, with);
    let entry = match change {
        Change::Begun(deployment) => ChangeOut::Begun(deployment),
        Change::Intent(intent) => ChangeOut::Intent(intent_out(intent, None, record)),
        Change::Created { op, id } => ChangeOut::Created { op: *op, id },
        Change::Done { op, record: done } => {
            ChangeOut::Done { op: *op, record: done.as_ref().map(record) }
        }
        Change::Failed { op, message, record: known } => {
            ChangeOut::Failed { op: *op, message, record: known.as_ref().map(record) }
        }
        Change::Put(put) => ChangeOut::Put(record(put)),
        Change::Forgotten(key) => ChangeOut::Forgotten(key),
        Change::Exports(exports) => ChangeOut::Exports(with.of("exports").map("", exports)),
        Change::Ended(outcome) => ChangeOut::Ended(*outcome),
    };
    serde_json::to_writer(&mut *line, &entry).map_err(|e| {
        Error::new(ErrorKind::Invalid, format!("cannot store this: {e}")).because(e)
    })?;
    line.push(b'\n');
    Ok(())
}

/// The change in a line.
pub(super) fn read_change(line: &[u8], with: &Reading<'_>) -> Result<Change> {
    let entry: ChangeIn<'_> = serde_json::from_slice(line).map_err(|e| with.failure(&e))?;
    let record = |record: Option<RecordIn<'_>>| record.map(|record| record.read(with)).transpose();
    Ok(match entry {
        ChangeIn::Begun(deployment) => Change::Begun(deployment),
        ChangeIn::Intent(intent) => Change::Intent(intent.read(with)?.intent),
        ChangeIn::Created { op, id } => Change::Created { op, id },
        ChangeIn::Done { op, record: done } => Change::Done { op, record: record(done)? },
        ChangeIn::Failed { op, message, record: known } => {
            Change::Failed { op, message, record: record(known)? }
        }
        ChangeIn::Put(put) => Change::Put(put.read(with)?),
        ChangeIn::Forgotten(key) => Change::Forgotten(key),
        ChangeIn::Exports(exports) => Change::Exports(read_exports(exports, with)?),
        ChangeIn::Ended(outcome) => Change::Ended(outcome),
    })
}

pub(super) fn read_exports(
    exports: BTreeMap<String, Unread<'_>>,
    with: &Reading<'_>,
) -> Result<BTreeMap<String, Value>> {
    // Read as one value, so that escaped keys and places are those of the map that was written.
    let mut read = BTreeMap::new();
    for (key, value) in exports {
        let key = match key.strip_prefix('$') {
            Some(rest) if rest.starts_with('$') => rest.to_owned(),
            Some(_) => {
                return Err(Error::new(ErrorKind::Corrupt, format!("the export {key:?}")));
            }
            None => key,
        };
        let value = value.read_entry(with, "exports", "", &key)?;
        read.insert(key, value);
    }
    Ok(read)
}

fn intent_out<'a, R>(
    intent: &'a Intent,
    created: Option<&'a str>,
    record: impl FnOnce(&'a Record) -> R,
) -> IntentOut<R> {
    IntentOut {
        op: intent.op,
        verb: intent.verb,
        at: intent.at,
        record: record(&intent.record),
        created: created.map(str::to_owned),
    }
}

/// An intent that is still open, for a snapshot.
pub(super) fn open_out<'a>(
    open: &'a OpenIntent,
    with: Writing<'a>,
) -> IntentOut<impl Serialize + 'a> {
    intent_out(&open.intent, open.created.as_deref(), |record| out(record, with))
}

impl IntentIn<'_> {
    pub(super) fn read(self, with: &Reading<'_>) -> Result<OpenIntent> {
        let record = self.record.read(with)?;
        let intent = Intent { op: self.op, verb: self.verb, record, at: self.at };
        Ok(OpenIntent { intent, created: self.created })
    }
}
