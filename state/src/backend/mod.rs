//! Where bytes are kept: the narrow port [`Backend`], and what implements it.
//!
//! A backend knows nothing of what it stores. It gives two things: objects that are written **conditionally**, and
//! one lease a stack. Everything that makes state safe (fencing, the commit point, recovery) is built on these two,
//! once, above the port; so it is the same on a directory, in memory, and on S3 with `DynamoDB`.
//!
//! [`Memory`], [`Local`] and (feature `s3`) `S3` keep; [`Retry`] and [`Fault`] wrap.

mod fault;
mod key;
mod local;
mod memory;
mod port;
mod retry;
#[cfg(feature = "s3")]
mod s3;

#[cfg(test)]
mod tests;

pub use fault::{Call, Effect, Fault, Operation};
pub use local::Local;
pub use memory::{Leases, Memory};
pub use port::{
    Backend, Claim, Grant, Guard, Holder, HolderInfo, Liveness, Object, Put, Tag, Taken,
};
pub use retry::Retry;
#[cfg(feature = "s3")]
pub use s3::{S3, S3Address};
