#![doc = include_str!("../README.md")]

mod api;
mod apply;
mod body;
mod calls;
mod client;
mod cluster;
mod control;
mod defaults;
mod failure;
mod faults;
mod json;
mod kinds;
mod patch;
mod schema;
mod serve;
mod settings;
mod store;
mod time;
mod validate;
mod write;

pub use body::Body;
pub use calls::Call;
pub use cluster::Kubernetes;
pub use faults::Faults;
pub use infra_world::Error as OpenError;
pub use settings::Settings;
