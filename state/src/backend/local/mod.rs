//! A directory as a backend.
//!
//! ```text
//! DIR/.gitignore                     state is not source
//! DIR/.mutex                         locked for the length of a compare-and-set
//! DIR/.tmp/                          files on their way; a crash leaves them, the next run removes them
//! DIR/<program>/<stack>/…            the objects, under their keys
//! DIR/<program>/<stack>/.lease/      holder.json: who, since when, epoch; <epoch>.lock: locked as long as it lives
//! ```

mod directory;
mod files;
mod health;
mod lease;

pub use directory::Local;
