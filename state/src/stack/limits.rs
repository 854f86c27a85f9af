//! When the journal is folded into a snapshot, and what is kept of it then.

/// When a session that closes folds the journal into a snapshot, and what it leaves of the journal.
///
/// The default suits every backend. Smaller ones make a state that changes its shape often: for tests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Reading that many segments on top of a snapshot is still quick, wherever they are stored (64 are
    /// four round trips to S3). On top of a large snapshot up to eight times as many are left.
    pub segments: u64,
    /// A journal of fewer bytes than this is not worth a snapshot.
    pub bytes: u64,
    /// How many fences are kept. A holder that more runs than these have taken over from since is stopped by its
    /// clock, or by looking at the lease.
    pub fences: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { segments: 64, bytes: 64 << 10, fences: 64 }
    }
}
