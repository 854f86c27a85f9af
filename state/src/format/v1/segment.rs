//! `journal/<seq>.ndjson`: what was committed at once.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::change::read_change;
use crate::{
    Change, Checksum, Lineage, Result,
    format::{
        document::damaged,
        frame::{FrameReader, FrameWriter},
        value::Reading,
    },
    seal::{Opened, WrappedKey},
};

const KIND: &str = "journal";

/// Which segment it is, and whose.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SegmentHeader {
    pub(crate) seq: u64,
    /// The holder that wrote it.
    pub(crate) epoch: u64,
    /// Which holding of the lock that was.
    pub(crate) nonce: Uuid,
    /// Whose log it is in.
    pub(crate) lineage: Lineage,
    /// The checksum of the segment before: a log is one chain.
    pub(crate) previous: Checksum,
    /// When, by the holder's clock.
    pub(crate) at: Timestamp,
    /// It says nothing but that a new holder has come.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) fence: bool,
    /// The data key that its secrets are sealed with, if it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<WrappedKey>,
}

/// A segment that was read and is whole.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) header: SegmentHeader,
    pub(crate) changes: Vec<Change>,
    /// Of its bytes.
    pub(crate) sha256: Checksum,
    /// How many they are.
    pub(crate) bytes: u64,
}

/// The bytes of a segment whose `lines` (so many) were written by [`super::write_change`].
pub(crate) fn write_segment(header: &SegmentHeader, lines: &[u8], count: u64) -> Result<Vec<u8>> {
    let mut frame = FrameWriter::new(Vec::with_capacity(lines.len() + 600), KIND, header)?;
    frame.push_encoded(lines, count)?;
    frame.finish()
}

/// The header of a segment that is whole: whose it is, and which key opens it.
pub(crate) fn read_segment_header(object: &str, bytes: &[u8]) -> Result<SegmentHeader> {
    let (frame, _version, header) = FrameReader::open(object, KIND, bytes)?;
    frame.verify()?;
    Ok(header)
}

/// A whole segment. `key` opens what the header's key seals.
pub(crate) fn read_segment(
    object: &str,
    bytes: &[u8],
    key: Option<&Opened>,
    scope: &str,
) -> Result<Segment> {
    let (mut frame, _version, header) = FrameReader::open::<SegmentHeader>(object, KIND, bytes)?;
    let with = Reading::stored(key, scope);
    let mut changes = Vec::new();
    let mut at = 1;
    while let Some(line) = frame.next()? {
        at += 1;
        let change = read_change(line, &with);
        changes.push(change.map_err(|e| damaged(object, format!("line {at}: {e}")).because(e))?);
    }
    Ok(Segment { header, changes, sha256: Checksum::of(bytes), bytes: bytes.len() as u64 })
}
