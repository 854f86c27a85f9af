//! What a stack is told: the engine's settings, and the program's own typed configuration.
//!
//! Both stand in one TOML file. Every value remembers the line it came from, so that each mistake names it.

mod file;
mod located;
mod settings;
mod suggest;
mod typed;
mod wild;

pub use file::Source;
pub use located::{Config, Located, Node, Place};
pub(crate) use settings::scheme;
pub use settings::{ENGINE_KEYS, Known, Settings};
pub(crate) use suggest::did_you_mean;
pub use suggest::nearest;
pub use typed::typed;
