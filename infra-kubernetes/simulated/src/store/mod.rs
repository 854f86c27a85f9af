//! Everything the cluster remembers: objects in tables, what changed when, and who is to be told.

mod change;
mod history;
mod record;
mod replay;
mod rest;
mod tables;

pub(crate) use history::{Event, Happened, Seen};
pub(crate) use record::{Key, Notes};
pub(crate) use tables::Store;
