//! The commands as library functions: one file each, for the command line and for programs that embed the engine.
//!
//! Every one of them tells what it does on the engine's event stream and returns when it is over.

mod deploy;
mod destroy;
pub mod drift;
pub mod export;
pub mod fleet;
pub mod graph;
mod history;
pub mod import;
mod lost;
mod names;
mod observe;
mod outputs;
mod owned;
mod planning;
mod policy;
mod preview;
pub mod rebuild;
mod recover;
mod rollback;
pub mod saved;
mod simulate;
pub mod stack;
pub mod state;
pub mod take;
mod up;
pub mod watch;

pub use destroy::destroy;
pub use history::history;
pub use names::resolve;
pub use outputs::outputs;
pub(crate) use policy::policy_of;
pub use policy::{PolicyOptions, policy};
pub use preview::{Preview, PreviewOptions, preview};
pub use rollback::{declared_then, preview_rollback, rollback};
pub use simulate::{plant, simulate};
pub use up::{Confirm, Confirmed, DEFAULT_PARALLEL, UpOptions, up};
