//! Elastic Load Balancing v2: network and application load balancers, their listeners, what they forward to.
//!
//! A load balancer takes connections where its [`Listener`]s say; a listener forwards to [`TargetGroup`]s; a target
//! group's members are [`TargetAttachment`]s, or the instances of an auto scaling group
//! (`autoscaling::TargetGroupAttachment`).

mod action;
mod attributes;
mod find;
mod health_check;
mod listener;
mod load_balancer;
mod tagging;
mod target_attachment;
mod target_group;
#[cfg(all(test, feature = "simulated", feature = "ec2"))]
mod tests;
mod types;

pub use action::{
    Action, FixedResponse, FixedResponseDecl, Redirect, RedirectDecl, RedirectStatus,
    WeightedTarget, WeightedTargetDecl,
};
pub use health_check::{HealthCheck, HealthCheckDecl};
pub use listener::{Listener, ListenerDecl, ListenerOutputs};
pub use load_balancer::{LoadBalancer, LoadBalancerDecl, LoadBalancerOutputs};
pub use target_attachment::{TargetAttachment, TargetAttachmentDecl, TargetAttachmentOutputs};
pub use target_group::{TargetGroup, TargetGroupDecl, TargetGroupOutputs};
pub use types::{
    IpAddressType, ListenerArn, LoadBalancerArn, LoadBalancerKind, Protocol, Scheme, TargetType,
};

crate::kinds! { LoadBalancer, TargetGroup, Listener, TargetAttachment }
