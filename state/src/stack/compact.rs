//! Folding the journal into a snapshot.

use futures_util::{StreamExt, stream};

use super::{
    history,
    limits::Limits,
    log::{JOURNAL, Tail, segment_name, segment_seq},
    session::{Session, Writer},
    store::{Won, fenced},
};
use crate::{
    Checksum, Identity, Result,
    format::v1::{self, Head, SnapshotRef},
    integrity,
    seal::DataKey,
};

const SNAPSHOTS: &str = "snapshots";
const WIDTH: usize = 16;

/// Later ones sort after earlier ones: by epoch, then by the last segment that they contain.
fn snapshot_name(epoch: u64, seq: u64) -> String {
    format!("{epoch:08}-{seq:010}.ndjson.zst")
}

/// How much of a new snapshot each segment that it folds may have to pay for, in bytes.
const SHARE: u64 = 8 << 10;

impl Writer {
    /// Compaction costs O(the state), so it waits until the journal has grown in proportion: what a change costs stays
    /// O(the change). (The snapshot is compressed about tenfold, the journal is not.) A segment costs whoever reads a
    /// part of a round trip, so the more of them may be left the longer reading the snapshot takes anyway.
    pub(super) fn compaction_is_due(&self, limits: &Limits) -> bool {
        let Tail { segments, bytes, .. } = self.tail;
        let snapshot = self.head.snapshot.as_ref().map_or(0, |snapshot| snapshot.bytes);
        let readable = (snapshot / SHARE).clamp(limits.segments, 8 * limits.segments);
        segments > readable || bytes > limits.bytes.max(4 * snapshot)
    }
}

impl Session {
    /// Writes a snapshot and moves the head to it; then removes what nobody needs any more.
    pub(super) async fn compact(&self, writer: &mut Writer) -> Result<()> {
        let key = self.key();
        let (identity, snapshot) = self.write_snapshot(writer, &key).await?;
        let stale = history::stale(&self.store, key.wrapped()).await?;
        let before = self.advance(writer, identity, Some(snapshot), &key).await?;
        // What cannot be removed now is removed next time.
        if let Err(error) = self.sweep(&writer.head, before.as_ref(), stale).await {
            tracing::warn!(%error, "superseded objects could not be removed");
        }
        Ok(())
    }

    /// Writes what is remembered as a snapshot, sealed with `key`. It counts when the head says so.
    pub(super) async fn write_snapshot(
        &self,
        writer: &Writer,
        key: &DataKey,
    ) -> Result<(Identity, SnapshotRef)> {
        let tip = writer.tail.tip;
        let (body, records, identity) = {
            let live = self.live();
            integrity::verify(&live.snapshot)
                .map_err(|e| e.corruption(&self.store.object("journal")))?;
            let body = v1::write_snapshot(&live.snapshot, tip.seq, key, &self.scope)?;
            (body, live.snapshot.records.len() as u64, live.snapshot.identity.clone())
        };
        let name = snapshot_name(self.epoch, tip.seq);
        if let Won::Theirs(_) = self.store.create(&format!("{SNAPSHOTS}/{name}"), &body).await? {
            return Err(fenced("somebody else wrote the snapshot"));
        }
        let sha256 = Checksum::of(&body);
        let snapshot = SnapshotRef { name, sha256, bytes: body.len() as u64, records };
        Ok((identity, snapshot))
    }

    /// Moves the head to the end of the log, where `snapshot` is the state and `key` seals. Gives the snapshot before.
    pub(super) async fn advance(
        &self,
        writer: &mut Writer,
        identity: Identity,
        snapshot: Option<SnapshotRef>,
        key: &DataKey,
    ) -> Result<Option<SnapshotRef>> {
        let mut fences = writer.tail.fences.clone();
        fences.drain(..fences.len().saturating_sub(self.store.limits.fences));
        let head = Head {
            identity,
            written: self.store.env.now(),
            snapshot,
            tip: writer.tail.tip,
            position: writer.tail.position,
            fences,
            key: key.wrapped().clone(),
            ..writer.head.clone()
        };
        self.check()?;
        match self.store.move_head(&head, Some(&writer.tag)).await? {
            Won::Mine(tag) => writer.tag = tag,
            Won::Theirs(_) => return Err(fenced("somebody else has moved the head")),
        }
        let before = std::mem::replace(&mut writer.head, head);
        writer.tail = Tail { epoch: writer.tail.epoch, ..Tail::after(&writer.head) };
        Ok(before.snapshot)
    }

    /// Removes segments that the snapshot contains, snapshots before the last, and history that another data key seals:
    /// `stale`, as it was listed before the head moved.
    ///
    /// **Invariant:** fences stay. A holder that was taken over would write at the number of the fence that shut it
    /// out, and nowhere else; as long as the fence is there it is refused.
    ///
    /// **Invariant:** nothing later than this session is removed. Whoever is held up in here may wake when others have
    /// taken over, written snapshots of their own and sealed the history anew: what sorts after its own name is not its
    /// to judge, nor history that came after it had moved the head.
    pub(super) async fn sweep(
        &self,
        head: &Head,
        previous: Option<&SnapshotRef>,
        stale: Vec<String>,
    ) -> Result<()> {
        let kept = |seq: &u64| *seq > head.tip.seq || head.fences.contains(seq);
        let segments = self.store.list(JOURNAL, "").await?;
        let segments = segments
            .iter()
            .filter_map(|name| segment_seq(name))
            .filter(|seq| !kept(seq))
            .map(segment_name);
        // Readers that are at work may still be at the previous snapshot.
        let snapshots = self.store.list(SNAPSHOTS, "").await?;
        let end = snapshot_name(self.epoch, head.tip.seq);
        let snapshots = snapshots.into_iter().filter(|name| {
            let used = |snapshot: &SnapshotRef| snapshot.name == *name;
            *name < end && !previous.is_some_and(used)
        });
        let snapshots = snapshots.map(|name| format!("{SNAPSHOTS}/{name}"));
        let names: Vec<String> = segments.chain(snapshots).chain(stale).collect();
        let removed: Vec<Result<()>> = stream::iter(names)
            .map(|name| async move { self.store.backend.delete(&self.store.key(&name)).await })
            .buffer_unordered(WIDTH)
            .collect()
            .await;
        removed.into_iter().collect()
    }
}
