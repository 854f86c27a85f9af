//! Everything the embedded cloud remembers, cut into cells: one service in one account and
//! region.

mod cell;
mod docs;
mod timeline;

pub(crate) use cell::{CellId, World};
pub(crate) use docs::{Change, Docs};
pub(crate) use timeline::plan;
