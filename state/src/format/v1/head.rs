//! `head.json`: the one commit point.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Checksum, Identity, Place, Position, Result,
    format::document::{self, damaged},
    seal::WrappedKey,
};

const KIND: &str = "head";

/// What a stack is, and where its state begins.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head {
    /// Checked before anything else is read.
    pub(crate) identity: Identity,
    /// The holder that wrote it.
    pub(crate) epoch: u64,
    /// Which holding of the lock that was: tells an own write from another's after a lost reply.
    pub(crate) nonce: Uuid,
    /// When, by the holder's clock.
    pub(crate) written: Timestamp,
    /// The state up to `tip`; absent where the state up to `tip` is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) snapshot: Option<SnapshotRef>,
    /// The last segment that the snapshot contains. The journal goes on after it.
    pub(crate) tip: Tip,
    /// The last segment up to there that says something.
    pub(crate) position: Position,
    /// Fences up to `tip` that are still kept, oldest first: where a holder that was taken over would write next.
    pub(crate) fences: Vec<u64>,
    /// A data key. Who cannot open it has not the key of this state and may not add to it.
    pub(crate) key: WrappedKey,
    /// It is one end of a move: nothing may be read or written here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) moving: Option<Moving>,
}

/// Which end of a move a head is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Moving {
    /// A copy of the state there, which is still the one that counts. With its snapshot it is whole.
    Arriving(Place),
    /// Sealed. The whole state is there as well, and perhaps not usable yet.
    Leaving(Place),
    /// A tombstone: the state is there, and nothing of it is left here.
    Left(Place),
}

/// The end of the log: the last segment, of whatever kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tip {
    pub(crate) seq: u64,
    pub(crate) sha256: Checksum,
}

/// A snapshot, and how to know that it is the one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SnapshotRef {
    /// Under `snapshots/`.
    pub(crate) name: String,
    /// Of the bytes stored.
    pub(crate) sha256: Checksum,
    /// How many they are.
    pub(crate) bytes: u64,
    /// How many records are in it.
    pub(crate) records: u64,
}

pub(crate) fn write_head(head: &Head) -> Result<Vec<u8>> {
    document::write(KIND, head)
}

pub(crate) fn read_head(object: &str, bytes: &[u8]) -> Result<Head> {
    let (_version, body) = document::read(object, KIND, bytes)?;
    serde_json::from_str(body).map_err(|e| damaged(object, &e).because(e))
}
