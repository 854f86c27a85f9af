//! Group commit without a timer: what arrived while the last write was in flight goes into the next.

use tokio::sync::oneshot;

use super::{log, session::Session, store::fenced};
use crate::{
    Change, Checksum, Error, ErrorKind, Result,
    format::v1::{SegmentHeader, write_change, write_segment},
    format::value::{Secrets, Writing},
    integrity::{Stage, Violation},
};

/// A segment is not made larger than this by adding another commit to it.
const ENOUGH: usize = 4 << 20;

/// A commit that somebody waits for.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) changes: Vec<Change>,
    pub(super) reply: oneshot::Sender<Result<()>>,
}

/// A segment on its way.
#[derive(Debug)]
pub(super) struct Batch {
    header: SegmentHeader,
    body: Vec<u8>,
    waiting: Vec<Waiting>,
}

/// Why a session takes nothing any more.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    kind: ErrorKind,
    message: String,
}

impl Ended {
    pub(super) fn new(error: &Error) -> Self {
        Self { kind: error.kind(), message: error.to_string() }
    }

    pub(super) fn error(&self) -> Error {
        Error::new(self.kind, self.message.clone())
    }
}

impl Session {
    /// Makes `changes` durable, all or none; they are in [`Session::snapshot`] when this returns.
    ///
    /// Many tasks may call this at once: whoever comes first writes for all that wait. Dropping the call leaves open
    /// whether it happened.
    ///
    /// **Invariant:** a commit is checked against the snapshot and all commits before it, then written, then applied,
    /// then acknowledged, in this order.
    ///
    /// An outcome that cannot be written is kept on this machine if [`State::with_spill`](crate::State::with_spill)
    /// says where; the error says so too.
    pub async fn commit(&self, changes: Vec<Change>) -> Result<()> {
        let outcomes = self.outcomes(&changes);
        match self.commit_now(changes).await {
            Err(error) if !outcomes.is_empty() => Err(Box::pin(self.spill(outcomes, error)).await),
            done => done,
        }
    }

    pub(super) async fn commit_now(&self, changes: Vec<Change>) -> Result<()> {
        if changes.is_empty() {
            return self.check();
        }
        let (reply, mut answer) = oneshot::channel();
        self.queue().push_back(Waiting { changes, reply });
        loop {
            let mut writer = self.writer.lock().await;
            match answer.try_recv() {
                Ok(answer) => return answer,
                Err(oneshot::error::TryRecvError::Closed) => {
                    return Err(writer
                        .ended
                        .as_ref()
                        .map_or_else(|| fenced("the session is over"), Ended::error));
                }
                Err(oneshot::error::TryRecvError::Empty) => Box::pin(self.write(&mut writer)).await,
            }
        }
    }

    /// Writes one segment: one that a dropped call left behind, or what waits.
    pub(super) async fn write(&self, writer: &mut super::session::Writer) {
        if writer.inflight.is_none() {
            writer.inflight = self.gather(writer);
        }
        let Some(batch) = &writer.inflight else { return };
        // Dropped here, the batch stays in flight, and whoever comes next sends the same bytes again.
        let written = self.send(batch).await;
        let Some(batch) = writer.inflight.take() else { return };
        let written = written.and_then(|()| {
            let sum = Checksum::of(&batch.body);
            writer.tail.add(&batch.header, sum, batch.body.len() as u64);
            self.apply(&batch, writer.tail.position)
        });
        if let Err(error) = &written {
            if error.kind() == ErrorKind::Fenced {
                self.lease.lose();
            }
            // Whether it was written is not known, so nothing may be written after it.
            writer.ended.get_or_insert(Ended::new(error));
        }
        for waiting in batch.waiting {
            let told = match &written {
                Ok(()) => Ok(()),
                Err(error) => Err(Ended::new(error).error()),
            };
            let _ = waiting.reply.send(told);
        }
    }

    /// Takes what waits, refuses what would break the state, and makes a segment of the rest.
    fn gather(&self, writer: &mut super::session::Writer) -> Option<Batch> {
        let live = self.live();
        let mut stage = Stage::new(&live.snapshot, &live.index);
        let key = self.key();
        let with = Writing::new(Secrets::Sealed(&key), &self.scope);
        let (mut lines, mut count, mut sealed, mut taken) = (Vec::new(), 0, false, Vec::new());
        while lines.len() < ENOUGH {
            let Some(waiting) = self.queue().pop_front() else { break };
            if waiting.reply.is_closed() {
                continue;
            }
            let ended = writer.ended.as_ref().map_or_else(|| self.check(), |e| Err(e.error()));
            let start = lines.len();
            let admitted = ended
                .and_then(|()| stage.admit(&waiting.changes).map_err(Violation::refusal))
                .and_then(|()| {
                    waiting
                        .changes
                        .iter()
                        .try_for_each(|change| write_change(&mut lines, change, with))
                });
            match admitted {
                Ok(()) => {
                    count += waiting.changes.len() as u64;
                    sealed = sealed || waiting.changes.iter().any(has_secret);
                    taken.push(waiting);
                }
                Err(refused) => {
                    lines.truncate(start);
                    let _ = waiting.reply.send(Err(refused));
                }
            }
        }
        if taken.is_empty() {
            return None;
        }
        let header = SegmentHeader {
            seq: writer.tail.tip.seq + 1,
            epoch: self.epoch,
            nonce: self.lease.nonce,
            lineage: live.snapshot.identity.lineage,
            previous: writer.tail.tip.sha256,
            at: self.store.env.now(),
            fence: false,
            key: sealed.then(|| key.wrapped().clone()),
        };
        match write_segment(&header, &lines, count) {
            Ok(body) => Some(Batch { header, body, waiting: taken }),
            Err(error) => {
                let ended = Ended::new(&error);
                for waiting in taken {
                    let _ = waiting.reply.send(Err(ended.error()));
                }
                None
            }
        }
    }

    async fn send(&self, batch: &Batch) -> Result<()> {
        self.check()?;
        log::append(&self.store, batch.header.seq, &batch.body).await?;
        // The write may have taken longer than the lease was good for. Then somebody else may have sealed the log
        // and, much later, removed that seal: it counts only if it was ours to write until now.
        self.lease.check()
    }

    fn apply(&self, batch: &Batch, position: crate::Position) -> Result<()> {
        let mut live = self.live_mut();
        let live = &mut *live;
        live.position = position;
        let mut changes = batch.waiting.iter().flat_map(|waiting| &waiting.changes);
        changes.try_for_each(|change| live.index.apply(&mut live.snapshot, change))
    }
}

fn has_secret(change: &Change) -> bool {
    let record = |record: &crate::Record| record.inputs.has_secret() || record.outputs.has_secret();
    match change {
        Change::Intent(intent) => record(&intent.record),
        Change::Done { record: known, .. } | Change::Failed { record: known, .. } => {
            known.as_ref().is_some_and(record)
        }
        Change::Put(put) => record(put),
        Change::Exports(exports) => exports.values().any(crate::Value::has_secret),
        _ => false,
    }
}
