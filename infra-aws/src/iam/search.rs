//! What the account holds of roles and users, and what of it is a stack's.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use aws_sdk_iam::types::{EntityType, Role, RoleDetail, Tag, UserDetail};
use infra_core::{
    provider::{Class, Cx, Find, Grant, Managed, Observed, Result},
    state::StackName,
};

use super::tag;
use crate::{Aws, batch, classify::Classify as _, owned::carries};

/// From how many objects on everything is listed, instead of each being asked for. An account has a thousand roles at
/// most, unless AWS was asked for more, and a page has so many.
pub(super) const MANY: usize = 8;
const PAGE: i32 = 1000;

/// All roles and users. IAM's lists come without tags and without inline policies; this one call has both.
pub(super) struct Account {
    roles: Vec<RoleDetail>,
    users: Vec<UserDetail>,
}

/// What listing needs, which is done only to make fewer calls: who may not list is answered one by one.
pub(super) fn lists(action: &'static str) -> Vec<Grant> {
    vec![Grant::new(action, "*")]
}

/// What that call needs.
pub(super) fn grants() -> Vec<Grant> {
    vec![Grant::new("iam:GetAccountAuthorizationDetails", "*")]
}

/// The account, asked for once. (IAM API reference, `GetAccountAuthorizationDetails`.)
pub(super) async fn account(cx: &Cx<Aws>) -> Result<Arc<Account>> {
    let ask = || async {
        let (mut roles, mut users) = (Vec::new(), Vec::new());
        let details = cx.iam().get_account_authorization_details();
        let details = details.filter(EntityType::Role).filter(EntityType::User);
        let mut pages = details.into_paginator().page_size(PAGE).send();
        while let Some(page) = pages.next().await {
            let page = page.classify()?;
            roles.extend(page.role_detail_list.unwrap_or_default());
            users.extend(page.user_detail_list.unwrap_or_default());
        }
        Ok(Account { roles, users })
    };
    cx.memo("iam:account", ask).await
}

/// The account, where so many of its objects are asked for that this is less than asking for each, and we may.
pub(super) async fn of_many(cx: &Cx<Aws>, asked: usize) -> Result<Option<Arc<Account>>> {
    if asked < MANY {
        return Ok(None);
    }
    allowed(account(cx).await)
}

/// Each from what was listed, if anything was; what is in no list may be too young for one, and is asked for alone.
pub(super) async fn each<'f, R: Managed, L, One>(
    find: &'f [Find<'f, R>],
    listed: Result<Option<L>>,
    in_list: impl Fn(&L, &Find<'f, R>) -> Option<Observed<R>>,
    alone: impl Fn(&'f Find<'f, R>) -> One,
) -> Vec<Result<Option<Observed<R>>>>
where
    One: Future<Output = Result<Option<Observed<R>>>>,
{
    let listed = match listed {
        Ok(listed) => listed,
        Err(e) => return find.iter().map(|_| Err(e.again())).collect(),
    };
    let answers = batch::each(find, |find| {
        let found = listed.as_ref().and_then(|listed| in_list(listed, find));
        let ask = found.is_none().then(|| alone(find));
        async move {
            match ask {
                Some(ask) => ask.await,
                None => Ok(found),
            }
        }
    });
    answers.await
}

/// What only the list of roles says of them: description and longest session. It leaves out tags and boundary, which
/// the account's details have. (IAM API reference, `ListRoles`.)
pub(super) async fn described(cx: &Cx<Aws>) -> Result<Option<Arc<HashMap<String, Role>>>> {
    let ask = || async {
        let mut roles = HashMap::new();
        let mut pages = cx.iam().list_roles().into_paginator().page_size(PAGE).send();
        while let Some(page) = pages.next().await {
            let page = page.classify()?.roles;
            roles.extend(page.into_iter().map(|role| (role.role_name.clone(), role)));
        }
        Ok(roles)
    };
    allowed(cx.memo("iam:roles", ask).await)
}

/// The documents of the account's own policies: by ARN and version.
pub(super) type Documents = HashMap<(String, String), String>;

/// All documents of the account's own policies. Of tags and descriptions it says nothing.
pub(super) async fn documents(cx: &Cx<Aws>) -> Result<Option<Arc<Documents>>> {
    let ask = || async {
        let mut documents = Documents::new();
        let details = cx.iam().get_account_authorization_details();
        let details = details.filter(EntityType::LocalManagedPolicy);
        let mut pages = details.into_paginator().page_size(PAGE).send();
        while let Some(page) = pages.next().await {
            for policy in page.classify()?.policies.unwrap_or_default() {
                let arn = policy.arn.unwrap_or_default();
                for version in policy.policy_version_list.unwrap_or_default() {
                    let (id, document) = (version.version_id, version.document);
                    if let (Some(id), Some(document)) = (id, document) {
                        documents.insert((arn.clone(), id), document);
                    }
                }
            }
        }
        Ok(documents)
    };
    allowed(cx.memo("iam:documents", ask).await)
}

/// Nothing where the list is denied.
fn allowed<T>(listed: Result<Arc<T>>) -> Result<Option<Arc<T>>> {
    match listed {
        Err(e) if e.class() == Class::Denied => Ok(None),
        listed => listed.map(Some),
    }
}

impl Account {
    /// The role of this name.
    pub(super) fn role(&self, name: &str) -> Option<&RoleDetail> {
        self.roles.iter().find(|role| role.role_name() == Some(name))
    }

    /// The stack's roles.
    pub(super) fn roles_of<'a>(
        &'a self,
        stack: &'a StackName,
    ) -> impl Iterator<Item = &'a RoleDetail> {
        self.roles.iter().filter(|role| has_tags_of(role.tags(), stack))
    }

    /// The names of the stack's users.
    pub(super) fn users_of(&self, stack: &StackName) -> Vec<String> {
        let ours = self.users.iter().filter(|user| has_tags_of(user.tags(), stack));
        ours.filter_map(|user| user.user_name.clone()).collect()
    }

    /// Roles and the names of their inline policies that begin like this.
    pub(super) fn policies_like<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let policies = self.roles.iter().flat_map(|role| {
            let names = role.role_policy_list().iter().filter_map(|policy| policy.policy_name());
            names.map(|policy| (role.role_name().unwrap_or_default(), policy))
        });
        policies.filter(move |(_, policy)| policy.starts_with(prefix))
    }
}

fn has_tags_of(tags: &[Tag], stack: &StackName) -> bool {
    let tags: BTreeMap<_, _> = tag::map(tags);
    carries(&tags, stack)
}
