//! Writing what is taken over.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt::Write as _,
    sync::Arc,
    time::Duration,
};

use infra_state::{Change, HistoryEntry, Outcome, ProviderIdentity, Record, Snapshot, Urn, Value};

use super::{
    Taking,
    look::Found,
    places::{Places, differing},
};
use crate::{Engine, Error, ErrorKind, Result, command::deploy::file_earlier};

/// So many are named in an error.
const SHOWN: usize = 5;

/// What came of writing.
#[derive(Debug)]
pub struct Recorded {
    /// The records are written, but their deployment could not be filed or the lock not given back.
    pub unfinished: Option<Error>,
}

/// Writes the records, under the lock, as one deployment. The cloud is not touched. An error means that none is written.
pub async fn record(engine: &Engine, taking: &Taking, wait: Duration) -> Result<Recorded> {
    let session = engine.state.acquire(engine.holder("import"), wait).await?;
    // Something may have been recorded since it was looked.
    let found = session.with(|snapshot| {
        let fresh = snapshot.deployment.is_none() && snapshot.records.is_empty();
        not_taken(snapshot, &taking.records).map(|()| {
            let (before, ended) = (snapshot.deployment.clone(), snapshot.outcome);
            let kept = |record: &&Record| !same_provider(snapshot, record);
            let records: Vec<Record> = taking.records.iter().filter(kept).cloned().collect();
            let mut exports = snapshot.exports.clone();
            exports.extend(taking.exported.clone());
            (fresh, before, ended, records, exports)
        })
    });
    let (fresh, before, ended, records, exports) = match found {
        Ok(found) => found,
        Err(error) => {
            session.release().await?;
            return Err(error);
        }
    };
    let deployment = engine.deployment("import", before.as_ref());
    let count = records.len() as u64;
    let mut changes = vec![Change::Begun(deployment.clone())];
    changes.extend(records.into_iter().map(Change::Put));
    changes.push(Change::Exports(exports));
    changes.push(Change::Ended(Outcome::Succeeded));
    if let Some(before) = before {
        file_earlier(engine, &session, before, ended).await;
    }
    if let Err(error) = session.commit(changes).await {
        let _ = session.release().await;
        return Err(error.into());
    }
    let outputs: HashMap<&Urn, &Value> =
        taking.records.iter().map(|record| (&record.urn, &record.outputs)).collect();
    let entry = HistoryEntry {
        deployment,
        ended: engine.env.now(),
        outcome: Outcome::Succeeded,
        summary: std::iter::once(("records".to_owned(), count)).collect(),
        position: session.position(),
        // Together with what was there before, it is of no one program.
        graph: fresh.then(|| taking.graph.to_value(&|urn| outputs.get(urn).copied())),
    };
    // The records stand, whatever becomes of the rest.
    Ok(Recorded { unfinished: session.close(entry).await.err().map(Error::from) })
}

/// A provider that is recorded already, and points where it pointed.
fn same_provider(snapshot: &Snapshot, record: &Record) -> bool {
    record.id.is_none()
        && snapshot.current(&record.urn).is_some_and(|it| it.inputs.same(&record.inputs))
}

/// Refuses where something is not settled.
pub(super) fn settled(snapshot: &Snapshot) -> Result<()> {
    if snapshot.open.is_empty() {
        return Ok(());
    }
    let message = "the stack has operations that are not settled; run `up` first";
    Err(Error::new(ErrorKind::Refused, message))
}

/// Whether two records are of different places: the same id is two objects there.
fn apart(a: &Record, b: &ProviderIdentity) -> bool {
    a.provider.as_ref().is_some_and(|a| differing(&a.identity, b).next().is_some())
}

/// Refuses where objects are recorded already.
pub(super) fn free(snapshot: &Snapshot, found: &[Found], places: &Places<'_>) -> Result<()> {
    let mut ids: BTreeMap<(&str, &str), Vec<&Urn>> = BTreeMap::new();
    for it in found {
        for id in [&it.candidate.id, &it.seen.id] {
            ids.entry((&it.candidate.kind, id)).or_default().push(&it.provider);
        }
    }
    let has = |record: &&Arc<Record>| {
        let id = record.id.as_deref();
        let of = id.and_then(|id| ids.get(&(record.urn.kind(), id))).into_iter().flatten();
        of.filter_map(|urn| places.identity(urn)).any(|identity| !apart(record, identity))
    };
    refuse(snapshot.records.values().filter(has).map(|record| {
        format!(
            "{} is recorded already, as `{}`",
            record.id.as_deref().unwrap_or_default(),
            record.urn
        )
    }))
}

fn not_taken(snapshot: &Snapshot, records: &[Record]) -> Result<()> {
    settled(snapshot)?;
    let mut urns: HashSet<&Urn> = HashSet::new();
    let mut ids: HashMap<(&str, &str), Vec<&Record>> = HashMap::new();
    for record in records {
        if let Some(id) = &record.id {
            urns.insert(&record.urn);
            ids.entry((record.urn.kind(), id)).or_default().push(record);
        }
    }
    let clash = |record: &&Arc<Record>| {
        let id = record.id.as_deref();
        let mut same = id.and_then(|id| ids.get(&(record.urn.kind(), id))).into_iter().flatten();
        let elsewhere =
            |new: &Record| new.provider.as_ref().is_some_and(|it| apart(record, &it.identity));
        urns.contains(&record.urn) || same.any(|new| !elsewhere(new))
    };
    refuse(
        snapshot
            .records
            .values()
            .filter(clash)
            .map(|record| format!("`{}` is recorded already", record.urn)),
    )
}

fn refuse(clashes: impl Iterator<Item = String>) -> Result<()> {
    let clashes: Vec<String> = clashes.collect();
    if clashes.is_empty() {
        return Ok(());
    }
    let mut text = clashes.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("; ");
    if clashes.len() > SHOWN {
        let _ = write!(text, "; and {} more", clashes.len() - SHOWN);
    }
    let message = format!(
        "{text}. Nothing was written: take over into a stack of its own (`--stack NAME`), or only what is new (`--only`)"
    );
    Err(Error::new(ErrorKind::Refused, message))
}
