//! Reports of drift for other programs: JSON, JUnit, SARIF and Prometheus.
//!
//! All of them are written a report at a time ([`Rendering`]), so that a fleet of thousands of stacks needs no more
//! memory than one. [`render`] is the same for those that are at hand.
//!
//! **Invariant:** the same reports give the same bytes, and nothing is in them that a [`Report`](crate::drift::Report)
//! does not have.

mod format;
mod json;
mod junit;
pub(crate) mod prometheus;
mod rendering;
mod sarif;
#[cfg(test)]
mod tests;
mod totals;

pub use format::Format;
pub use rendering::{Rendering, render};
pub use totals::Totals;
