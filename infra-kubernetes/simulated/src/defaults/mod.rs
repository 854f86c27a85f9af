//! What the API fills in where an object says nothing.

mod apps;
mod batch;
mod custom;
mod pod;
mod rest;
mod service;
mod set;

pub(crate) use set::defaulted;
