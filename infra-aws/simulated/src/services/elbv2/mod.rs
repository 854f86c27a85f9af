//! Elastic Load Balancing v2: load balancers, target groups, listeners, targets.

mod attribute;
mod listener;
mod load_balancer;
mod route;
mod tag;
mod target;
mod target_group;

pub(crate) use route::answer;
