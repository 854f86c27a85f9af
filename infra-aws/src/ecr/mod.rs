//! ECR: container images.

mod repository;
mod settings;

pub use repository::{Repository, RepositoryDecl, RepositoryOutputs};
pub use settings::{Encryption, TagMutability};

crate::kinds! { Repository }

#[cfg(all(test, feature = "simulated"))]
mod tests;
