//! What the controllers, the scheduler and the kubelets of a cluster do. Nothing runs in the
//! background: whoever asks first lets everything happen that was due until then.

mod attach;
mod autoscale;
mod budget;
mod collect;
mod cron;
mod cx;
mod daemon;
mod definition;
mod deployment;
mod endpoints;
mod event;
mod job;
mod kubelet;
mod namespace;
mod node;
mod pods;
mod quota;
mod replica;
mod revision;
mod rollout;
mod schedule;
mod settle;
mod stateful;
mod volume;

pub(crate) use cron::Schedule;
pub(crate) use node::begin;
pub(crate) use pods::log;
pub(crate) use quota::used;
pub(crate) use settle::settle;
