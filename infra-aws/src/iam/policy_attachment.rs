//! Managed policies attached to roles.

use std::{collections::BTreeSet, sync::Arc};

use infra_core::{
    Resource,
    program::IntoInput,
    provider::{Change, Cx, Error, Find, Grant, Managed, Observed, Once, Operation, Result},
    state::StackName,
};

use super::{
    role::{Role, arns},
    search::{self, Account},
    tag,
};
use crate::{
    Aws,
    classify::Classify as _,
    owned,
    policy::{Verb, grants, subject},
    types::{Arn, RoleName},
};

/// A managed policy attached to a role. Another role or policy replaces it.
///
/// Deploying needs `iam:AttachRolePolicy`, `iam:DetachRolePolicy` and `iam:ListAttachedRolePolicies` on the role.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:iam:PolicyAttachment")]
pub struct PolicyAttachment {
    /// The role. Another role replaces the attachment.
    #[field(replace)]
    pub role: RoleName,
    /// The policy: one of your own or one that AWS keeps. Another policy replaces the attachment.
    #[field(replace)]
    pub policy: Arn,
}

impl PolicyAttachment {
    /// Attaches a policy that AWS keeps, by its name with its path: `AmazonEKSClusterPolicy`,
    /// `service-role/AmazonRDSEnhancedMonitoringRole`. In the partition `aws`.
    pub fn of_aws(role: impl IntoInput<RoleName>, policy: &str) -> PolicyAttachmentDecl {
        Self::new(role, Arn::of("aws", "iam", "", "aws", &format!("policy/{policy}")))
    }

    fn id(&self) -> String {
        format!("{}|{}", self.role, self.policy)
    }

    fn id_in(find: &Find<'_, Self>) -> String {
        let id = find.id().map_or_else(|| find.inputs().map(Self::id), |id| Some(id.to_owned()));
        id.unwrap_or_default()
    }

    fn role_in(find: &Find<'_, Self>) -> String {
        split(&Self::id_in(find)).map(|(role, _)| role.to_owned()).unwrap_or_default()
    }

    /// What the details of the account say of it.
    fn listed(account: &Account, find: &Find<'_, Self>) -> Option<Observed<Self>> {
        let id = Self::id_in(find);
        let (role, policy) = split(&id).ok()?;
        let mut attached = account.role(role)?.attached_managed_policies().iter();
        attached.any(|it| it.policy_arn() == Some(policy)).then(|| Self::observed(role, policy))
    }

    fn observed(role: &str, policy: &str) -> Observed<Self> {
        let live = Self { role: RoleName::trusted(role), policy: Arn::trusted(policy) };
        Observed::ready(live.id(), live, ())
    }

    async fn read_one(cx: &Cx<Aws>, find: &Find<'_, Self>) -> Result<Option<Observed<Self>>> {
        let id = Self::id_in(find);
        let (role, policy) = split(&id)?;
        let is_attached = attached(cx, role).await?.contains(policy);
        Ok(is_attached.then(|| Self::observed(role, policy)))
    }
}

/// The id is `ROLE|POLICY-ARN`: a role's name has no `|` in it.
fn split(id: &str) -> Result<(&str, &str)> {
    let wrong = || Error::invalid(format!("expected an id like ROLE|POLICY-ARN, found {id:?}"));
    id.split_once('|').ok_or_else(wrong)
}

/// What is attached to the role: one call for all attachments of it in the batch.
async fn attached(cx: &Cx<Aws>, role: &str) -> Result<Arc<BTreeSet<String>>> {
    let list = || async {
        let mut arns = BTreeSet::new();
        let list = cx.iam().list_attached_role_policies().role_name(role);
        let mut pages = list.into_paginator().send();
        while let Some(page) = pages.next().await {
            let Some(page) = page.found()? else { break };
            let found = page.attached_policies().iter().filter_map(|policy| policy.policy_arn());
            arns.extend(found.map(str::to_owned));
        }
        Ok(arns)
    };
    cx.memo(&format!("iam:attached:{role}"), list).await
}

impl Managed for PolicyAttachment {
    type Cloud = Aws;

    const WITHIN: Option<&'static str> = Some(Role::KIND);

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        let roles: BTreeSet<_> = find.iter().map(Self::role_in).collect();
        let account = search::of_many(cx, roles.len()).await;
        let in_list = |account: &Arc<Account>, find: &_| Self::listed(account, find);
        search::each(find, account, in_list, |find| Self::read_one(cx, find)).await
    }

    /// Who attaches a policy to a role gives its rights to whatever has the role.
    async fn added(cx: &Cx<Aws>, stack: &StackName) -> Result<Vec<Observed<Self>>> {
        let account = search::account(cx).await?;
        let mut found = Vec::new();
        for role in account.roles_of(stack) {
            let owner = owned::whose(&tag::map(role.tags()));
            let policies = role.attached_managed_policies().iter();
            found.extend(policies.filter_map(|policy| {
                let attached = Self::observed(role.role_name()?, policy.policy_arn()?);
                Some(attached.owned_by(&owner))
            }));
        }
        Ok(found)
    }

    async fn create(cx: &Cx<Aws>, want: &Self, _: &Operation) -> Result<String> {
        let attach = cx.iam().attach_role_policy().role_name(want.role.as_str());
        attach.policy_arn(want.policy.as_str()).send().await.classify()?;
        Ok(want.id())
    }

    async fn update(_: &Cx<Aws>, _: &Change<'_, Self>, _: &Operation) -> Result<()> {
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        let (role, policy) = split(&have.id)?;
        cx.iam().detach_role_policy().role_name(role).policy_arn(policy).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        if Verb::of(change) == Verb::Search {
            return search::grants();
        }
        let Some(both) = subject(change) else { return Vec::new() };
        let action = match Verb::of(change) {
            Verb::Search | Verb::Read => None,
            Verb::Create | Verb::Update => Some("iam:AttachRolePolicy"),
            Verb::Delete => Some("iam:DetachRolePolicy"),
        };
        let on_role = |arn: String| {
            // Without this, whoever may attach may attach anything, and so become anyone.
            let which =
                |action| Grant::new(action, &*arn).when("iam:PolicyARN", both.policy.as_str());
            let changes: Vec<_> = action.into_iter().map(which).collect();
            grants(arn, ["iam:ListAttachedRolePolicies"]).into_iter().chain(changes)
        };
        let lists = Verb::of(change) == Verb::Read;
        let lists = lists.then(search::grants).into_iter().flatten();
        arns(both.role.as_str()).into_iter().flat_map(on_role).chain(lists).collect()
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }
}
