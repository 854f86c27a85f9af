//! Access entries.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_eks::types::{AccessScope, AccessScopeType, AssociatedAccessPolicy};
use infra_core::{
    Outputs, Resource, Value,
    provider::{Change, Cx, Error, Find, Grant, Lock, Managed, Observed, Once, Operation, Result},
    state::StackName,
};

use super::{
    AccessKind, ClusterName,
    search::{self, Member},
    tagging,
    types::{arn, split},
};
use crate::{
    Aws, batch,
    classify::Classify as _,
    policy::{Verb, grants, subject},
    tags,
    types::{Arn, spelled},
};

/// Lets an IAM principal into a cluster: `AccessEntry::new(&cluster.name, &role.arn).policies([AccessPolicy::new(admin)])`.
///
/// Another cluster, principal or kind replaces it; groups, user name and policies change in place. The cluster's
/// authentication mode must include access entries. EKS itself makes the entry of a managed node group's role.
///
/// Needs `eks:CreateAccessEntry` on the cluster; `DescribeAccessEntry`, `ListAssociatedAccessPolicies`,
/// `AssociateAccessPolicy`, `DisassociateAccessPolicy`, `UpdateAccessEntry`, `DeleteAccessEntry`, `TagResource`,
/// `UntagResource` on it.
#[derive(Resource, Clone, Debug)]
#[resource(
    kind = "aws:eks:AccessEntry",
    outputs = AccessEntryOutputs,
    delete_before_replace = "a principal has one entry in a cluster"
)]
pub struct AccessEntry {
    /// The cluster. Another replaces the entry.
    #[field(replace)]
    pub cluster: ClusterName,
    /// The role or user. Another replaces the entry.
    #[field(replace)]
    pub principal: Arn,
    /// What it is for. Another kind replaces the entry.
    #[field(replace, default = AccessKind::Standard)]
    pub kind: AccessKind,
    /// Groups of Kubernetes that role bindings name.
    #[field(set)]
    pub groups: Vec<String>,
    /// The user name in Kubernetes.
    #[field(computed)]
    pub username: Option<String>,
    /// What it may do, by AWS's access policies.
    #[field(key = "policy")]
    pub policies: Vec<AccessPolicy>,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// An access policy and where it holds.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub struct AccessPolicy {
    /// The policy, `arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy`.
    pub policy: Arn,
    /// The namespaces it holds in; in all of the cluster if left out.
    #[field(set)]
    pub namespaces: Vec<String>,
}

/// What an access entry gives.
#[derive(Outputs, Clone, Debug)]
pub struct AccessEntryOutputs {
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
    /// The principal, once it is let in.
    #[output(stable)]
    pub principal: Arn,
}

impl AccessPolicy {
    fn scope(&self) -> AccessScope {
        if self.namespaces.is_empty() {
            return AccessScope::builder().r#type(AccessScopeType::Cluster).build();
        }
        let scope = AccessScope::builder().r#type(AccessScopeType::Namespace);
        scope.set_namespaces(Some(self.namespaces.clone())).build()
    }

    fn of(found: &AssociatedAccessPolicy) -> Option<Self> {
        let namespaces = found.access_scope().map_or(&[][..], AccessScope::namespaces).to_vec();
        Some(Self { policy: Arn::trusted(found.policy_arn()?), namespaces })
    }
}

impl AccessEntry {
    fn id(&self) -> String {
        format!("{}/{}", self.cluster, self.principal)
    }

    async fn policies(
        cx: &Cx<Aws>,
        cluster: &ClusterName,
        principal: &str,
    ) -> Result<Vec<AccessPolicy>> {
        let list = cx.eks().list_associated_access_policies().cluster_name(cluster.as_str());
        let mut pages = list.principal_arn(principal).into_paginator().send();
        let mut policies = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.found()?;
            let found = page.iter().flat_map(aws_sdk_eks::operation::list_associated_access_policies::ListAssociatedAccessPoliciesOutput::associated_access_policies);
            policies.extend(found.filter_map(AccessPolicy::of));
        }
        Ok(policies)
    }

    async fn read_one(cx: &Cx<Aws>, find: &Find<'_, Self>) -> Result<Option<Observed<Self>>> {
        let id = match find {
            Find::Id { id, .. } => (*id).to_owned(),
            Find::Made { want, .. } => want.id(),
        };
        let (cluster, principal) = split(&id)?;
        let describe = cx
            .eks()
            .describe_access_entry()
            .cluster_name(cluster.as_str())
            .principal_arn(principal);
        let Some(found) = describe.send().await.found()?.and_then(|answer| answer.access_entry)
        else {
            return Ok(None);
        };
        let policies = Self::policies(cx, &cluster, principal).await?;
        let all_tags = tagging::map(found.tags());
        let live = Self {
            principal: Arn::trusted(principal),
            kind: found.r#type().map_or(Ok(AccessKind::Standard), spelled)?,
            groups: found.kubernetes_groups().to_vec(),
            username: found.username().map(str::to_owned),
            policies,
            tags: tags::visible(&all_tags),
            cluster,
        };
        let outputs = AccessEntryOutputs {
            arn: Arn::trusted(found.access_entry_arn().unwrap_or_default()),
            principal: live.principal.clone(),
        };
        Ok(Some(Observed::ready(id, live, outputs).owned_by(&all_tags)))
    }

    async fn update_policies(cx: &Cx<Aws>, live: &Self, want: &Self) -> Result<()> {
        for policy in want.policies.iter().filter(|policy| !live.policies.contains(policy)) {
            // With another scope: associating again changes it.
            let associate = cx.eks().associate_access_policy().cluster_name(want.cluster.as_str());
            let associate =
                associate.principal_arn(want.principal.as_str()).policy_arn(policy.policy.as_str());
            associate.access_scope(policy.scope()).send().await.classify()?;
        }
        let kept = |arn: &Arn| want.policies.iter().any(|policy| policy.policy == *arn);
        for policy in live.policies.iter().filter(|policy| !kept(&policy.policy)) {
            let call = cx.eks().disassociate_access_policy().cluster_name(want.cluster.as_str());
            let call =
                call.principal_arn(want.principal.as_str()).policy_arn(policy.policy.as_str());
            call.send().await.gone()?;
        }
        Ok(())
    }
}

impl Managed for AccessEntry {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        batch::each(find, |find| Self::read_one(cx, find)).await
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        search::members_of(cx, stack, Member::AccessEntry).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let create = cx
            .eks()
            .create_access_entry()
            .cluster_name(want.cluster.as_str())
            .principal_arn(want.principal.as_str())
            .r#type(want.kind.as_str())
            .set_kubernetes_groups((!want.groups.is_empty()).then(|| want.groups.clone()))
            .set_username(want.username.clone())
            .set_tags(Some(tagging::list(cx.tags(&want.tags, op))))
            .client_request_token(op.token());
        create.send().await.classify()?;
        Ok(want.id())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, op: &Operation) -> Result<()> {
        let (want, have) = (change.want()?, change.have()?);
        if change.touches(Self::GROUPS) || change.touches(Self::USERNAME) {
            let update = cx
                .eks()
                .update_access_entry()
                .cluster_name(want.cluster.as_str())
                .principal_arn(want.principal.as_str())
                .set_kubernetes_groups(Some(want.groups.clone()))
                .set_username(want.username.clone())
                .client_request_token(op.token());
            update.send().await.classify()?;
        }
        if change.touches(Self::POLICIES) {
            Self::update_policies(cx, &have.live, want).await?;
        }
        if change.touches(Self::TAGS) {
            let outputs = have
                .outputs
                .as_ref()
                .ok_or_else(|| Error::invalid("an access entry without an ARN"))?;
            tagging::update(cx, outputs.arn.as_str(), &have.live.tags, &want.tags).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        let (cluster, principal) = split(&have.id)?;
        let delete = cx.eks().delete_access_entry().cluster_name(cluster);
        delete.principal_arn(principal).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let cluster = subject(change).map_or("*", |entry| entry.cluster.as_str());
        let on_cluster = arn(&format!("cluster/{cluster}"));
        let this = arn(&format!("access-entry/{cluster}/*"));
        let reads = ["eks:DescribeAccessEntry", "eks:ListAssociatedAccessPolicies"];
        let mut all = grants(&*this, reads);
        match Verb::of(change) {
            Verb::Search => {
                return search::grants(&["eks:ListAccessEntries", "eks:DescribeAccessEntry"]);
            }
            Verb::Read => {}
            Verb::Create => {
                all.extend(grants(on_cluster, ["eks:CreateAccessEntry"]));
                all.extend(grants(this, ["eks:TagResource"]));
            }
            Verb::Update => {
                let actions = ["eks:UpdateAccessEntry", "eks:TagResource", "eks:UntagResource"];
                let policies = ["eks:AssociateAccessPolicy", "eks:DisassociateAccessPolicy"];
                all.extend(grants(this, actions.into_iter().chain(policies)));
            }
            Verb::Delete => all.extend(grants(this, ["eks:DeleteAccessEntry"])),
        }
        all
    }

    fn serialize_on(want: &Self) -> Option<Lock> {
        Some(want.cluster.lock("access"))
    }

    fn once() -> Once {
        Once { token: Some(Duration::from_hours(24)), by_name: true, ..Once::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_come_back_as_they_went() {
        let arn = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";
        for namespaces in [vec![], vec!["web".to_owned()]] {
            let policy = AccessPolicy { policy: Arn::trusted(arn), namespaces };
            let found = AssociatedAccessPolicy::builder()
                .policy_arn(arn)
                .access_scope(policy.scope())
                .build();
            assert_eq!(AccessPolicy::of(&found), Some(policy));
        }
    }
}
