//! In and out: what Terraform or hands made is taken over, and given back.

#![expect(clippy::unwrap_used, reason = "tests")]

mod harness;
#[path = "transfer/leaving.rs"]
mod leaving;
#[path = "transfer/outside.rs"]
mod outside;
#[path = "transfer/places.rs"]
mod places;
#[path = "transfer/references.rs"]
mod references;
#[path = "transfer/taking.rs"]
mod taking;
#[path = "transfer/unwritable.rs"]
mod unwritable;
