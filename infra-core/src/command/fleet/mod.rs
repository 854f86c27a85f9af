//! `drift --all-stacks`: every stack of a place, each once, spread over as many processes as there are.
//!
//! ```text
//! stacks of the place ──Shard──▶ mine ──Each──▶ Report ──▶ Audience
//!                                                   └──▶ Parts (drift.runs/RUN/part-0-of-4…)
//! whoever finds all parts: one claims (put_if_absent), reads them chunk by chunk, tells everybody
//! ```
//!
//! Which process looks at a stack follows from its name alone, so nobody hands out work. What they found meets in the place
//! of the states, in a folder whose name no program can have.
//!
//! **Invariant:** a report is dropped when it was given: memory does not grow with the fleet, nor does merging.
//!
//! **Invariant:** of all processes of a run exactly one tells what all of them found; if it dies while it does, its next
//! attempt tells it again.

mod parts;
mod role;
mod run;
mod shard;
mod share;
#[cfg(test)]
mod tests;

pub use parts::{FOLDER, Part, Parts, Run, sweep};
pub use role::{InRole, Role};
pub use run::{Each, fleet};
pub use shard::Shard;
pub use share::{Shared, share};
