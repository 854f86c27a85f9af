//! The embedded Kubernetes, looked at from outside.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "embedded/api.rs"]
mod api;
#[path = "embedded/applies.rs"]
mod applies;
#[path = "embedded/controllers.rs"]
mod controllers;
#[path = "embedded/custom.rs"]
mod custom;
#[path = "embedded/deletes.rs"]
mod deletes;
#[path = "embedded/faults.rs"]
mod faults;
#[path = "embedded/http.rs"]
mod http;
#[path = "embedded/kube_client.rs"]
mod kube_client;
#[path = "embedded/limits.rs"]
mod limits;
#[path = "embedded/reads.rs"]
mod reads;
#[path = "embedded/shared.rs"]
mod shared;
#[path = "embedded/stable.rs"]
mod stable;
#[path = "embedded/validation.rs"]
mod validation;
#[path = "embedded/writes.rs"]
mod writes;
#[path = "embedded/zones.rs"]
mod zones;
