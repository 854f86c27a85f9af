//! The commands as library functions: one file each, for the command line and for programs that embed the engine.
//!
//! Every one of them tells what it does on the engine's event stream and returns when it is over.

mod destroy;
mod observe;
mod preview;
mod recover;
mod up;

pub use destroy::destroy;
pub use preview::{Preview, PreviewOptions, preview};
pub use up::{Confirm, Confirmed, DEFAULT_PARALLEL, UpOptions, up};
