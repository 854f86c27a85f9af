//! What the account holds of roles and users, and what of it is a stack's.

use std::{collections::BTreeMap, sync::Arc};

use aws_sdk_iam::types::{EntityType, RoleDetail, Tag, UserDetail};
use infra_core::{
    provider::{Cx, Grant, Result},
    state::StackName,
};

use super::tag;
use crate::{Aws, classify::Classify as _, owned::carries};

/// All roles and users. IAM's lists come without tags and without inline policies; this one call has both.
pub(super) struct Account {
    roles: Vec<RoleDetail>,
    users: Vec<UserDetail>,
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
        let mut pages = details.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.classify()?;
            roles.extend(page.role_detail_list.unwrap_or_default());
            users.extend(page.user_detail_list.unwrap_or_default());
        }
        Ok(Account { roles, users })
    };
    cx.memo("iam:account", ask).await
}

impl Account {
    /// The names of the stack's roles.
    pub(super) fn roles_of(&self, stack: &StackName) -> Vec<String> {
        let ours = self.roles.iter().filter(|role| has_tags_of(role.tags(), stack));
        ours.filter_map(|role| role.role_name.clone()).collect()
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
