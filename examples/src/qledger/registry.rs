//! Where the ledger's image is.

use infra_aws::{ecr, kms};
use infra_core::prelude::*;

use super::Config;

/// Where the ledger's image is pushed to: scanned, and a tag once pushed stays what it is.
pub fn image_repository(
    stack: &mut Stack,
    config: &Config,
    key: &Handle<kms::Key>,
) -> Handle<ecr::Repository> {
    let repository = ecr::Repository::new()
        .scan_on_push(true)
        .tag_mutability(ecr::TagMutability::Immutable)
        .encryption(ecr::Encryption::kms(&key.arn))
        .force_delete(!config.protect);
    stack.add("repository", repository)
}
