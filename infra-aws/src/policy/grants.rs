//! The permissions that a change itself needs.

use infra_core::{
    Resource,
    provider::{Change, Grant, Intent},
};

/// What is done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Everything of the kind that is the stack's is looked for.
    Search,
    /// It is looked at.
    Read,
    /// It is made.
    Create,
    /// It is changed in place.
    Update,
    /// It is removed.
    Delete,
}

impl Verb {
    /// What `change` does.
    pub(crate) fn of<R: Resource>(change: &Change<'_, R>) -> Self {
        match change.intent() {
            Intent::Search => Self::Search,
            Intent::Read => Self::Read,
            Intent::Create => Self::Create,
            Intent::Update => Self::Update,
            Intent::Delete => Self::Delete,
        }
    }
}

/// These actions on one resource.
pub(crate) fn grants(
    resource: impl Into<String>,
    actions: impl IntoIterator<Item = &'static str>,
) -> Vec<Grant> {
    let resource = resource.into();
    actions.into_iter().map(|action| Grant::new(action, resource.clone())).collect()
}

/// What the change is about: what is wanted, else what was recorded, else what there is.
pub(crate) fn subject<'a, R: Resource>(change: &Change<'a, R>) -> Option<&'a R> {
    change.want.or(change.recorded).or_else(|| change.have.map(|have| &have.live))
}

/// The action where the request itself says that what it makes is the stack's.
pub(crate) fn made(action: &str, resource: impl Into<String>) -> Grant {
    Grant::new(action, resource).when("aws:RequestTag/infra:stack", Grant::STACK)
}

/// Giving a role to a service. Whoever may do that with any role can become any role, so both are named.
pub(crate) fn pass(role: impl Into<String>, service: &str) -> Grant {
    let role = match role.into() {
        any if any == "*" => "arn:*:iam::*:role/*".to_owned(),
        role => role,
    };
    Grant::new("iam:PassRole", role).when("iam:PassedToService", service)
}

/// Making the role that a service works with in the account, if nobody has used the service there before.
pub(crate) fn linked(service: &str, role: &str) -> Grant {
    Grant::new(
        "iam:CreateServiceLinkedRole",
        format!("arn:*:iam::*:role/aws-service-role/{service}/{role}"),
    )
    .when("iam:AWSServiceName", service)
}

/// A key by its id, ARN or alias, as ARN. An alias cannot be a resource of what is done with its key.
pub(crate) fn key(key: &str) -> String {
    match key {
        arn if arn.starts_with("arn:") && !arn.contains(":alias/") => arn.to_owned(),
        alias if alias.contains("alias/") => "arn:*:kms:*:*:key/*".to_owned(),
        id => format!("arn:*:kms:*:*:key/{id}"),
    }
}

/// What a service that encrypts with a key does for the caller: it looks at the key and makes a grant for itself.
pub(crate) fn encrypts(of: &str) -> [Grant; 2] {
    let create = Grant::new("kms:CreateGrant", key(of)).when("kms:GrantIsForAWSResource", "true");
    [create, Grant::new("kms:DescribeKey", key(of))]
}

/// What a service that is put into a network looks at there, with the permissions of whoever puts it there.
pub(crate) fn looks_around(actions: &[&'static str]) -> Vec<Grant> {
    grants("*", actions.iter().copied())
}
