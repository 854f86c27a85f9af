//! SNS.

mod subscription;
mod topic;

pub use subscription::{Protocol, Subscription, SubscriptionDecl};
pub use topic::{Topic, TopicDecl, TopicOutputs};

crate::kinds! { Topic }

#[cfg(all(test, feature = "simulated"))]
mod tests;
