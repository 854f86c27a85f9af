//! What `state pull` prints and `state push` reads: one JSON text, for people and for other backends.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    change::{IntentIn, open_out, read_exports},
    record::{RecordIn, out},
    scope,
};
use crate::{
    Deployment, Error, ErrorKind, Identity, Outcome, Position, Result, Snapshot,
    format::{
        Envelope, VERSION,
        document::admitted,
        value::{Reading, Secrets, Unread, Writing},
    },
    seal::{DataKey, Vault, WrappedKey},
};

const KIND: &str = "export";
const OBJECT: &str = "the exported state";

/// An exported state that was read.
#[derive(Debug)]
pub(crate) struct Export {
    pub(crate) position: Position,
    pub(crate) snapshot: Snapshot,
}

#[derive(Serialize)]
struct ExportOut<'a, R, I, X> {
    kind: &'a str,
    format: u32,
    identity: &'a Identity,
    position: Position,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a WrappedKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deployment: Option<&'a Deployment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    exports: X,
    open: Vec<I>,
    records: Vec<R>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExportIn<'a> {
    #[serde(rename = "kind")]
    _kind: String,
    #[serde(rename = "format")]
    _format: u32,
    identity: Identity,
    position: Position,
    #[serde(default)]
    key: Option<WrappedKey>,
    #[serde(default)]
    deployment: Option<Deployment>,
    #[serde(default)]
    outcome: Option<Outcome>,
    #[serde(default, borrow)]
    exports: BTreeMap<String, Unread<'a>>,
    #[serde(default, borrow)]
    open: Vec<IntentIn<'a>>,
    #[serde(default, borrow)]
    records: Vec<RecordIn<'a>>,
}

/// The text; secrets are sealed with `key`, or shown if there is none.
pub(crate) fn write_export(
    snapshot: &Snapshot,
    position: Position,
    key: Option<&DataKey>,
) -> Result<String> {
    let secrets = key.map_or(Secrets::Shown, Secrets::Sealed);
    let scope = scope(&snapshot.identity);
    let with = Writing::new(secrets, &scope);
    let export = ExportOut {
        kind: KIND,
        format: VERSION,
        identity: &snapshot.identity,
        position,
        key: key.map(DataKey::wrapped),
        deployment: snapshot.deployment.as_ref(),
        outcome: snapshot.outcome,
        exports: with.of("exports").map("", &snapshot.exports),
        open: snapshot.open.values().map(|open| open_out(open, with)).collect(),
        records: snapshot.records.values().map(|record| out(record, with)).collect(),
    };
    serde_json::to_string_pretty(&export).map_err(|e| {
        Error::new(ErrorKind::Invalid, format!("cannot export the state: {e}")).because(e)
    })
}

/// The state in a text that [`write_export`] made and perhaps a person edited.
pub(crate) async fn read_export(text: &str, vault: &Vault) -> Result<Export> {
    let invalid = |e: &dyn std::fmt::Display| {
        Error::new(ErrorKind::Invalid, format!("{OBJECT} cannot be read: {e}. Nothing was changed"))
    };
    let found: Envelope<'_> = serde_json::from_str(text).map_err(|e| invalid(&e).because(e))?;
    admitted(OBJECT, KIND, &found)?;
    let export: ExportIn<'_> = serde_json::from_str(text).map_err(|e| invalid(&e).because(e))?;
    let key = match &export.key {
        Some(key) => Some(vault.opened(key).await?),
        None => None,
    };
    let scope = scope(&export.identity);
    let with = Reading::exported(key.as_ref(), &scope);
    let invalid = |e: Error| invalid(&e).because(e);
    let mut snapshot = Snapshot::empty(export.identity);
    for record in export.records {
        let record = record.read(&with).map_err(invalid)?;
        let key = record.key();
        if snapshot.records.insert(key.clone(), Arc::new(record)).is_some() {
            let message = format!("{} ({}) is there twice", key.urn, key.instance);
            return Err(invalid(Error::new(ErrorKind::Invalid, message)));
        }
    }
    for open in export.open {
        let open = open.read(&with).map_err(invalid)?;
        snapshot.open.insert(open.intent.op, open);
    }
    snapshot.exports = read_exports(export.exports, &with).map_err(invalid)?;
    snapshot.deployment = export.deployment;
    snapshot.outcome = export.outcome;
    Ok(Export { position: export.position, snapshot })
}
