//! From objects that were found to what a program would have said of them: pure functions over what was read.
//!
//! [`Candidate`]s come from a Terraform state, a live network or a list. Once read they get names ([`urns`]), the fields
//! that a program has to say ([`sparse`]), and by way of [`refer`](super::refer) references to each other.

mod candidate;
mod names;
mod sources;
mod sparse;

pub use candidate::{Candidate, Left, Reason};
pub use names::{urns, word};
pub use sources::{builtin, of_contained, piece_of};
pub use sparse::{prune, sparse};
