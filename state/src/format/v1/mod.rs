//! Version 1 of every document.
//!
//! These shapes are frozen: what is changed here is a new version. The types of the data model that appear in them
//! (`Status`, `Verb`, `Options`, …) are frozen in how they serialise; the golden files notice.

mod change;
mod export;
mod head;
mod history;
#[cfg(feature = "s3")]
mod place;
mod record;
mod segment;
mod snapshot;

pub(crate) use change::write_change;
pub(crate) use export::{read_export, write_export};
pub(crate) use head::{Head, Moving, SnapshotRef, Tip, read_head, write_head};
pub(crate) use history::{
    Filed, Since, read_history, read_history_line, reseal_history, write_history,
};
#[cfg(feature = "s3")]
pub(crate) use place::{PlaceCheck, read_place, write_place};
pub(crate) use segment::{
    Segment, SegmentHeader, read_segment, read_segment_header, write_segment,
};
pub(crate) use snapshot::{read_snapshot, read_snapshot_header, verify_snapshot, write_snapshot};

use crate::Identity;

/// What a stack's secrets are bound to.
pub(crate) fn scope(identity: &Identity) -> String {
    format!("{}\0{}", identity.stack, identity.lineage)
}
