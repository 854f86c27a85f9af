//! Execution: the scheduler decides, workers do, the poller waits for all of them.
//!
//! [`Scheduler`] is a pure state machine. Everything that changes state goes through the session's journal: an intent
//! before a call, its outcome after it; whatever waits for a step starts only when that outcome is durable.

mod change;
pub(crate) mod connections;
mod create;
mod execution;
pub(crate) mod obey;
mod object;
mod poll;
mod remove;
mod run;
pub mod scheduler;
mod scope;
pub(crate) mod take;
mod worker;

pub(crate) use connections::Connections;
pub(crate) use create::Unmade;
pub(crate) use execution::{Finished, execute};
pub(crate) use object::{Object, doubted};
pub(crate) use run::{Run, by_id};
pub use scheduler::Scheduler;
pub(crate) use scope::Scope;
