//! References, recovered: a literal that is an output of another object becomes a reference to it, a secret one a
//! reference to a secret.
//!
//! **Invariant:** what is recovered has the type of the field, hangs on nothing that an update changes, and makes no
//! circle; evaluated, it is the literal that it stands for.

mod edges;
mod index;
mod inside;
mod sealed;
mod secrets;
mod source;
mod texts;

pub use index::{Index, Known};
pub use sealed::Sealed;
pub use secrets::Secrets;
