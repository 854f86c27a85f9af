//! IAM.

use serde_json::Value;

use super::super::Ask;
use super::role;
use super::scope::Scope;
use crate::services::Service;

pub(super) fn asks(scope: &mut Scope<'_, '_>) -> Vec<Ask> {
    let new = |scope: &Scope<'_, '_>, kind: &str, name: &str| {
        let path = scope.text("Path").unwrap_or("/");
        let account = scope.access.account();
        format!("arn:aws:iam::{account}:{kind}{path}{name}")
    };
    let name = scope.name;
    let role = scope.text("RoleName").map(str::to_owned);
    let profile = scope.text("InstanceProfileName").map(str::to_owned);
    let user = scope.text("UserName").map(str::to_owned);
    let made = |scope: &Scope<'_, '_>, arn: String, tag: &str| {
        let tag = scope.gives_tags().then(|| scope.action(tag, &*arn));
        std::iter::once(scope.own(arn)).chain(tag).collect()
    };
    match name {
        "CreateRole" => {
            let arn = new(scope, "role", role.as_deref().unwrap_or_default());
            let mut all: Vec<Ask> = made(scope, arn.clone(), "TagRole");
            if let Some(boundary) = scope.text("PermissionsBoundary") {
                let put = scope.action("PutRolePermissionsBoundary", arn);
                all.push(put.with("iam:PermissionsBoundary", [boundary]));
            }
            all
        }
        "CreateInstanceProfile" => {
            let arn = new(scope, "instance-profile", profile.as_deref().unwrap_or_default());
            made(scope, arn, "TagInstanceProfile")
        }
        "CreateUser" => {
            let arn = new(scope, "user", user.as_deref().unwrap_or_default());
            made(scope, arn, "TagUser")
        }
        "CreatePolicy" => {
            let arn = new(scope, "policy", scope.text("PolicyName").unwrap_or_default());
            made(scope, arn, "TagPolicy")
        }
        "CreateOpenIDConnectProvider" => {
            let url = scope.text("Url").unwrap_or_default().trim_start_matches("https://");
            let account = scope.access.account();
            let arn = format!("arn:aws:iam::{account}:oidc-provider/{url}");
            made(scope, arn, "TagOpenIDConnectProvider")
        }
        "AddRoleToInstanceProfile" => {
            let arn = stored(scope, "instance-profile", &profile.unwrap_or_default());
            let given = stored(scope, "role", &role.unwrap_or_default());
            vec![scope.own(arn), role::pass(&given, "ec2.amazonaws.com")]
        }
        _ => {
            let arn = if let Some(name) = profile {
                stored(scope, "instance-profile", &name)
            } else if let Some(name) = role {
                stored(scope, "role", &name)
            } else if let Some(name) = user {
                stored(scope, "user", &name)
            } else {
                let arn = scope.text("PolicyArn").or(scope.text("OpenIDConnectProviderArn"));
                arn.unwrap_or("*").to_owned()
            };
            let own = scope.own(arn);
            let policy = scope.text("PolicyArn");
            vec![match policy {
                Some(policy) => own.with("iam:PolicyARN", [policy]),
                None => own,
            }]
        }
    }
}

/// The ARN of what has this name: only IAM knows its path.
fn stored(scope: &mut Scope<'_, '_>, kind: &str, name: &str) -> String {
    let table = match kind {
        "role" => "roles",
        "user" => "users",
        _ => "instance_profiles",
    };
    let docs = scope.access.docs(Service::Iam);
    let found = docs.get(table, name).and_then(arn_in).map(str::to_owned);
    let account = scope.access.account();
    found.unwrap_or_else(|| format!("arn:aws:iam::{account}:{kind}/{name}"))
}

fn arn_in(document: &Value) -> Option<&str> {
    document["arn"].as_str().or(document["Arn"].as_str())
}

/// The ARN of the role in an instance profile.
pub(super) fn role_in(scope: &mut Scope<'_, '_>, profile: &str) -> Option<String> {
    let document = scope.access.docs(Service::Iam).get("instance_profiles", profile)?.clone();
    let roles = document["roles"].as_array().or(document["Roles"].as_array())?;
    let role = roles.first()?;
    let named = role.as_str().or(role["role_name"].as_str()).or(role["RoleName"].as_str());
    let name = named?.rsplit('/').next()?.to_owned();
    Some(stored(scope, "role", &name))
}
