//! The journal: segments in one sequence, each chained to the one before.

use futures_util::{StreamExt, stream};

use super::store::{Store, Won, fenced};
use crate::{
    Checksum, Error, ErrorKind, Identity, Position, Result,
    format::v1::{self, Head, Segment, SegmentHeader, Tip},
};

pub(super) const JOURNAL: &str = "journal";
/// How many are fetched at once.
const WIDTH: usize = 16;

/// What follows the snapshot.
#[derive(Clone, Debug)]
pub(super) struct Tail {
    pub(super) tip: Tip,
    pub(super) position: Position,
    /// The highest epoch that wrote to it.
    pub(super) epoch: u64,
    pub(super) fences: Vec<u64>,
    /// How much has to be read on top of the snapshot.
    pub(super) segments: u64,
    pub(super) bytes: u64,
}

impl Tail {
    pub(super) fn after(head: &Head) -> Self {
        Self {
            tip: head.tip,
            position: head.position,
            epoch: head.position.epoch,
            fences: head.fences.clone(),
            segments: 0,
            bytes: 0,
        }
    }

    pub(super) fn add(&mut self, header: &SegmentHeader, sha256: Checksum, bytes: u64) {
        self.tip = Tip { seq: header.seq, sha256 };
        self.epoch = header.epoch;
        self.segments += 1;
        self.bytes += bytes;
        if header.fence {
            self.fences.push(header.seq);
        } else {
            self.position = Position { epoch: header.epoch, seq: header.seq, sha256 };
        }
    }
}

pub(super) fn segment_name(seq: u64) -> String {
    format!("{JOURNAL}/{seq:010}.ndjson")
}

pub(super) fn segment_seq(name: &str) -> Option<u64> {
    name.strip_suffix(".ndjson")?.parse().ok()
}

/// Hands `each` every segment after `tail`, in order, and moves `tail` over them.
///
/// **Invariant:** a number that is missing before one that is there is corruption, not the end of the log.
pub(super) async fn read(
    store: &Store,
    identity: &Identity,
    tail: &mut Tail,
    mut each: impl FnMut(&str, Segment) -> Result<()>,
) -> Result<()> {
    let after = segment_name(tail.tip.seq);
    let after = after.strip_prefix("journal/").unwrap_or_default();
    let names = store.list(JOURNAL, after).await?;
    // A writer that is at work may have been caught between two names; each number is asked for anyway.
    let Some(last) = names.iter().filter_map(|name| segment_seq(name)).max() else { return Ok(()) };
    let scope = v1::scope(identity);
    let objects = stream::iter(tail.tip.seq + 1..=last)
        .map(|seq| async move { (seq, store.get(&segment_name(seq)).await) })
        .buffered(WIDTH);
    let mut objects = std::pin::pin!(objects);
    while let Some((seq, object)) = objects.next().await {
        let name = segment_name(seq);
        let object_name = store.object(&name);
        let Some(object) = object? else {
            let message = format!(
                "{object_name} is missing, but {} is there: the journal has a gap. Nothing was changed. Put the \
                 segment back, from a backup or an earlier version of the object",
                segment_name(last)
            );
            return Err(Error::new(ErrorKind::Corrupt, message));
        };
        let header = v1::read_segment_header(&object_name, &object.body)?;
        check(&object_name, &header, seq, identity, tail)?;
        let key = match &header.key {
            Some(key) => Some(store.vault.opened(key).await?),
            None => None,
        };
        let segment = v1::read_segment(&object_name, &object.body, key.as_ref(), &scope)?;
        tail.add(&segment.header, segment.sha256, segment.bytes);
        each(&object_name, segment)?;
    }
    Ok(())
}

fn check(
    object: &str,
    header: &SegmentHeader,
    seq: u64,
    identity: &Identity,
    tail: &Tail,
) -> Result<()> {
    let what = if header.seq != seq {
        format!("it is segment {}", header.seq)
    } else if header.lineage != identity.lineage {
        format!("it is of the lineage {}", header.lineage)
    } else if header.previous != tail.tip.sha256 {
        format!("it does not follow segment {}", tail.tip.seq)
    } else if header.epoch < tail.epoch {
        format!("it is of epoch {}, after one of {}", header.epoch, tail.epoch)
    } else {
        return Ok(());
    };
    let message = format!(
        "{object} is not the segment that belongs there: {what}. Nothing was changed. Put back the right one, from a \
         backup or an earlier version of the object"
    );
    Err(Error::new(ErrorKind::Corrupt, message))
}

/// Appends a segment whose bytes are ready.
///
/// **Invariant:** a number is written once. Who finds another's segment there has been taken over from.
pub(super) async fn append(store: &Store, seq: u64, body: &[u8]) -> Result<()> {
    let name = segment_name(seq);
    match store.create(&name, body).await? {
        Won::Mine(_) => Ok(()),
        Won::Theirs(there) => {
            let by = there
                .and_then(|there| v1::read_segment_header(&store.object(&name), &there.body).ok());
            let what = by.map_or_else(
                || format!("somebody else wrote {name}"),
                |by| format!("a run that began at {} (epoch {}) has taken over", by.at, by.epoch),
            );
            Err(fenced(&what))
        }
    }
}

/// Closes the log to every earlier holder: puts a segment of its own at the next number. `false`: somebody wrote
/// there first, and that has to be read before the next attempt.
pub(super) async fn seal(
    store: &Store,
    identity: &Identity,
    tail: &mut Tail,
    epoch: u64,
    nonce: uuid::Uuid,
) -> Result<bool> {
    let header = SegmentHeader {
        seq: tail.tip.seq + 1,
        epoch,
        nonce,
        lineage: identity.lineage,
        previous: tail.tip.sha256,
        at: store.env.now(),
        fence: true,
        key: None,
    };
    let body = v1::write_segment(&header, &[], 0)?;
    match store.create(&segment_name(header.seq), &body).await? {
        Won::Mine(_) => tail.add(&header, Checksum::of(&body), body.len() as u64),
        Won::Theirs(_) => return Ok(false),
    }
    Ok(true)
}
