//! S3: buckets with their configurations, objects with versions and conditional writes.
//!
//! Bucket names are global, so the documents are in one cell an account whatever the region; each
//! bucket knows its region.

mod bucket;
mod configuration;
mod listing;
mod object;
mod route;

pub(crate) use route::{answer, operation, target};
