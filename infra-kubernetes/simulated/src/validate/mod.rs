//! What the API refuses: the mistakes a deployer makes, in the words of the real one.

mod apps;
mod batch;
mod choice;
mod custom;
mod immutable;
mod metadata;
mod name;
mod pod;
mod rest;
mod scaling;
mod selector;
mod service;
mod store;
mod volume;

pub(crate) use choice::{create, update};
pub(crate) use metadata::metadata;
pub(crate) use selector::matches;
pub(crate) use store::against_store;
