//! What fields objects have, and how lists of them are merged.
//!
//! The fields come from the generated types of `k8s-openapi`, the keys of the lists from a table
//! of our own ([`keys`]), as the generated ones do not tell.

mod build;
mod custom;
mod decode;
mod keys;
mod quantity;
mod types;
mod zero;

pub(crate) use build::{document, types};
pub(crate) use custom::custom_type;
pub(crate) use decode::decode;
pub(crate) use quantity::{canonical, milli};
pub(crate) use types::{Listed, Scalar, Type};
