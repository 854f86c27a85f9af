//! EKS looks at the keys it is to encrypt secrets with.

use serde_json::Value;

use super::route::invalid;
use crate::services::{Access, Service, neighbour};
use crate::wire::{Failure, text};

/// The keys of an encryption configuration, if it has any, must exist.
pub(super) fn check(access: &Access<'_>, config: &Value) -> Result<(), Failure> {
    if !neighbour::is_here(access, Service::Kms) {
        return Ok(());
    }
    let ours = format!("arn:aws:kms:{}:{}:", access.region(), access.account());
    for each in config.as_array().into_iter().flatten() {
        let arn = text(&each["provider"], "keyArn").unwrap_or_default();
        // A key of another account cannot be looked at, so it is not looked at.
        let Some(name) = arn.strip_prefix(&ours) else { continue };
        let (table, id) = name.strip_prefix("key/").map_or(("aliases", name), |id| ("keys", id));
        let docs = access.world.docs(&access.id(Service::Kms));
        if !docs.is_some_and(|docs| docs.has(table, id)) {
            return Err(invalid(format!("The keyArn in encryptionConfig does not exist: {arn}")));
        }
    }
    Ok(())
}
