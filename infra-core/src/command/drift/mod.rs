//! `drift`: where the cloud is not what is recorded, and putting that right.
//!
//! A look reads the state without the lock, runs the program for what it wants, reads every recorded object in one bulk
//! pass and compares. What cannot be read is said and keeps nothing else from being looked at.

mod accept;
mod act;
mod compare;
mod confirm;
mod fix;
mod frozen;
mod look;
mod options;
mod read;
mod repair;
mod strangers;
mod violations;
mod wanted;

pub use accept::{AcceptOptions, Accepted, ConfirmAccept, accept};
pub use fix::{FixOptions, Fixed, fix};
pub use look::look;
pub use options::{DriftOptions, Orphans};
