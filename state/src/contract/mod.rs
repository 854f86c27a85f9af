//! What every [`Backend`](crate::Backend) has to do, as tests: feature `contract`.
//!
//! A backend outside this crate (and every wrapper) runs [`suite`] in its own tests, with a function that opens a new
//! empty place twice: two instances, as in two processes. What does not hold panics.

mod leases;
mod objects;
mod suite;

pub use suite::{Pair, suite};
