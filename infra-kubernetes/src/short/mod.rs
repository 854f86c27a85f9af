//! Short forms of what everyone writes. Each is a declaration of an [`Object`](crate::Object) with a name for every setting
//! that matters, which takes outputs everywhere; `set` reaches all the others.

mod autoscaler;
mod batch;
mod builder;
mod configuration;
mod container;
mod deployment;
mod network;
mod pod;
mod probe;
mod service;

pub use autoscaler::HorizontalPodAutoscaler;
pub use batch::{CronJob, Job};
pub use configuration::{ConfigMap, Namespace, Secret, ServiceAccount};
pub use container::Container;
pub use deployment::{Deployment, PodDisruptionBudget};
pub use network::{NetworkPolicy, Peer};
pub use pod::{Pod, Spread, Volume};
pub use probe::Probe;
pub use service::{Port, Service};
