//! Roles, policies, users.

use infra_core::{
    state::Value,
    transfer::terraform::{Block, Body, Hcl, Object},
};

use super::{
    exports::Line,
    fields::{Draft, Given, line, text},
};

pub(super) fn exports() -> Vec<Line> {
    vec![
        line!(
            "aws:iam:Role",
            "aws_iam_role",
            ["arn" = "arn", "name" = "name", "unique_id" = "unique_id"],
            |it| {
                Draft::of(it)
                    .same(&["name", "path", "description", "assume_role_policy"])
                    .same(&["max_session_duration", "permissions_boundary"])
                    .tags()
                    .whole("aws_iam_role")
            }
        ),
        line!("aws:iam:Policy", "aws_iam_policy", ["arn" = "arn", "name" = "name"], |it| {
            Draft::of(it)
                .same(&["name", "path", "description", "policy"])
                .tags()
                .whole("aws_iam_policy")
        }),
        line!("aws:iam:RolePolicy", "aws_iam_role_policy", [], |it| {
            let draft = Draft::of(it).same(&["role", "name", "policy"]);
            Ok(vec![draft.imported("aws_iam_role_policy", it.id().replacen('|', ":", 1))])
        }),
        line!("aws:iam:PolicyAttachment", "aws_iam_role_policy_attachment", [], |it| {
            let draft = Draft::of(it).same(&["role"]).named("policy_arn", "policy");
            let id = it.id().replacen('|', "/", 1);
            Ok(vec![draft.imported("aws_iam_role_policy_attachment", id)])
        }),
        line!(
            "aws:iam:InstanceProfile",
            "aws_iam_instance_profile",
            ["arn" = "arn", "name" = "name"],
            |it| {
                let draft = Draft::of(it).same(&["name", "path", "role"]);
                draft.tags().whole("aws_iam_instance_profile")
            }
        ),
        line!(
            "aws:iam:User",
            "aws_iam_user",
            ["arn" = "arn", "name" = "name", "unique_id" = "unique_id"],
            user
        ),
        line!(
            "aws:iam:OidcProvider",
            "aws_iam_openid_connect_provider",
            ["arn" = "arn", "issuer" = "url"],
            oidc
        ),
    ]
}

/// A user, and the policies on it.
fn user(it: &Object<'_>) -> Given {
    let draft = Draft::of(it).same(&["name", "path", "permissions_boundary"]);
    let mut all = vec![draft.tags().block_of("aws_iam_user")];
    let policies = it.field("policies").unwrap_or_else(|| Hcl::List(Vec::new())).elements();
    let plain = it.input("policies").and_then(Value::as_list).unwrap_or_default();
    for (policy, arn) in policies.into_iter().zip(plain.iter().filter_map(Value::as_str)) {
        let body = Body::new().set("user", Some(it.own("name"))).set("policy_arn", Some(policy));
        let id = format!("{}/{arn}", it.id());
        all.push(Block::new("aws_iam_user_policy_attachment", id, body));
    }
    Ok(all)
}

fn oidc(it: &Object<'_>) -> Given {
    let url = text(it, "url").ok_or("its address is not known")?;
    let url = it
        .field("url")
        .filter(|_| url.starts_with("https://"))
        .unwrap_or_else(|| Hcl::from(format!("https://{}", url.trim_start_matches("https://"))));
    Draft::of(it)
        .set("url", Some(url))
        .named("client_id_list", "client_ids")
        .named("thumbprint_list", "thumbprints")
        .tags()
        .whole("aws_iam_openid_connect_provider")
}
