//! Policies inside a role.

use std::sync::Arc;

use infra_core::{
    Resource,
    provider::{
        Change, Cx, Error, Find, Grant, Managed, Observed, Once, Operation, Partial, Result,
        Violation,
    },
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
    policy::{Verb, decoded, grants, normalize, problem, subject},
    types::RoleName,
};

/// Permissions written into one role (an inline policy): gone when the role goes, shared with nothing.
///
/// Another role or name replaces it; the document changes in place.
///
/// Deploying needs `iam:PutRolePolicy`, `iam:GetRolePolicy` and `iam:DeleteRolePolicy` on the role.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:iam:RolePolicy")]
pub struct RolePolicy {
    /// The role. Another role replaces it.
    #[field(replace)]
    pub role: RoleName,
    /// The permissions. All inline policies of a role together have at most 10,240 characters.
    #[field(normalize = normalize)]
    pub policy: String,
    /// Its name, unique in the role; generated if left out. Another name replaces it.
    #[field(replace, name(max = 128, extra = "-_+=,.@"))]
    pub name: Option<String>,
}

/// The id is `ROLE|NAME`: a role's name has no `|` in it.
fn split(id: &str) -> Result<(&str, &str)> {
    let wrong = || Error::invalid(format!("expected an id like ROLE|POLICY, found {id:?}"));
    id.split_once('|').ok_or_else(wrong)
}

impl RolePolicy {
    fn id(&self) -> String {
        format!("{}|{}", self.role, self.name.as_deref().unwrap_or_default())
    }

    fn id_in(find: &Find<'_, Self>) -> String {
        let id = find.id().map_or_else(|| find.inputs().map(Self::id), |id| Some(id.to_owned()));
        id.unwrap_or_default()
    }

    /// What the details of the account say of it.
    fn listed(account: &Account, find: &Find<'_, Self>) -> Option<Observed<Self>> {
        let id = Self::id_in(find);
        let (role, name) = split(&id).ok()?;
        let policies = account.role(role)?.role_policy_list();
        let policy = policies.iter().find(|policy| policy.policy_name() == Some(name))?;
        Some(Self::observed(role, name, policy.policy_document()?))
    }

    fn observed(role: &str, name: &str, document: &str) -> Observed<Self> {
        let live = Self {
            role: RoleName::trusted(role),
            policy: decoded(document),
            name: Some(name.to_owned()),
        };
        Observed::ready(live.id(), live, ())
    }

    async fn read_one(cx: &Cx<Aws>, find: &Find<'_, Self>) -> Result<Option<Observed<Self>>> {
        let id = Self::id_in(find);
        let (role, name) = split(&id)?;
        let get = cx.iam().get_role_policy().role_name(role).policy_name(name);
        let Some(found) = get.send().await.found()? else { return Ok(None) };
        let (role, name) = (found.role_name(), found.policy_name());
        Ok(Some(Self::observed(role, name, found.policy_document())))
    }

    async fn put(&self, cx: &Cx<Aws>, role: &str, name: &str) -> Result<()> {
        let put = cx.iam().put_role_policy().role_name(role).policy_name(name);
        put.policy_document(&self.policy).send().await.classify().map(drop)
    }
}

impl Managed for RolePolicy {
    type Cloud = Aws;

    const WITHIN: Option<&'static str> = Some(Role::KIND);

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        let account = search::of_many(cx, find.len()).await;
        let in_list = |account: &Arc<Account>, find: &_| Self::listed(account, find);
        search::each(find, account, in_list, |find| Self::read_one(cx, find)).await
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        let Some(prefix) = owned::prefix::<Self>(stack) else { return Ok(None) };
        let account = search::account(cx).await?;
        let policies = account.policies_like(&prefix);
        let ids = policies.map(|(role, policy)| format!("{role}|{policy}")).collect();
        owned::read(cx, ids).await
    }

    /// Who writes a policy into a role gives its rights to whatever has the role.
    async fn added(cx: &Cx<Aws>, stack: &StackName) -> Result<Vec<Observed<Self>>> {
        let account = search::account(cx).await?;
        let mut found = Vec::new();
        for role in account.roles_of(stack) {
            let owner = owned::whose(&tag::map(role.tags()));
            found.extend(role.role_policy_list().iter().filter_map(|policy| {
                let (name, document) = (policy.policy_name()?, policy.policy_document()?);
                Some(Self::observed(role.role_name()?, name, document).owned_by(&owner))
            }));
        }
        Ok(found)
    }

    async fn create(cx: &Cx<Aws>, want: &Self, _: &Operation) -> Result<String> {
        let name = want.name.as_deref().unwrap_or_default();
        want.put(cx, want.role.as_str(), name).await?;
        Ok(want.id())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let (role, name) = split(change.id()?)?;
        if change.touches(Self::POLICY) {
            change.want()?.put(cx, role, name).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        let (role, name) = split(&have.id)?;
        cx.iam().delete_role_policy().role_name(role).policy_name(name).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let role = subject(change).map_or("*", |policy| policy.role.as_str());
        let action = match Verb::of(change) {
            Verb::Search => return search::grants(),
            Verb::Read => None,
            Verb::Create | Verb::Update => Some("iam:PutRolePolicy"),
            Verb::Delete => Some("iam:DeleteRolePolicy"),
        };
        let on_role = |arn| grants(arn, ["iam:GetRolePolicy"].into_iter().chain(action));
        let lists = Verb::of(change) == Verb::Read;
        let lists = lists.then(search::grants).into_iter().flatten();
        arns(role).into_iter().flat_map(on_role).chain(lists).collect()
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let document = want.get(Self::POLICY).known();
        let found = document.and_then(|document| problem(&document, 10_240));
        found.map(|problem| Violation::of(Self::POLICY, problem)).into_iter().collect()
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }
}
