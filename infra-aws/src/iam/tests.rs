//! The verbs of `iam` over the embedded AWS.

use std::sync::Arc;

use infra_core::provider::{Cx, Find, Managed as _};
use serde_json::json;

use super::{InstanceProfile, OidcProvider, Policy, PolicyAttachment, Role, RolePolicy, User};
use crate::{
    Aws,
    exercise::{bring, delete, make, operation, read, want},
};

fn trust(service: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}]})
    .to_string()
}

fn permissions(action: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})
        .to_string()
}

#[tokio::test]
async fn roles() {
    let aws = Aws::test().await;
    let role: Role = want(json!({
        "name": "node", "assume_role_policy": trust("ec2.amazonaws.com"), "path": "/qledger/",
        "description": "nodes", "tags": {"team": "a", "old": "1"}
    }));
    let made = make(&aws, &role).await;
    assert_eq!(
        made.outputs.as_ref().unwrap().arn.as_str(),
        "arn:aws:iam::123456789012:role/qledger/node"
    );
    let changed: Role = want(json!({
        "name": "node", "assume_role_policy": trust("eks.amazonaws.com"), "path": "/qledger/",
        "max_session_duration": 7200, "tags": {"team": "b", "new": "1"},
        "permissions_boundary": "arn:aws:iam::aws:policy/PowerUserAccess"
    }));
    bring(&aws, "node", &changed).await;
    let back = bring(&aws, "node", &role).await;

    let inline: RolePolicy =
        want(json!({"role": "node", "name": "p", "policy": permissions("s3:GetObject")}));
    let inline_made = make(&aws, &inline).await;
    assert_eq!(inline_made.id, "node|p");
    let other = RolePolicy { policy: permissions("s3:PutObject"), ..inline.clone() };
    bring(&aws, "node|p", &other).await;
    // What hangs on the role has to go first.
    let refused =
        Role::delete(&Cx::new(Arc::clone(&aws)), &back, &role, &operation::<Role>()).await;
    assert!(refused.unwrap_err().class().is_retryable());
    delete(&aws, &inline_made, &inline).await;
    delete(&aws, &back, &role).await;
    assert!(read(&aws, "node|p", &inline).await.is_none());
}

#[tokio::test]
async fn policies_keep_at_most_five_versions() {
    let aws = Aws::test().await;
    let policy: Policy = want(json!({
        "name": "read", "policy": permissions("s3:Get0"), "description": "d", "tags": {"a": "1"}
    }));
    let made = make(&aws, &policy).await;
    assert_eq!(made.id, "arn:aws:iam::123456789012:policy/read");
    for n in 1..8 {
        let next = Policy { policy: permissions(&format!("s3:Get{n}")), ..policy.clone() };
        bring(&aws, &made.id, &next).await;
    }
    let tagged = Policy { tags: [("b".to_owned(), "2".to_owned())].into(), ..policy.clone() };
    bring(&aws, &made.id, &tagged).await;

    let role: Role = want(json!({"name": "r", "assume_role_policy": trust("ec2.amazonaws.com")}));
    let role_made = make(&aws, &role).await;
    let attachments: Vec<PolicyAttachment> =
        [made.id.as_str(), "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"]
            .map(|policy| want(json!({"role": "r", "policy": policy})))
            .into();
    for attachment in &attachments {
        make(&aws, attachment).await;
    }
    let ids: Vec<_> = attachments.iter().map(|it| format!("{}|{}", it.role, it.policy)).collect();
    let find: Vec<_> =
        ids.iter().map(|id| Find::Id { id, recorded: None::<&PolicyAttachment> }).collect();
    let found = PolicyAttachment::read(&Cx::new(Arc::clone(&aws)), &find).await;
    assert!(found.iter().all(|it| it.as_ref().unwrap().is_some()));
    for (attachment, found) in attachments.iter().zip(found) {
        delete(&aws, &found.unwrap().unwrap(), attachment).await;
    }
    delete(&aws, &role_made, &role).await;
    delete(&aws, &made, &policy).await;
}

#[tokio::test]
async fn instance_profiles() {
    let aws = Aws::test().await;
    for name in ["a", "b"] {
        let role: Role =
            want(json!({"name": name, "assume_role_policy": trust("ec2.amazonaws.com")}));
        make(&aws, &role).await;
    }
    let profile: InstanceProfile = want(json!({"name": "p", "role": "a", "tags": {"x": "1"}}));
    make(&aws, &profile).await;
    bring(
        &aws,
        "p",
        &want::<InstanceProfile>(json!({"name": "p", "role": "b", "tags": {"y": "2"}})),
    )
    .await;
    bring(&aws, "p", &want::<InstanceProfile>(json!({"name": "p"}))).await;
    let made = bring(&aws, "p", &profile).await;
    delete(&aws, &made, &profile).await;
}

#[tokio::test]
async fn oidc_providers() {
    let aws = Aws::test().await;
    let thumbprint = "6938fd4d98bab03faadb97b34396831e3780aea1";
    let provider: OidcProvider = want(json!({
        "url": "https://token.actions.githubusercontent.com", "client_ids": ["sts.amazonaws.com"],
        "thumbprints": [thumbprint], "tags": {"a": "1"}
    }));
    let made = make(&aws, &provider).await;
    assert_eq!(made.outputs.as_ref().unwrap().issuer, "token.actions.githubusercontent.com");
    let changed: OidcProvider = want(json!({
        "url": "https://token.actions.githubusercontent.com", "client_ids": ["x", "y"],
        "thumbprints": [thumbprint.replace('6', "7")], "tags": {"b": "1"}
    }));
    let changed_made = bring(&aws, &made.id, &changed).await;
    delete(&aws, &changed_made, &changed).await;
}

#[tokio::test]
async fn users() {
    let aws = Aws::test().await;
    let user: User = want(json!({
        "name": "ci", "policies": ["arn:aws:iam::aws:policy/ReadOnlyAccess"], "tags": {"a": "1"}
    }));
    let made = make(&aws, &user).await;
    aws.iam().create_access_key().user_name("ci").send().await.unwrap();
    let changed: User = want(json!({
        "name": "ci", "path": "/robots/", "policies": [], "tags": {"b": "1"}, "force_destroy": true,
        "permissions_boundary": "arn:aws:iam::aws:policy/PowerUserAccess"
    }));
    bring(&aws, &made.id, &changed).await;
    let back = bring(&aws, &made.id, &User { force_destroy: true, ..user.clone() }).await;
    delete(&aws, &back, &User { force_destroy: true, ..user }).await;
}

#[tokio::test]
async fn a_role_for_workflows() {
    use infra_core::{App, prelude::*, testing::TestStack};

    use super::Workflow;

    let cloud = crate::embedded::Cloud::memory(crate::embedded::Settings::default());
    let app = App::new("shop").cloud("simulated", crate::simulated_in(cloud.clone()));
    let stack = TestStack::of(app).setting("region", "eu-west-1");
    let program = |stack: &mut Stack| {
        let github = stack.add("github", OidcProvider::github());
        let workflows = [Workflow::environment("production"), Workflow::branch("release/*")];
        let deploy = Role::for_github(&github.arn, "acme/shop", workflows).name("deploy");
        stack.add("deploy", deploy.max_session_duration(7200));
        Ok(())
    };
    stack.up(program).await.unwrap();
    assert!(stack.plan(program).await.unwrap().is_empty());
    let aws = Aws::test_in(&cloud, &infra_core::provider::Gate::default()).await;
    let role = aws.iam().get_role().role_name("deploy").send().await.unwrap().role.unwrap();
    let trust = crate::policy::decoded(role.assume_role_policy_document().unwrap());
    let issuer = "token.actions.githubusercontent.com";
    let expected = json!({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
    "Principal": {"Federated": format!("arn:aws:iam::123456789012:oidc-provider/{issuer}")},
    "Condition": {
        "StringEquals": {format!("{issuer}:aud"): "sts.amazonaws.com"},
        "StringLike": {format!("{issuer}:sub"): [
            "repo:acme/shop:environment:production", "repo:acme/shop:ref:refs/heads/release/*"]}
    }}]});
    assert!(crate::policy::same(&trust, &expected.to_string()), "{trust}");
    let open = |stack: &mut Stack| {
        let github = stack.add("github", OidcProvider::github());
        stack.add("deploy", Role::for_github(&github.arn, "*", [Workflow::any()]));
        Ok(())
    };
    let refused = stack.plan(open).await.unwrap_err();
    let mistakes = refused.mistakes();
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    assert!(mistakes[0].message.contains("repo:OWNER/NAME"), "{mistakes:?}");
}

/// How often each operation was called.
fn called(cloud: &crate::embedded::Cloud, operation: &str) -> usize {
    cloud.calls().iter().filter(|call| call.operation == operation).count()
}

#[tokio::test]
async fn many_roles_and_policies_are_read_from_lists() {
    use infra_core::provider::Gate;

    use crate::embedded::{Cloud, Settings};

    let cloud = Cloud::memory(Settings::default());
    let aws = Aws::test_in(&cloud, &Gate::default()).await;
    let names: Vec<_> = (0..12).map(|n| format!("role-{n}")).collect();
    let mut alone = Vec::new();
    for (n, name) in names.iter().enumerate() {
        let role: Role = want(json!({
            "name": name, "assume_role_policy": trust("ec2.amazonaws.com"), "description": format!("{n}"),
            "max_session_duration": 3600 + n, "tags": {"n": n.to_string()}, "path": "/many/",
            "permissions_boundary": "arn:aws:iam::aws:policy/PowerUserAccess"
        }));
        alone.push(make(&aws, &role).await);
        let inline = json!({"role": name, "name": "p", "policy": permissions("s3:GetObject")});
        make(&aws, &want::<RolePolicy>(inline)).await;
        let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
        make(&aws, &want::<PolicyAttachment>(json!({"role": name, "policy": arn}))).await;
    }
    let ids = |suffix: &str| -> Vec<String> {
        let ids = names.iter().map(|name| format!("{name}{suffix}"));
        ids.chain([format!("none{suffix}")]).collect()
    };
    let cx = Cx::new(Arc::clone(&aws));
    cloud.clear_calls();
    let (roles, inline) = (ids(""), ids("|p"));
    let attached = ids("|arn:aws:iam::aws:policy/ReadOnlyAccess");
    let find: Vec<_> = roles.iter().map(|id| Find::Id { id, recorded: None }).collect();
    let found = Role::read(&cx, &find).await;
    for (alone, found) in alone.iter().zip(&found) {
        let found = found.as_ref().unwrap().as_ref().unwrap();
        assert_eq!(format!("{:?}", alone.live), format!("{:?}", found.live));
        assert_eq!((&alone.owner, &alone.id), (&found.owner, &found.id));
        assert_eq!(format!("{:?}", alone.outputs), format!("{:?}", found.outputs));
    }
    assert!(found.last().unwrap().as_ref().unwrap().is_none());
    let find: Vec<_> = inline.iter().map(|id| Find::Id { id, recorded: None }).collect();
    let found = RolePolicy::read(&cx, &find).await;
    assert_eq!(found.iter().filter(|it| it.as_ref().unwrap().is_some()).count(), names.len());
    let find: Vec<_> = attached.iter().map(|id| Find::Id { id, recorded: None }).collect();
    let found = PolicyAttachment::read(&cx, &find).await;
    assert_eq!(found.iter().filter(|it| it.as_ref().unwrap().is_some()).count(), names.len());
    // What is in no list is asked for alone.
    for operation in [
        "GetAccountAuthorizationDetails",
        "ListRoles",
        "GetRole",
        "GetRolePolicy",
        "ListAttachedRolePolicies",
    ] {
        assert_eq!(called(&cloud, operation), 1, "{operation}");
    }
    assert_eq!(cloud.calls().len(), 5);
}

#[tokio::test]
async fn who_may_not_list_is_answered_one_by_one() {
    use infra_core::provider::Gate;

    use crate::embedded::{Cloud, Settings};

    let cloud = Cloud::memory(Settings::default());
    let aws = Aws::test_in(&cloud, &Gate::default()).await;
    let names: Vec<_> = (0..9).map(|n| format!("role-{n}")).collect();
    for name in &names {
        let role = json!({"name": name, "assume_role_policy": trust("ec2.amazonaws.com")});
        make(&aws, &want::<Role>(role)).await;
    }
    let find: Vec<_> = names.iter().map(|id| Find::Id { id, recorded: None }).collect();
    for denied in ["iam.GetAccountAuthorizationDetails", "iam.ListRoles"] {
        cloud.clear_calls();
        cloud.faults().refuse_next(1, denied, "AccessDenied", 403, "not you");
        let found = Role::read(&Cx::new(Arc::clone(&aws)), &find).await;
        assert!(found.iter().all(|found| found.as_ref().unwrap().is_some()));
        assert_eq!(called(&cloud, "GetRole"), names.len());
    }
}

#[tokio::test]
async fn what_somebody_gave_a_role_is_the_stacks_and_of_no_resource() {
    use infra_core::state::StackName;

    let aws = Aws::test().await;
    let role: Role = want(json!({"name": "r", "assume_role_policy": trust("ec2.amazonaws.com")}));
    make(&aws, &role).await;
    let foreign = aws.iam().create_role().role_name("foreign");
    foreign.assume_role_policy_document(trust("ec2.amazonaws.com")).send().await.unwrap();
    let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
    for role in ["r", "foreign"] {
        let attach = aws.iam().attach_role_policy().role_name(role).policy_arn(admin);
        attach.send().await.unwrap();
        let put = aws.iam().put_role_policy().role_name(role).policy_name("by-hand");
        put.policy_document(permissions("*")).send().await.unwrap();
    }
    let stack = StackName::new("exercise", "test").unwrap();
    let cx = Cx::new(Arc::clone(&aws));
    let attached = PolicyAttachment::added(&cx, &stack).await.unwrap();
    let inline = RolePolicy::added(&cx, &stack).await.unwrap();
    assert_eq!((attached.len(), inline.len()), (1, 1));
    assert_eq!(attached[0].id, format!("r|{admin}"));
    assert_eq!(inline[0].id, "r|by-hand");
    for owner in [&attached[0].owner, &inline[0].owner] {
        let owner = owner.as_ref().unwrap();
        assert_eq!(owner.keys().collect::<Vec<_>>(), ["infra:lineage", "infra:stack"]);
    }
}
