//! Certificates.
use crate::services::{Access, Service};

/// The status of a certificate of the caller's account and region.
pub(crate) fn status(access: &mut Access<'_>, arn: &str) -> Option<String> {
    let docs = access.docs(Service::Acm);
    let certificate = docs.get("certificates", arn)?;
    certificate["status"].as_str().map(str::to_owned)
}
