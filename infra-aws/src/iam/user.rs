//! Users.

use std::collections::BTreeMap;

use aws_sdk_iam::operation::list_access_keys::ListAccessKeysOutput;
use futures_util::future::try_join;
use infra_core::{
    Outputs, Resource,
    provider::{
        Change, Cx, Find, Grant, Managed, Observed, Once, Operation, Partial, Result, Violation,
    },
    state::StackName,
};

use super::{
    role::{is_path, path_message},
    search, tag,
};
use crate::{
    Aws, batch,
    classify::Classify as _,
    owned,
    policy::{Verb, grants, subject},
    tags,
    types::Arn,
};

/// An IAM user: an identity with lasting credentials. Prefer roles; a user is for what cannot assume one.
///
/// It gets no access key and no password here: they would be secrets nobody rotates. Path and everything else
/// change in place; another name replaces it (references to users are by name).
///
/// Deploying needs `iam:CreateUser`, `GetUser`, `UpdateUser`, `Put/DeleteUserPermissionsBoundary`,
/// `Attach/DetachUserPolicy`, `ListAttachedUserPolicies`, `TagUser`, `UntagUser`, `DeleteUser` on the user, and with
/// `force_destroy` also to list and delete its access keys. (IAM API reference.)
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:iam:User", outputs = UserOutputs)]
pub struct User {
    /// Its name, unique in the account; generated if left out. Another name replaces it.
    #[field(replace, name(max = 64, extra = "-_+=,.@"))]
    pub name: Option<String>,
    /// The path in its ARN.
    #[field(default = "/")]
    pub path: String,
    /// A managed policy that bounds what the user can ever do.
    pub permissions_boundary: Option<Arn>,
    /// The managed policies attached to it. Left out: not looked at; an empty list: none.
    #[field(set, computed)]
    pub policies: Option<Vec<Arn>>,
    /// Whether deleting the user first deletes its access keys and its password, made by someone else.
    #[field(write_only, default = false)]
    pub force_destroy: bool,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What a user gives.
#[derive(Outputs, Clone, Debug)]
pub struct UserOutputs {
    /// Its ARN; another one when the path changes.
    pub arn: Arn,
    /// Its name.
    #[output(stable)]
    pub name: String,
    /// Its unique id, `AIDA…`.
    #[output(stable)]
    pub unique_id: String,
}

impl User {
    async fn read_one(cx: &Cx<Aws>, find: &Find<'_, Self>) -> Result<Option<Observed<Self>>> {
        let named = || find.inputs().and_then(|user| user.name.as_deref());
        let name = find.id().or_else(named).unwrap_or_default();
        let get = async { cx.iam().get_user().user_name(name).send().await.found() };
        let (answer, policies) = try_join(get, attached(cx, name)).await?;
        let Some(user) = answer.and_then(|answer| answer.user) else { return Ok(None) };
        let all = tag::map(user.tags());
        let boundary = user.permissions_boundary().and_then(|b| b.permissions_boundary_arn());
        let live = Self {
            name: Some(user.user_name.clone()),
            path: user.path.clone(),
            permissions_boundary: boundary.map(Arn::trusted),
            policies: Some(policies),
            force_destroy: find.inputs().is_some_and(|inputs| inputs.force_destroy),
            tags: tags::visible(&all),
        };
        let outputs = UserOutputs {
            arn: Arn::trusted(user.arn),
            name: user.user_name.clone(),
            unique_id: user.user_id,
        };
        Ok(Some(Observed::ready(user.user_name, live, outputs).owned_by(&all)))
    }

    async fn attach(cx: &Cx<Aws>, name: &str, have: &[Arn], want: &[Arn]) -> Result<()> {
        for policy in want.iter().filter(|policy| !have.contains(policy)) {
            let attach = cx.iam().attach_user_policy().user_name(name);
            attach.policy_arn(policy.as_str()).send().await.classify()?;
        }
        for policy in have.iter().filter(|policy| !want.contains(policy)) {
            let detach = cx.iam().detach_user_policy().user_name(name);
            detach.policy_arn(policy.as_str()).send().await.gone()?;
        }
        Ok(())
    }

    /// Deletes the credentials that someone gave the user.
    async fn disarm(cx: &Cx<Aws>, name: &str) -> Result<()> {
        let keys = cx.iam().list_access_keys().user_name(name).send().await.found()?;
        for key in keys.iter().flat_map(ListAccessKeysOutput::access_key_metadata) {
            let delete = cx.iam().delete_access_key().user_name(name);
            delete.set_access_key_id(key.access_key_id.clone()).send().await.gone()?;
        }
        cx.iam().delete_login_profile().user_name(name).send().await.gone()
    }
}

async fn attached(cx: &Cx<Aws>, name: &str) -> Result<Vec<Arn>> {
    let mut arns = Vec::new();
    let mut pages = cx.iam().list_attached_user_policies().user_name(name).into_paginator().send();
    while let Some(page) = pages.next().await {
        let Some(page) = page.found()? else { break };
        arns.extend(
            page.attached_policies().iter().filter_map(|p| p.policy_arn()).map(Arn::trusted),
        );
    }
    Ok(arns)
}

impl Managed for User {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        batch::each(find, |find| Self::read_one(cx, find)).await
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        owned::read(cx, search::account(cx).await?.users_of(stack)).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let name = want.name.as_deref().unwrap_or_default();
        let boundary = want.permissions_boundary.as_ref().map(ToString::to_string);
        let tags = tag::list(&cx.tags(&want.tags, op))?;
        let create = cx.iam().create_user().user_name(name).path(&want.path);
        let create = create.set_permissions_boundary(boundary).set_tags(Some(tags));
        create.send().await.classify()?;
        Ok(name.to_owned())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let (name, want, iam) = (change.id()?, change.want()?, cx.iam());
        let have = &change.have()?.live;
        if change.touches(Self::PATH) {
            let update = iam.update_user().user_name(name).new_path(&want.path);
            update.send().await.classify()?;
        }
        if change.touches(Self::PERMISSIONS_BOUNDARY) {
            if let Some(boundary) = &want.permissions_boundary {
                let put = iam.put_user_permissions_boundary().user_name(name);
                put.permissions_boundary(boundary.as_str()).send().await.classify()?;
            } else {
                iam.delete_user_permissions_boundary().user_name(name).send().await.gone()?;
            }
        }
        if change.touches(Self::POLICIES)
            && let Some(policies) = &want.policies
        {
            let attached = have.policies.as_deref().unwrap_or_default();
            Self::attach(cx, name, attached, policies).await?;
        }
        if change.touches(Self::TAGS) {
            let (put, remove) = tags::changes(&have.tags, &want.tags);
            if !remove.is_empty() {
                let untag = iam.untag_user().user_name(name);
                untag.set_tag_keys(Some(remove)).send().await.classify()?;
            }
            if !put.is_empty() {
                let tag = iam.tag_user().user_name(name);
                tag.set_tags(Some(tag::list(&put)?)).send().await.classify()?;
            }
        }
        Ok(())
    }

    async fn delete(
        cx: &Cx<Aws>,
        have: &Observed<Self>,
        recorded: &Self,
        _: &Operation,
    ) -> Result<()> {
        // Only what this resource attached comes off; what others attached makes IAM refuse, which is right.
        if let Some(policies) = &recorded.policies {
            Self::attach(cx, &have.id, policies, &[]).await?;
        }
        if recorded.force_destroy {
            Self::disarm(cx, &have.id).await?;
        }
        cx.iam().delete_user().user_name(&have.id).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let it = subject(change);
        let (path, name) = it.map_or(("/", "*"), |u| (&u.path, u.name.as_deref().unwrap_or("*")));
        let mut actions = vec!["iam:GetUser", "iam:ListAttachedUserPolicies"];
        let verb = Verb::of(change);
        match verb {
            Verb::Search => return search::grants(),
            Verb::Create => actions.extend(["iam:CreateUser", "iam:TagUser"]),
            Verb::Delete => actions.push("iam:DeleteUser"),
            Verb::Update if change.touches(Self::TAGS) => {
                actions.extend(["iam:TagUser", "iam:UntagUser"]);
            }
            Verb::Read | Verb::Update => {}
        }
        if verb == Verb::Delete && it.is_some_and(|it| it.force_destroy) {
            let keys = ["iam:ListAccessKeys", "iam:DeleteAccessKey", "iam:DeleteLoginProfile"];
            actions.extend(keys);
        }
        if change.touches(Self::PATH) {
            actions.push("iam:UpdateUser");
        }
        if verb != Verb::Read && it.is_some_and(|it| it.policies.is_some()) {
            actions.extend(["iam:AttachUserPolicy", "iam:DetachUserPolicy"]);
        }
        if change.touches(Self::PERMISSIONS_BOUNDARY) {
            actions.extend(["iam:PutUserPermissionsBoundary", "iam:DeleteUserPermissionsBoundary"]);
        }
        grants(format!("arn:*:iam::*:user{path}{name}"), actions)
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let path = want.get(Self::PATH).known().filter(|path| !is_path(path));
        path.map(|path| Violation::of(Self::PATH, path_message(&path))).into_iter().collect()
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }
}
