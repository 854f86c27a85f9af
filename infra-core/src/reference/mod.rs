//! What other stacks export, as typed outputs: a built-in kind like any other.
//!
//! A reference is read while planning, every time: unlike a lookup it is not pinned. What another stack exports is changed
//! on purpose by its owner, and what is pinned would point at what is gone. Reading it costs two or three objects of that
//! stack's state and no lock; a change shows in the plan with the reference as its reason.

mod driver;
mod handle;
mod kind;
mod neighbours;
mod terraform;

pub use driver::driver;
pub(crate) use driver::untyped;
pub use handle::Reference;
pub use kind::{StackReference, StackReferenceDecl};
pub(crate) use neighbours::Neighbours;
pub(crate) use neighbours::file;
pub use neighbours::{Neighbour, SamePlace, Stacks};
pub(crate) use terraform::untyped_terraform;
pub use terraform::{TerraformState, TerraformStateDecl, terraform_driver};
