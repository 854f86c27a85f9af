//! RDS: subnet groups, parameter groups, database instances. Documents are in the shape of the
//! API's XML; values stay the text the caller sent.

mod engine;
mod instance;
mod modification;
mod parameter_group;
mod route;
mod secret;
mod snapshot;
mod subnet_group;
mod tag;

pub(crate) use route::answer;
