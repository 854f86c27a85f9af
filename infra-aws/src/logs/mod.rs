//! CloudWatch Logs.

mod log_group;

pub use log_group::{LogGroup, LogGroupClass, LogGroupDecl, LogGroupOutputs};

crate::kinds! { LogGroup }

#[cfg(all(test, feature = "simulated"))]
mod tests;
