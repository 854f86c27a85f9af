//! The world on disk: one sealed, append-only log of changed documents.
//!
//! A call's changes, in however many services, are one frame, so a crash never leaves half of
//! them: a database and the secret AWS makes for it appear together or not at all. The frame is
//! on disk (fsync) before the call is answered. Several processes share the log under an OS file
//! lock; each reads what the others appended before it answers.

mod frame;
mod log;

pub(crate) use log::{Journal, Mode};
