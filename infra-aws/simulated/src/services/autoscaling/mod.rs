//! Auto Scaling groups: those that EKS makes for node groups, and those that are made here, with real instances.

mod activity;
mod create;
mod describe;
mod dispatch;
mod group;
mod launch_configuration;
mod node_group;
mod process;
mod tag;
mod target;

pub(crate) use dispatch::answer;
pub(crate) use node_group::{put_node_group, resize};
