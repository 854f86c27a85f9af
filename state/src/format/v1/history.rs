//! `history/<n>.json`: one deployment.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::scope;
use crate::{
    Deployment, HistoryEntry, Identity, Outcome, Position, Result,
    format::{
        document::{self, damaged},
        value::{Reading, Secrets, Unread, Writing},
    },
    seal::{DataKey, Vault, WrappedKey},
};

const KIND: &str = "history";
const OWNER: &str = "history";

#[derive(Serialize)]
struct HistoryOut<'a, V> {
    identity: &'a Identity,
    deployment: &'a Deployment,
    ended: Timestamp,
    outcome: Outcome,
    summary: &'a BTreeMap<String, u64>,
    position: Position,
    #[serde(skip_serializing_if = "Option::is_none")]
    graph: Option<V>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a WrappedKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HistoryIn<'a> {
    /// Whose it was then: a state that was taken over keeps the history of the one it was copied from.
    identity: Identity,
    deployment: Deployment,
    ended: Timestamp,
    outcome: Outcome,
    summary: BTreeMap<String, u64>,
    position: Position,
    #[serde(default, borrow)]
    graph: Option<Unread<'a>>,
    #[serde(default)]
    key: Option<WrappedKey>,
}

pub(crate) fn write_history(
    entry: &HistoryEntry,
    key: &DataKey,
    identity: &Identity,
) -> Result<Vec<u8>> {
    let scope = scope(identity);
    let with = Writing::new(Secrets::Sealed(key), &scope).of(OWNER);
    let graph = entry.graph.as_ref();
    let sealed = graph.is_some_and(crate::Value::has_secret);
    document::write(
        KIND,
        &HistoryOut {
            identity,
            deployment: &entry.deployment,
            ended: entry.ended,
            outcome: entry.outcome,
            summary: &entry.summary,
            position: entry.position,
            graph: graph.map(|graph| with.value("graph", graph)),
            key: sealed.then(|| key.wrapped()),
        },
    )
}

/// The same entry, sealed with another key.
pub(crate) async fn reseal_history(
    object: &str,
    bytes: &[u8],
    vault: &Vault,
    key: &DataKey,
) -> Result<Vec<u8>> {
    let (entry, identity) = read(object, bytes, vault).await?;
    write_history(&entry, key, &identity)
}

pub(crate) async fn read_history(
    object: &str,
    bytes: &[u8],
    vault: &Vault,
) -> Result<HistoryEntry> {
    read(object, bytes, vault).await.map(|(entry, _)| entry)
}

async fn read(object: &str, bytes: &[u8], vault: &Vault) -> Result<(HistoryEntry, Identity)> {
    let (_version, body) = document::read(object, KIND, bytes)?;
    let entry: HistoryIn<'_> =
        serde_json::from_str(body).map_err(|e| damaged(object, &e).because(e))?;
    let key = match &entry.key {
        Some(key) => Some(vault.open(key).await?),
        None => None,
    };
    let scope = scope(&entry.identity);
    let with = Reading::stored(key.as_deref(), &scope);
    let graph = entry.graph.map(|graph| graph.read(&with, OWNER, "graph")).transpose();
    let read = HistoryEntry {
        graph: graph.map_err(|e| damaged(object, &e).because(e))?,
        deployment: entry.deployment,
        ended: entry.ended,
        outcome: entry.outcome,
        summary: entry.summary,
        position: entry.position,
    };
    Ok((read, entry.identity))
}
