//! The winterbaume emulators behind one interface.

mod emulator;
mod list;

pub(crate) use emulator::{Emulator, call, exchanged};
