//! Our objects as Terraform's resources.
//!
//! What is written is for version 5 of the provider: with the import blocks beside it, a plan imports everything and
//! changes nothing in AWS. What the provider assumes of an object that it imports, because no call tells, is written as
//! it assumes it. What has no import is refused, and stays as it is.

mod autoscaling;
mod eks;
mod elbv2;
mod exports;
mod fields;
mod iam;
mod machines;
mod network;
mod rds;
mod storage;
#[cfg(all(test, feature = "full"))]
mod tests;
mod watching;

pub(super) use exports::exports;
