//! SNS: topics, and telling one of them what a look found.

mod message;
mod notifier;
mod subscription;
mod topic;

#[cfg(feature = "simulated")]
pub use notifier::notifier_in;
pub use notifier::{Opened, notifier};
pub use subscription::{Protocol, Subscription, SubscriptionDecl};
pub use topic::{Topic, TopicDecl, TopicOutputs};

crate::kinds! { Topic }

#[cfg(all(test, feature = "simulated"))]
mod tests;
