//! Objects on the embedded Kubernetes, through the whole engine.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "objects/bulk.rs"]
mod bulk;
#[path = "objects/drift.rs"]
mod drift;
#[path = "objects/lab.rs"]
mod lab;
#[path = "objects/life.rs"]
mod life;
#[path = "objects/trouble.rs"]
mod trouble;
#[path = "objects/typed.rs"]
mod typed;
