//! `snapshots/<epoch>-<seq>.ndjson.zst`: everything at one moment, a record a line, compressed.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    change::{IntentIn, open_out, read_exports},
    record::{RecordIn, out},
};
use crate::{
    Deployment, Error, ErrorKind, Identity, OpenIntent, Outcome, Result, Snapshot, Value,
    format::{
        document::damaged,
        frame::{FrameReader, FrameWriter},
        value::{Reading, Secrets, Unread, Writing},
    },
    seal::{DataKey, Opened, WrappedKey},
};

const KIND: &str = "snapshot";
/// Fast, and within a few percent of the slower ones on records that look alike.
const LEVEL: i32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    identity: Identity,
    seq: u64,
    records: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<WrappedKey>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum LineOut<'a, R, I, X> {
    Record(R),
    Open(I),
    Exports(X),
    Deployment(&'a Deployment),
    Outcome(Outcome),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum LineIn<'a> {
    #[serde(borrow)]
    Record(RecordIn<'a>),
    #[serde(borrow)]
    Open(IntentIn<'a>),
    #[serde(borrow)]
    Exports(BTreeMap<String, Unread<'a>>),
    Deployment(Deployment),
    Outcome(Outcome),
}

/// Only there to say which types the variants have that are not written at the moment.
type Line<'a, R, I, X> = LineOut<'a, R, I, X>;

/// The bytes of a snapshot that contains the log up to `seq`.
pub(crate) fn write_snapshot(
    snapshot: &Snapshot,
    seq: u64,
    key: &DataKey,
    scope: &str,
) -> Result<Vec<u8>> {
    let io = |e: std::io::Error| {
        Error::new(ErrorKind::Invalid, format!("cannot compress the snapshot: {e}")).because(e)
    };
    let header = Header {
        identity: snapshot.identity.clone(),
        seq,
        records: snapshot.records.len() as u64,
        key: has_secret(snapshot).then(|| key.wrapped().clone()),
    };
    let with = Writing::new(Secrets::Sealed(key), scope);
    let compressed = zstd::Encoder::new(Vec::new(), LEVEL).map_err(io)?;
    let mut frame = FrameWriter::new(compressed, KIND, &header)?;
    for record in snapshot.records.values() {
        push(&mut frame, &Line::<_, (), ()>::Record(out(record, with)))?;
    }
    for open in snapshot.open.values() {
        push(&mut frame, &Line::<(), _, ()>::Open(open_out(open, with)))?;
    }
    if !snapshot.exports.is_empty() {
        let exports = with.of("exports").map("", &snapshot.exports);
        push(&mut frame, &Line::<(), (), _>::Exports(exports))?;
    }
    if let Some(deployment) = &snapshot.deployment {
        push(&mut frame, &Line::<(), (), ()>::Deployment(deployment))?;
    }
    if let Some(outcome) = snapshot.outcome {
        push(&mut frame, &Line::<(), (), ()>::Outcome(outcome))?;
    }
    frame.finish()?.finish().map_err(io)
}

fn push<W: Write, R: Serialize, I: Serialize, X: Serialize>(
    frame: &mut FrameWriter<W>,
    line: &LineOut<'_, R, I, X>,
) -> Result<()> {
    frame.push(line)
}

fn has_secret(snapshot: &Snapshot) -> bool {
    let mut records = snapshot.records.values().map(|record| &**record);
    let secret = |value: &Value| value.has_secret();
    records.any(|record| secret(&record.inputs) || secret(&record.outputs))
        || snapshot.exports.values().any(secret)
        || snapshot
            .open
            .values()
            .map(|open: &OpenIntent| &open.intent.record)
            .any(|record| secret(&record.inputs) || secret(&record.outputs))
}

fn open<'o>(
    object: &'o str,
    bytes: &'o [u8],
) -> Result<(FrameReader<'o, impl BufRead + 'o>, Header)> {
    let plain = zstd::Decoder::with_buffer(bytes).map_err(|e| damaged(object, e))?;
    let (frame, _version, header) =
        FrameReader::open(object, KIND, BufReader::with_capacity(1 << 17, plain))?;
    Ok((frame, header))
}

/// Whether a snapshot is whole; gives the number of the last segment in it. What is sealed in it is not opened.
pub(crate) fn verify_snapshot(object: &str, bytes: &[u8]) -> Result<u64> {
    let (frame, header) = open(object, bytes)?;
    frame.verify()?;
    Ok(header.seq)
}

/// The wrapped key of a snapshot, if there are secrets in it.
pub(crate) fn read_snapshot_header(object: &str, bytes: &[u8]) -> Result<Option<WrappedKey>> {
    open(object, bytes).map(|(_, header)| header.key)
}

/// The snapshot, which has to be the state up to `seq` of `identity`.
pub(crate) fn read_snapshot(
    object: &str,
    bytes: &[u8],
    identity: &Identity,
    seq: u64,
    key: Option<&Opened>,
    scope: &str,
) -> Result<Snapshot> {
    let (mut frame, header) = open(object, bytes)?;
    if header.seq != seq || header.identity.lineage != identity.lineage {
        return Err(damaged(object, "it is the snapshot of another state"));
    }
    let with = Reading::stored(key, scope);
    let mut snapshot = Snapshot::empty(identity.clone());
    let mut records = Vec::new();
    let mut at = 1;
    while let Some(line) = frame.next()? {
        at += 1;
        let read = |e: Error| damaged(object, format!("line {at}: {e}")).because(e);
        let line: LineIn<'_> = serde_json::from_slice(line).map_err(|e| read(with.failure(&e)))?;
        match line {
            LineIn::Record(record) => {
                let record = record.read(&with).map_err(read)?;
                records.push((record.key(), Arc::new(record)));
            }
            LineIn::Open(open) => {
                let open = open.read(&with).map_err(read)?;
                snapshot.open.insert(open.intent.op, open);
            }
            LineIn::Exports(exports) => {
                snapshot.exports = read_exports(exports, &with).map_err(read)?;
            }
            LineIn::Deployment(deployment) => snapshot.deployment = Some(deployment),
            LineIn::Outcome(outcome) => snapshot.outcome = Some(outcome),
        }
    }
    let read = records.len() as u64;
    // They were written in order, so this builds the map without searching.
    snapshot.records = records.into_iter().collect();
    if read != header.records || snapshot.records.len() as u64 != read {
        return Err(damaged(object, format!("{read} records instead of {}", header.records)));
    }
    Ok(snapshot)
}
