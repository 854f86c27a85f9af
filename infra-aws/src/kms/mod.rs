//! KMS: keys and their names.

mod alias;
mod key;
mod spec;
mod tag;

pub use alias::{Alias, AliasDecl, AliasOutputs};
pub use key::{Key, KeyDecl, KeyOutputs};
pub use spec::{KeySpec, KeyUsage};

crate::kinds! { Key, Alias }

#[cfg(all(test, feature = "simulated"))]
mod tests;
