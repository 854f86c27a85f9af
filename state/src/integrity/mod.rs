//! What is true of every snapshot: the named [`Invariant`]s.
//!
//! They are checked **before** a commit is written, in O(the change), by a `Stage` that looks at the snapshot through
//! the changes; and on all of a snapshot ([`verify`]) when it is loaded and before it is compacted.

mod cycle;
mod index;
mod invariant;
mod stage;
mod value;
mod whole;

#[cfg(test)]
mod tests;

pub(crate) use index::Index;
pub use invariant::{Invariant, Violation};
pub(crate) use stage::Stage;
pub use whole::verify;
