//! RDS: subnet groups, parameter groups, database instances and their backups in other regions.
//! Documents are in the shape of the API's XML; values stay the text the caller sent.

mod automated_backup;
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
