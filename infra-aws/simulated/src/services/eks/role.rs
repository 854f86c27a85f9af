//! EKS looks at the roles it is given.

use super::route::invalid;
use crate::services::{Access, Service, neighbour};
use crate::wire::Failure;

/// A role of this account must exist.
pub(super) fn check(access: &Access<'_>, arn: &str) -> Result<(), Failure> {
    let name = arn.rsplit('/').next().unwrap_or(arn);
    let ours = arn.contains(&format!("::{}:role/", access.account()));
    let id = access.id(Service::Iam);
    let known = access.world.docs(&id).is_some_and(|docs| docs.has("roles", name))
        || !neighbour::is_here(access, Service::Iam);
    // A role of another account cannot be looked at, so it is not looked at.
    if arn.starts_with("arn:aws:iam::") && arn.contains(":role/") && (known || !ours) {
        return Ok(());
    }
    Err(invalid(format!(
        "Role with arn: {arn}, could not be assumed because it does not exist or the trusted \
         entity is not correct"
    )))
}
