//! Calls that change objects.

mod create;
mod delete;
mod metadata;
mod options;
mod patch;
mod prepare;
mod quota;
mod read;
mod update;

pub(crate) use create::create;
pub(crate) use delete::{DeleteOptions, delete, forget};
pub(crate) use metadata::suffix;
pub(crate) use options::{Options, Validation, Write};
pub(crate) use patch::{Patch, patch};
pub(crate) use read::parse;
pub(crate) use update::replace;
