//! ECR: container images.

mod image;
mod repository;
mod settings;

pub use image::{Image, ImageDecl, ImageOutputs};
pub use repository::{Repository, RepositoryDecl, RepositoryOutputs};
pub use settings::{Encryption, TagMutability};

crate::kinds! { Repository; lookups: Image }

#[cfg(all(test, feature = "simulated"))]
mod tests;
