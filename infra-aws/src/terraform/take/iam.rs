//! Roles and policies.

use infra_core::transfer::terraform::{Import, Instance, Piece};

use super::{
    attributes::{Taken, by, list, need, text, texts},
    imports::Line,
};

pub(super) fn imports() -> Vec<Line> {
    vec![
        ("aws_iam_role", Import::Objects(role)),
        ("aws_iam_policy", by!("aws:iam:Policy", "arn")),
        (
            "aws_iam_role_policy",
            Import::Objects(|it| Ok(vec![role_policy(need(it, "role")?, need(it, "name")?)])),
        ),
        (
            "aws_iam_role_policy_attachment",
            Import::Objects(|it| Ok(vec![attachment(need(it, "role")?, need(it, "policy_arn")?)])),
        ),
        ("aws_iam_policy_attachment", Import::Objects(attachments)),
        ("aws_iam_instance_profile", by!("aws:iam:InstanceProfile", "name")),
        ("aws_iam_user", by!("aws:iam:User", "name", "force_destroy" = "force_destroy")),
        ("aws_iam_user_policy_attachment", Import::Part("the aws_iam_user")),
        ("aws_iam_openid_connect_provider", by!("aws:iam:OidcProvider", "arn")),
    ]
}

fn role_policy(role: &str, name: &str) -> Piece {
    Piece::new("aws:iam:RolePolicy", format!("{role}|{name}"))
}

fn attachment(role: &str, policy: &str) -> Piece {
    Piece::new("aws:iam:PolicyAttachment", format!("{role}|{policy}"))
}

/// What a policy is called, without where it is.
fn short(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// A role, and the policies in and on it that Terraform lists with it.
fn role(it: &Instance) -> Taken {
    let name = need(it, "name")?;
    let mut all = vec![Piece::new("aws:iam:Role", name)];
    for inline in list(&it.attributes, "inline_policy") {
        let policy = text(inline, "name").filter(|_| text(inline, "policy").is_some());
        all.extend(policy.map(|policy| role_policy(name, policy).listed(policy)));
    }
    for arn in texts(&it.attributes, "managed_policy_arns") {
        all.push(attachment(name, arn).listed(short(arn)));
    }
    Ok(all)
}

/// One policy on several roles. It claims to be on nothing else, which nothing here does.
fn attachments(it: &Instance) -> Taken {
    let arn = need(it, "policy_arn")?;
    let others = texts(&it.attributes, "groups").chain(texts(&it.attributes, "users"));
    if others.count() > 0 {
        return Err("it attaches a policy to users or groups; here a user has its policies, and there is no kind for groups"
            .to_owned());
    }
    let roles = texts(&it.attributes, "roles");
    Ok(roles.map(|role| attachment(role, arn).suffix(role)).collect())
}
