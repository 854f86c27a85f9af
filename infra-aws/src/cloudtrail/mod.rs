//! CloudTrail: who changed an object, and when.
//!
//! Its event history is kept for 90 days without any trail, tells of a change some minutes later, and answers two calls
//! a second. So few calls are spent: the newest changes of the region at once, and then what is left by its name.

mod actors;
mod event;
#[cfg(all(test, feature = "simulated", feature = "ec2", feature = "ssm", feature = "iam"))]
mod tests;

pub(crate) use actors::actors;
