//! What the user of the engine writes.

mod input;
mod options;
mod output;
mod placeholder;
mod resource;
mod stack;
mod template;

pub use input::{Fields, Input, IntoExport, IntoInput, IntoList, IntoMap, IntoText};
pub use options::{Declared, Dependable, IntoDependencies, IntoPath, MadeIn, ResourceExt};
pub use output::{KnownWhileTheProgramRuns, Output, PrintableWhileTheProgramRuns, ValueOf};
pub(crate) use placeholder::stands_in;
pub use placeholder::{Placeholder, resolved};
pub use resource::{Declaration, Handle, Outputs, ProviderHandle, Resource};
pub use stack::Stack;
pub use template::{has_format_argument, placeholders};
