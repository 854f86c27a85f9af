//! What would be done, as a value: a pure function of the graph, the snapshot and what was observed. No IO, no clock,
//! no async in here.
//!
//! [`to_observe`] says what to look at first; [`plan`] makes the plan; [`resolve`] and [`assess`] decide about one
//! resource and are asked again by the worker when everything is known.

mod assess;
pub mod check;
mod compare;
mod connection;
mod diff;
mod draft;
mod forward;
mod held;
mod hints;
mod identity;
pub(crate) mod ignore;
pub(crate) mod name;
mod observe;
mod planner;
mod reason;
mod refuse;
mod remembered;
mod removal;
mod replace;
mod resolve;
pub mod saved;
mod scope;
mod step;
mod wire;

pub use assess::{Assessment, Moved, Subject, assess};
pub use diff::{converge, diff, drift, left_behind};
pub use held::Held;
pub use observe::{ToImport, ToObserve, to_observe};
pub use planner::plan;
pub(crate) use resolve::complete_fields;
pub use resolve::{DEFAULT_TAGS, resolve};
pub use step::{
    Action, Cause, DataLoss, DiffKind, Hint, Observation, Plan, PlanOptions, PropertyDiff, Refresh,
    ReplaceOrder, Replacement, Seen, Step, StepId, Verdict, Why,
};

#[cfg(test)]
mod tests;
