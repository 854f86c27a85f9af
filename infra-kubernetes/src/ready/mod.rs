//! Whether an object does what it is for, and if not, why.

mod conditions;
mod pods;
mod rollout;
mod status;

pub(crate) use status::{addresses, is_built_in, readiness};
