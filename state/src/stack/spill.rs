//! Outcomes that cannot be written where they belong are kept on this machine until they can.
//!
//! A call may be under way when the lease is lost or the storage goes away. The intent is durable, so nothing is lost
//! either way: the next run looks what became of it. With the outcome at hand it need not look, and knows the id that
//! only the answer said.

use std::{path::Path, sync::Arc};

use uuid::Uuid;

use super::{session::Session, store::Store};
use crate::{
    Backend, Change, Error, ErrorKind, Finding, Identity, Lineage, Local, Record, Result, Snapshot,
    Status,
    format::v1::{
        SegmentHeader, read_segment, read_segment_header, scope, write_change, write_segment,
    },
    format::value::{Secrets, Writing},
};

/// Where a machine keeps what it could not write. Each file is a segment that found no place in the journal, with the
/// epoch, nonce, lineage and position of the session that made it.
#[derive(Clone, Debug)]
pub(super) struct Spill {
    folder: Local,
}

impl Spill {
    pub(super) fn new(folder: &Path) -> Result<Self> {
        Ok(Self { folder: Local::new(folder)? })
    }

    fn path(&self, key: &str) -> String {
        self.folder.path().join(key).display().to_string()
    }
}

/// One file of it.
struct Kept {
    key: String,
    path: String,
    says: Result<Says>,
}

/// What a file says.
enum Says {
    /// What became of calls.
    Outcomes(Vec<Change>),
    /// Nothing about this state: it is of this lineage.
    Other(Lineage),
}

/// The operation that a change says the outcome of.
fn ends(change: &Change) -> Option<Uuid> {
    match change {
        Change::Created { op, .. } | Change::Done { op, .. } | Change::Failed { op, .. } => {
            Some(*op)
        }
        _ => None,
    }
}

impl Session {
    /// The outcomes among `changes`, if there is somewhere to keep them.
    pub(super) fn outcomes(&self, changes: &[Change]) -> Vec<Change> {
        if self.store.spill.is_none() {
            return Vec::new();
        }
        changes.iter().filter(|change| ends(change).is_some()).cloned().collect()
    }

    /// Keeps `outcomes`, which could not be written because of `error`; gives the error back, and where they are.
    pub(super) async fn spill(&self, mut outcomes: Vec<Change>, error: Error) -> Error {
        let Some(spill) = &self.store.spill else { return error };
        if !matches!(error.kind(), ErrorKind::Fenced | ErrorKind::Unavailable) {
            return error;
        }
        self.with(|known| {
            outcomes.retain(|change| ends(change).is_some_and(|op| known.open.contains_key(&op)));
        });
        if outcomes.is_empty() {
            return error;
        }
        let what = match self.keep(spill, &outcomes).await {
            Ok(path) => format!(
                "What became of the calls that were made is kept in {path}: the next run on this machine records it"
            ),
            Err(unkept) => format!(
                "What became of the calls that were made could not be kept either ({unkept}): the next run looks"
            ),
        };
        Error::new(error.kind(), format!("{error}. {what}")).because(error)
    }

    async fn keep(&self, spill: &Spill, outcomes: &[Change]) -> Result<String> {
        let key = self.key();
        let with = Writing::new(Secrets::Sealed(&key), &self.scope);
        let mut lines = Vec::new();
        outcomes.iter().try_for_each(|change| write_change(&mut lines, change, with))?;
        let position = self.position();
        let header = SegmentHeader {
            seq: position.seq,
            epoch: self.epoch,
            nonce: self.lease.nonce,
            lineage: self.identity().lineage,
            previous: position.sha256,
            at: self.store.env.now(),
            fence: false,
            key: Some(key.wrapped().clone()),
        };
        let body = write_segment(&header, &lines, outcomes.len() as u64)?;
        // The order of their names is the order in which they were made.
        let folder = self.store.folder();
        let mut number = spill.folder.list(&folder, "").await?.len();
        loop {
            let key = format!("{folder}/{:08}-{number:06}-{}.ndjson", self.epoch, self.lease.nonce);
            match spill.folder.put_if_absent(&key, &body).await? {
                crate::backend::Put::Stored(_) => return Ok(spill.path(&key)),
                crate::backend::Put::Refused => number += 1,
            }
        }
    }

    /// Records what earlier sessions on this machine could not.
    ///
    /// **Invariant:** a spilled outcome only ever closes its own operation, and only while that is open and nobody has
    /// said otherwise since: it is never newer than what the state knows. A file goes when what it says is durable, or
    /// no longer of use; one that is damaged, or of another lineage, stays.
    pub(super) async fn unspill(&self) -> Result<()> {
        let identity = self.identity();
        let kept = match self.store.kept(&identity).await {
            Ok(kept) => kept,
            // What is kept helps, but nothing depends on it.
            Err(error) => {
                tracing::warn!(%error, "what earlier runs kept cannot be read");
                return Ok(());
            }
        };
        for Kept { key, path, says } in kept {
            match says {
                Ok(Says::Outcomes(outcomes)) => {
                    if self.record_outcomes(&path, outcomes).await?
                        && let Some(spill) = &self.store.spill
                    {
                        spill.folder.delete(&key).await?;
                    }
                }
                Ok(Says::Other(lineage)) => {
                    tracing::info!(path, %lineage, "kept for another lineage");
                }
                Err(error) => tracing::warn!(%error, path, "this is left as it is"),
            }
        }
        Ok(())
    }

    /// Commits those of `outcomes` that are still of use. `false`: they do not fit, and stay where they are.
    async fn record_outcomes(&self, path: &str, outcomes: Vec<Change>) -> Result<bool> {
        for outcome in outcomes {
            let Some(changes) = self.with(|known| useful(known, outcome.clone())) else {
                let op = ends(&outcome).unwrap_or_default();
                tracing::info!(path, %op, "the operation was settled meanwhile");
                continue;
            };
            match self.commit_now(changes).await {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Invalid => {
                    tracing::warn!(%error, path, "this is left as it is");
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

/// What has to be committed for `outcome`, if its operation is open and nobody knows better.
fn useful(known: &Snapshot, outcome: Change) -> Option<Vec<Change>> {
    let open = known.open.get(&ends(&outcome)?)?;
    let id = |record: &Option<Record>| record.as_ref().and_then(|record| record.id.clone());
    let says = match &outcome {
        Change::Created { .. } if open.created.is_some() => return None,
        Change::Done { record, .. } | Change::Failed { record, .. } => id(record),
        _ => None,
    };
    if says.is_some() && open.created.is_some() && says != open.created {
        return None;
    }
    let (Change::Done { record: Some(new), .. } | Change::Failed { record: Some(new), .. }) =
        &outcome
    else {
        return Some(vec![outcome]);
    };
    // What the new object takes the place of is deposed with it.
    let old = known
        .current(&new.urn)
        .filter(|old| new.status != Status::Deposed && old.instance != new.instance);
    let deposed = old.map(|old| Record { status: Status::Deposed, ..Record::clone(old) });
    Some(deposed.map(Change::Put).into_iter().chain([outcome]).collect())
}

impl Store {
    /// What this machine keeps of the stack, in the order in which it was kept.
    async fn kept(&self, identity: &Identity) -> Result<Vec<Kept>> {
        let Some(spill) = &self.spill else { return Ok(Vec::new()) };
        let folder = self.folder();
        let names = spill.folder.list(&folder, "").await?;
        let mut all = Vec::new();
        for name in names.iter().filter(|name| name.ends_with(".ndjson")) {
            let key = format!("{folder}/{name}");
            let path = spill.path(&key);
            let says = match spill.folder.get(&key).await {
                // Another run on this machine has recorded it.
                Ok(None) => continue,
                Ok(Some(stored)) => self.said(&path, &stored.body, identity).await,
                Err(error) => Err(error),
            };
            all.push(Kept { key, path, says });
        }
        Ok(all)
    }

    async fn said(&self, path: &str, body: &[u8], identity: &Identity) -> Result<Says> {
        let header = read_segment_header(path, body)?;
        if header.lineage != identity.lineage {
            return Ok(Says::Other(header.lineage));
        }
        let key = match &header.key {
            Some(key) => Some(self.vault.opened(key).await?),
            None => None,
        };
        let segment = read_segment(path, body, key.as_ref(), &scope(identity))?;
        Ok(Says::Outcomes(segment.changes))
    }

    /// Looks at what this machine keeps of the stack (`state doctor`).
    pub(super) async fn examine_kept(&self, identity: &Identity) -> Vec<Finding> {
        let kept = match self.kept(identity).await {
            Ok(kept) => kept,
            Err(error) => {
                let what = format!("what this machine keeps of the stack cannot be read: {error}");
                return vec![Finding::notice(what, "nothing depends on it: mend it, or leave it")];
            }
        };
        let found = kept.into_iter().map(|kept| match kept.says {
            Ok(Says::Outcomes(outcomes)) => Finding::notice(
                format!("{} says what became of {} calls", kept.path, outcomes.len()),
                "the next run on this machine records it",
            ),
            Ok(Says::Other(lineage)) => Finding::notice(
                format!("{} is about an earlier life of the stack (lineage {lineage})", kept.path),
                "it is of no use any more: delete it",
            ),
            Err(error) if error.kind() != ErrorKind::Corrupt => Finding::notice(
                format!("{} cannot be read now: {error}", kept.path),
                "the next run on this machine tries again",
            ),
            Err(error) => Finding::notice(
                error.to_string(),
                "nothing depends on it, the next run looks at the cloud instead: delete it",
            ),
        });
        found.collect()
    }

    pub(super) fn with_spill(&mut self, folder: &Path) -> Result<()> {
        self.spill = Some(Arc::new(Spill::new(folder)?));
        Ok(())
    }
}
