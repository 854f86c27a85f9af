//! Server-side apply: who manages which field, as `structured-merge-diff` does it.

mod compare;
mod conflict;
mod element;
mod extract;
mod fields;
mod managed;
mod merge;
mod remove;
mod set;
mod update;

pub(crate) use extract::check;
pub(crate) use managed::Managers;
pub(crate) use update::{Applied, apply, record_update};
