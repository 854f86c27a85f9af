//! Drift: where the cloud is not what is recorded, as a value that can be graded, shown, stored and merged.
//!
//! What is in here is pure data and [rules](Rule) over it; [`command::drift`](crate::command::drift) looks and makes it.

mod finding;
mod report;
mod rule;
mod rules;
mod severity;

pub use finding::{Actor, FieldDrift, Finding, Repair, What};
pub use report::{Report, Unchecked};
pub use rule::{Changed, Rule, Subject};
pub use rules::Rules;
pub use severity::Severity;
