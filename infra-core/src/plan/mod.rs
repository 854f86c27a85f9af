//! What would be done, as a value: a pure function of the graph, the snapshot and what was observed. No IO, no clock,
//! no async in here.

mod step;

pub use step::{
    Action, Cause, DataLoss, DiffKind, Hint, Observation, Plan, PlanOptions, PropertyDiff, Refresh,
    ReplaceOrder, Replacement, Seen, Step, StepId, Why,
};
