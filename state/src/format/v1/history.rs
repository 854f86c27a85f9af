//! `history/<n>.json`: one deployment.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD as BASE64};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::scope;
use crate::{
    Deployment, Error, ErrorKind, HistoryEntry, Identity, Outcome, Position, Result,
    format::{
        document::{self, damaged},
        value::{Reading, Secrets, Unread, Writing},
    },
    seal::{DataKey, Vault, WrappedKey},
};

const KIND: &str = "history";
const OWNER: &str = "history";
/// From this many bytes on a graph is compressed: about tenfold, since its nodes look alike.
const LARGE: usize = 8 << 10;
/// Nobody waits for it: it is written when everything is done.
const LEVEL: i32 = 9;

/// The earlier entries that one goes back to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Since {
    /// The numbers in their names. The first has a whole graph, each other what changed since the one before it.
    pub(crate) of: Vec<u64>,
    /// The state that the last of them says was left: so it is known again, and through it those before.
    pub(crate) position: Position,
}

/// One entry as it is stored.
#[derive(Debug)]
pub(crate) struct Filed {
    /// The number in its name: its deployment's, or a later one if that was taken.
    pub(crate) number: u64,
    pub(crate) entry: HistoryEntry,
    /// If there is some, the entry's graph is what changed since the last of these.
    pub(crate) since: Option<Since>,
}

#[derive(Serialize)]
struct HistoryOut<'a, V> {
    number: u64,
    identity: &'a Identity,
    deployment: &'a Deployment,
    ended: Timestamp,
    outcome: Outcome,
    summary: &'a BTreeMap<String, u64>,
    position: Position,
    #[serde(skip_serializing_if = "Option::is_none")]
    graph: Option<V>,
    /// Instead of a large `graph`: its JSON, by zstd, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    packed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<&'a Since>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a WrappedKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HistoryIn<'a> {
    number: u64,
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
    packed: Option<String>,
    #[serde(default)]
    since: Option<Since>,
    #[serde(default)]
    key: Option<WrappedKey>,
}

pub(crate) fn write_history(filed: &Filed, key: &DataKey, identity: &Identity) -> Result<Vec<u8>> {
    let Filed { number, entry, since } = filed;
    let scope = scope(identity);
    let with = Writing::new(Secrets::Sealed(key), &scope).of(OWNER);
    let graph = entry.graph.as_ref();
    let sealed = graph.is_some_and(crate::Value::has_secret);
    let graph = graph.map(|graph| serde_json::value::to_raw_value(&with.value("graph", graph)));
    let wrong = |e| Error::new(ErrorKind::Invalid, "cannot write the graph").because(e);
    let graph = graph.transpose().map_err(wrong)?;
    let (graph, large): (Vec<_>, Vec<_>) =
        graph.into_iter().partition(|graph| graph.get().len() < LARGE);
    let packed = large.first().map(|graph| pack(graph.get())).transpose()?;
    document::write(
        KIND,
        &HistoryOut {
            number: *number,
            identity,
            deployment: &entry.deployment,
            ended: entry.ended,
            outcome: entry.outcome,
            summary: &entry.summary,
            position: entry.position,
            graph: graph.first(),
            packed,
            since: since.as_ref(),
            key: sealed.then(|| key.wrapped()),
        },
    )
}

/// The same entry, sealed with another key.
pub(crate) async fn reseal_history(
    object: &str,
    number: u64,
    bytes: &[u8],
    vault: &Vault,
    key: &DataKey,
) -> Result<Vec<u8>> {
    let (filed, identity) = read(object, number, bytes, vault).await?;
    write_history(&filed, key, &identity)
}

/// The same without the graph, which may be a thousand times larger than the rest.
pub(crate) fn read_history_line(object: &str, number: u64, bytes: &[u8]) -> Result<Filed> {
    Ok(line(parsed(object, number, bytes)?).0)
}

/// The entry that is filed under `number`.
fn parsed<'b>(object: &str, number: u64, bytes: &'b [u8]) -> Result<HistoryIn<'b>> {
    let (_version, body) = document::read(object, KIND, bytes)?;
    let entry: HistoryIn<'_> =
        serde_json::from_str(body).map_err(|e| damaged(object, &e).because(e))?;
    if entry.number == number {
        return Ok(entry);
    }
    Err(damaged(object, format!("it is what was filed under the number {}", entry.number)))
}

fn line(entry: HistoryIn<'_>) -> (Filed, Identity) {
    let line = HistoryEntry {
        graph: None,
        deployment: entry.deployment,
        ended: entry.ended,
        outcome: entry.outcome,
        summary: entry.summary,
        position: entry.position,
    };
    (Filed { number: entry.number, entry: line, since: entry.since }, entry.identity)
}

fn pack(json: &str) -> Result<String> {
    let packed = zstd::encode_all(json.as_bytes(), LEVEL).map_err(|e| {
        Error::new(ErrorKind::Invalid, format!("cannot compress the graph: {e}")).because(e)
    })?;
    Ok(BASE64.encode(packed))
}

fn unpack(object: &str, packed: &str) -> Result<String> {
    let packed = BASE64.decode(packed).map_err(|e| damaged(object, &e).because(e))?;
    let json = zstd::decode_all(&*packed).map_err(|e| damaged(object, &e).because(e))?;
    String::from_utf8(json).map_err(|e| damaged(object, &e).because(e))
}

pub(crate) async fn read_history(
    object: &str,
    number: u64,
    bytes: &[u8],
    vault: &Vault,
) -> Result<Filed> {
    read(object, number, bytes, vault).await.map(|(filed, _)| filed)
}

async fn read(object: &str, number: u64, bytes: &[u8], vault: &Vault) -> Result<(Filed, Identity)> {
    let mut entry = parsed(object, number, bytes)?;
    let key = match &entry.key {
        Some(key) => Some(vault.opened(key).await?),
        None => None,
    };
    let scope = scope(&entry.identity);
    let with = Reading::stored(key.as_ref(), &scope);
    let json = entry.packed.as_deref().map(|packed| unpack(object, packed)).transpose()?;
    let graph = match (&json, entry.graph.take()) {
        (Some(json), _) => Some(with.value(OWNER, "graph", json.as_bytes())),
        (None, graph) => graph.map(|graph| graph.read(&with, OWNER, "graph")),
    };
    let graph = graph.transpose().map_err(|e| damaged(object, &e).because(e))?;
    let (mut filed, identity) = line(entry);
    filed.entry.graph = graph;
    Ok((filed, identity))
}
