//! What the user of the engine writes.

mod input;
mod options;
mod output;
mod resource;
mod stack;

pub use input::{Fields, Input, IntoExport, IntoInput, IntoList, IntoMap, IntoText};
pub use options::{Declared, Dependable, IntoPath, ResourceExt};
pub use output::{KnownWhileTheProgramRuns, Output, placeholders};
pub use resource::{Declaration, Handle, Outputs, ProviderHandle, Resource};
pub use stack::Stack;
