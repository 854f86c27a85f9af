//! S3.
//!
//! A bucket and all its settings are one resource: each setting is a field, read and written by calls of its own.

mod bucket;
mod empty;
mod lifecycle;
mod read;
mod settings;
mod update;

pub use bucket::{Bucket, BucketDecl, BucketName, BucketOutputs};
pub use lifecycle::{LifecycleRule, LifecycleRuleDecl, StorageClass, Transition, TransitionDecl};
pub use settings::{Encryption, Ownership, PublicAccessBlock, PublicAccessBlockDecl};

crate::kinds! { Bucket }

#[cfg(all(test, feature = "simulated"))]
mod tests;
