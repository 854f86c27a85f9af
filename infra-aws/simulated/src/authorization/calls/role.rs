//! Roles that calls give to services, and roles that services make for themselves.

use serde_json::json;

use super::super::Ask;
use super::scope::Scope;
use crate::services::{Access, Service};

/// `iam:PassRole` of a role that the call gives to a service.
pub(super) fn pass(role: &str, service: &str) -> Ask {
    Ask::new("iam:PassRole", role).with("iam:PassedToService", [service])
}

/// The role that a service works with in an account: whoever uses the service there first makes it.
pub(super) fn service_linked(scope: &mut Scope<'_, '_>, service: &str, name: &str) -> Option<Ask> {
    if scope.access.docs(Service::Iam).has(TABLE, service) {
        return None;
    }
    let account = scope.access.account();
    let arn = format!("arn:aws:iam::{account}:role/aws-service-role/{service}/{name}");
    Some(Ask::new("iam:CreateServiceLinkedRole", arn).with("iam:AWSServiceName", [service]))
}

/// Where those that there are already are noted, by their service.
const TABLE: &str = "+service-linked";

pub(super) fn linked(access: &mut Access<'_>, asks: &[Ask]) {
    let made = asks.iter().filter(|ask| ask.action == "iam:CreateServiceLinkedRole");
    for ask in made {
        let service = ask.resource.rsplit('/').nth(1).unwrap_or_default().to_owned();
        access.docs(Service::Iam).put(TABLE, &service, json!({"Arn": ask.resource}));
    }
}
