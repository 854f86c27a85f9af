//! Secrets Manager.

mod secret;

pub use secret::{Secret, SecretDecl, SecretOutputs};

crate::kinds! { Secret }

#[cfg(all(test, feature = "simulated"))]
mod tests;
