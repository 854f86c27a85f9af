//! What people and machines see. Every report consumes the one stream of [events](crate::event) and computes nothing
//! that the engine does not know.
//!
//! The texts always carry their colours; whoever writes them out takes the colours off where they are not wanted.

mod diff;
mod drift;
mod duration;
mod findings;
pub mod formats;
pub mod graph;
mod history;
mod implied;
mod json;
mod paint;
mod plan;
mod progress;
mod reason;
mod rebuilt;
mod summary;
mod target;
mod tree;
mod value;
mod violations;

pub use drift::drift;
pub use duration::duration;
pub(crate) use findings::findings;
pub use history::{CUT_OFF, history};
pub use implied::implied;
pub use json::{VERSION as JSON_VERSION, event as json, shown};
pub use plan::plan;
pub use progress::{Human, Sink};
pub use rebuilt::rebuilt;
pub use summary::summary;
pub use target::target;
pub use value::{inline, whole};

#[cfg(test)]
mod tests;
