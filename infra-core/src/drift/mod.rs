//! Drift: where the cloud is not what is recorded, as a value that can be graded, shown, stored and merged.
//!
//! What is in here is pure data; [`command::drift`](crate::command) looks and makes it.

mod finding;
mod report;
mod severity;

pub use finding::{Actor, FieldDrift, Finding, Repair, What};
pub use report::{Report, Unchecked};
pub use severity::Severity;
