//! A point in a stack's history.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Checksum;

/// The last change of a stack: what a saved plan pins. Two reads with equal positions saw the same state.
///
/// Taking and giving back the lock does not move it; every commit does. The default is that of a stack that was never
/// written to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Which holder of the lock made it: each has a higher number than all before.
    pub epoch: u64,
    /// The journal segment it is in.
    pub seq: u64,
    /// That segment's checksum, which covers the segment before it, and so all history.
    pub sha256: Checksum,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}-{:?}", self.epoch, self.seq, self.sha256)
    }
}
