//! The world on disk: [`infra_world`]'s log of changed documents.
//!
//! A call's changes, in however many services, are one frame: a database and the secret AWS makes
//! for it appear together or not at all.

mod replay;

pub(crate) use infra_world::{Journal, Mode};
