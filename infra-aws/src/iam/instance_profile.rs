//! Instance profiles.

use std::collections::BTreeMap;

use infra_core::{
    Outputs, Resource,
    provider::{Change, Cx, Find, Grant, Managed, Observed, Once, Operation, Result},
    state::StackName,
};

use super::{role::arns, tag};
use crate::{
    Aws, batch,
    classify::Classify as _,
    owned,
    policy::{Verb, grants, pass, subject},
    tags,
    types::{Arn, RoleName},
};

/// What gives an EC2 instance its role. Holds at most one role, which changes in place; EC2 sees the change after
/// some seconds. Another name or path replaces it.
///
/// Deploying needs `iam:CreateInstanceProfile`, `GetInstanceProfile`, `AddRoleToInstanceProfile`,
/// `RemoveRoleFromInstanceProfile`, `TagInstanceProfile`, `UntagInstanceProfile`, `DeleteInstanceProfile` on the
/// profile and `iam:PassRole` on the role. (IAM API reference.)
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:iam:InstanceProfile", outputs = InstanceProfileOutputs)]
pub struct InstanceProfile {
    /// The role that instances get.
    pub role: Option<RoleName>,
    /// Its name, unique in the account; generated if left out. Another name replaces it.
    #[field(replace, name(max = 128, extra = "-_+=,.@"))]
    pub name: Option<String>,
    /// The path in its ARN. Another path replaces it.
    #[field(replace, default = "/")]
    pub path: String,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What an instance profile gives.
#[derive(Outputs, Clone, Debug)]
pub struct InstanceProfileOutputs {
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
    /// Its name.
    #[output(stable)]
    pub name: String,
}

impl InstanceProfile {
    /// A profile with this role.
    pub fn of(role: impl infra_core::program::IntoInput<RoleName>) -> InstanceProfileDecl {
        Self::new().role(role)
    }

    async fn read_one(cx: &Cx<Aws>, find: &Find<'_, Self>) -> Result<Option<Observed<Self>>> {
        let named = || find.inputs().and_then(|profile| profile.name.as_deref());
        let name = find.id().or_else(named).unwrap_or_default();
        let get = cx.iam().get_instance_profile().instance_profile_name(name);
        let answer = get.send().await.found()?;
        let Some(profile) = answer.and_then(|answer| answer.instance_profile) else {
            return Ok(None);
        };
        let all = tag::map(profile.tags());
        let live = Self {
            role: profile.roles().first().map(|role| RoleName::trusted(role.role_name())),
            name: Some(profile.instance_profile_name.clone()),
            path: profile.path.clone(),
            tags: tags::visible(&all),
        };
        let name = profile.instance_profile_name;
        let outputs = InstanceProfileOutputs { arn: Arn::trusted(profile.arn), name: name.clone() };
        Ok(Some(Observed::ready(name, live, outputs).owned_by(&all)))
    }

    async fn take_out(cx: &Cx<Aws>, name: &str, role: &RoleName) -> Result<()> {
        let remove = cx.iam().remove_role_from_instance_profile().instance_profile_name(name);
        remove.role_name(role.as_str()).send().await.gone()
    }
}

impl Managed for InstanceProfile {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        batch::each(find, |find| Self::read_one(cx, find)).await
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        let mut pages = cx.iam().list_instance_profiles().into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let profiles = page.classify()?.instance_profiles;
            names.extend(profiles.into_iter().map(|profile| profile.instance_profile_name));
        }
        owned::of_stack(cx, stack, names).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        // The role goes in by `update`: this call cannot take it.
        let name = want.name.as_deref().unwrap_or_default();
        let create = cx.iam().create_instance_profile().instance_profile_name(name);
        let tags = tag::list(&cx.tags(&want.tags, op))?;
        create.path(&want.path).set_tags(Some(tags)).send().await.classify()?;
        Ok(name.to_owned())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let (name, want, iam) = (change.id()?, change.want()?, cx.iam());
        let have = &change.have()?.live;
        if change.touches(Self::ROLE) && have.role != want.role {
            if let Some(role) = &have.role {
                Self::take_out(cx, name, role).await?;
            }
            if let Some(role) = &want.role {
                let add = iam.add_role_to_instance_profile().instance_profile_name(name);
                add.role_name(role.as_str()).send().await.classify()?;
            }
        }
        if change.touches(Self::TAGS) {
            let (put, remove) = tags::changes(&have.tags, &want.tags);
            if !remove.is_empty() {
                let untag = iam.untag_instance_profile().instance_profile_name(name);
                untag.set_tag_keys(Some(remove)).send().await.classify()?;
            }
            if !put.is_empty() {
                let tag = iam.tag_instance_profile().instance_profile_name(name);
                tag.set_tags(Some(tag::list(&put)?)).send().await.classify()?;
            }
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        if let Some(role) = &have.live.role {
            Self::take_out(cx, &have.id, role).await?;
        }
        let delete = cx.iam().delete_instance_profile().instance_profile_name(&have.id);
        delete.send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let it = subject(change);
        let (path, name) = it.map_or(("/", "*"), |p| (&p.path, p.name.as_deref().unwrap_or("*")));
        let mut actions = vec!["iam:GetInstanceProfile"];
        let verb = Verb::of(change);
        match verb {
            Verb::Search => {
                return grants("*", ["iam:ListInstanceProfiles", "iam:GetInstanceProfile"]);
            }
            Verb::Create => actions.extend(["iam:CreateInstanceProfile", "iam:TagInstanceProfile"]),
            Verb::Delete => {
                actions.extend(["iam:RemoveRoleFromInstanceProfile", "iam:DeleteInstanceProfile"]);
            }
            Verb::Update if change.touches(Self::TAGS) => {
                actions.extend(["iam:TagInstanceProfile", "iam:UntagInstanceProfile"]);
            }
            Verb::Read | Verb::Update => {}
        }
        let role = change.want.and_then(|want| want.role.as_ref());
        let sets = change.touches(Self::ROLE);
        if sets {
            actions.extend(["iam:AddRoleToInstanceProfile", "iam:RemoveRoleFromInstanceProfile"]);
        }
        let mut all = grants(format!("arn:*:iam::*:instance-profile{path}{name}"), actions);
        if let Some(role) = role.filter(|_| sets) {
            all.extend(arns(role.as_str()).map(|arn| pass(arn, "ec2.amazonaws.com")));
        }
        all
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }
}
