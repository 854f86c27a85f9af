//! What is seen without a lock.

use crate::{HolderInfo, Position, Snapshot};

/// A stack as it was at one moment.
#[derive(Clone, Debug)]
pub struct View {
    /// What is remembered.
    pub snapshot: Snapshot,
    /// Which state that is: what a saved plan pins.
    pub position: Position,
    /// Who is changing it right now.
    pub holder: Option<HolderInfo>,
    /// The last deployment was cut off: nobody holds the lock, but it did not end or left operations open. The next
    /// one finishes it.
    pub interrupted: bool,
}
