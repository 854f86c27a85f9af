#![doc = include_str!("../README.md")]

mod classify;
mod cloud;
mod cluster;
mod connector;
#[cfg(feature = "eks")]
pub mod eks;
mod kind;
pub mod kubeconfig;
mod object;
mod ready;
mod short;
#[cfg(feature = "simulated")]
mod simulated;
pub mod yaml;

pub use cloud::{Kubernetes, MANAGER};
pub use cluster::{Cluster, ClusterDecl};
pub use connector::{KubernetesConnector, kubernetes};
#[cfg(feature = "simulated")]
pub use infra_kubernetes_simulated as embedded;
pub use k8s_openapi as api;
pub use object::{Object, ObjectDecl, ObjectOutputs, Propagation, Wait, output};
pub use short::*;
#[cfg(feature = "simulated")]
pub use simulated::{Simulated, simulated, simulated_in};
