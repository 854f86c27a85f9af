//! S3 for objects, `DynamoDB` for leases (feature `s3`).
//!
//! ```text
//! s3://BUCKET/PREFIX/<program>/<stack>/…      the objects, under their keys
//!                   .place.json              that this place was checked before anything was written there
//!                   .probe/                  objects that a check wrote; it removes them
//! table LOCK, hash key LockID (S)            one item a stack, `BUCKET/PREFIX/<program>/<stack>`: the lease
//! ```
//!
//! The table may be one that Terraform locks with: its items are neither touched nor taken for leases.

mod address;
mod answer;
mod bucket;
mod first_use;
mod item;
mod lease;
mod lifecycle;
mod objects;
mod policy;
mod store;
mod table;

#[cfg(test)]
mod tests;

pub use address::S3Address;
pub use store::S3;
