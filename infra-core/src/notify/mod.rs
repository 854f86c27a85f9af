//! Telling somebody what a look found: a command, a webhook, whatever a program plugs in.
//!
//! What is told is a [`Notification`]; who tells it is a [`Notifier`], opened from an [`Address`] by what stands before
//! its first `:`. [`App::notifier`](crate::App::notifier) plugs in more.
//!
//! **Invariant:** a notification that fails is reported and never hides what it was about.
//!
//! **Invariant:** the path and the query of a webhook's URL are secrets: no text and no error has them.

mod address;
mod command;
mod digest;
mod notification;
mod port;
#[cfg(feature = "webhook")]
mod webhook;

pub use address::Address;
pub use digest::{Digest, Told};
pub use notification::Notification;
pub use port::{Notifier, Open};

pub(crate) use command::command;
#[cfg(feature = "webhook")]
pub(crate) use webhook::webhook;
