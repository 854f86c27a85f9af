//! The tags of objects that there are.

use serde_json::Value;

use super::scope::{Scope, Tags, given};
use crate::services::Service;

/// The tags of an EC2 object; `None` if there is no such object.
pub(super) fn ec2(scope: &mut Scope<'_, '_>, table: &str, id: &str) -> Option<Tags> {
    let document = scope.access.docs(Service::Ec2).get(table, id)?;
    let pair =
        |tag: &Value| Some((tag["key"].as_str()?.to_owned(), tag["value"].as_str()?.to_owned()));
    Some(document["tagSet"].as_array().into_iter().flatten().filter_map(pair).collect())
}

/// The tags of a certificate.
pub(super) fn certificate(scope: &mut Scope<'_, '_>, arn: &str) -> Option<Tags> {
    let document = scope.access.docs(Service::Acm).get("certificate", arn)?;
    Some(given(&serde_json::json!({"Tags": document["_tags"]})))
}

/// The tags of a key.
pub(super) fn key(scope: &mut Scope<'_, '_>, id: &str) -> Option<Tags> {
    let document = scope.access.docs(Service::Kms).get("keys", id)?;
    Some(given(document))
}
