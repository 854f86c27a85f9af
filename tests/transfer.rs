//! In and out: what Terraform or hands made is taken over, and given back.

#![expect(clippy::unwrap_used, reason = "tests")]

mod harness;
#[path = "transfer/outside.rs"]
mod outside;
#[path = "transfer/references.rs"]
mod references;
#[path = "transfer/taking.rs"]
mod taking;
