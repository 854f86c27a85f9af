//! Finding what a stack owns of a region's clusters and of what is in them.

use std::sync::Arc;

use aws_sdk_eks::types::AuthenticationMode;
use infra_core::{
    provider::{Cx, Grant, Managed, Observed, Result},
    state::StackName,
};

use super::tagging::{self, Tags};
use crate::{
    Aws, batch,
    classify::Classify as _,
    owned::{self, answered, carries, is_named_like},
};

/// What is in a cluster.
#[derive(Clone, Copy)]
pub(super) enum Member {
    NodeGroup,
    Addon,
    AccessEntry,
    PodIdentityAssociation,
}

/// What a search needs to know of a cluster.
struct Found {
    tags: Tags,
    /// Whether it has access entries at all: EKS refuses to list those of a cluster that knows its config map only.
    entries: bool,
}

/// What such a search needs: the clusters, and what lists one of them.
pub(super) fn grants(actions: &[&'static str]) -> Vec<Grant> {
    let all = ["eks:ListClusters", "eks:DescribeCluster"].into_iter();
    crate::policy::grants("*", all.chain(actions.iter().copied()))
}

/// Every cluster of the region, without those that shut us out.
async fn clusters(cx: &Cx<Aws>, stack: &StackName) -> Result<Arc<Vec<(String, Found)>>> {
    let list = || async {
        let mut pages = cx.eks().list_clusters().into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            names.extend(page.classify()?.clusters.unwrap_or_default());
        }
        let found = batch::each(&names, |name| describe(cx, name)).await;
        answered(names, found, |name| is_named_like(stack, name))
    };
    cx.memo(&format!("eks:clusters:{stack}"), list).await
}

async fn describe(cx: &Cx<Aws>, cluster: &str) -> Result<Option<Found>> {
    let answer = cx.eks().describe_cluster().name(cluster).send().await.found()?;
    Ok(answer.and_then(|answer| answer.cluster).map(|cluster| {
        let mode = cluster.access_config().and_then(|access| access.authentication_mode());
        let entries = mode.is_some_and(|mode| *mode != AuthenticationMode::ConfigMap);
        Found { tags: tagging::map(cluster.tags()), entries }
    }))
}

/// The names of the stack's clusters.
pub(super) async fn clusters_of(cx: &Cx<Aws>, stack: &StackName) -> Result<Vec<String>> {
    let clusters = clusters(cx, stack).await?;
    let ours = clusters.iter().filter(|(_, found)| carries(&found.tags, stack));
    Ok(ours.map(|(name, _)| name.clone()).collect())
}

/// What the stack owns of one kind in all clusters: a stack may own nodes in a cluster that another one made.
pub(super) async fn members_of<R: Managed<Cloud = Aws>>(
    cx: &Cx<Aws>,
    stack: &StackName,
    member: Member,
) -> Result<Option<Vec<Observed<R>>>> {
    let clusters = clusters(cx, stack).await?;
    let able = |found: &Found| found.entries || !matches!(member, Member::AccessEntry);
    let clusters: Vec<_> = clusters.iter().filter(|(_, found)| able(found)).collect();
    let lists = batch::each(&clusters, |(cluster, _)| member.list(cx, cluster)).await;
    let lists = answered(clusters, lists, |(_, found)| carries(&found.tags, stack))?;
    let all = lists.into_iter().flat_map(|((cluster, found), names)| {
        let ours = carries(&found.tags, stack);
        names.into_iter().map(move |name| (cluster, name, ours))
    });
    let all: Vec<(&String, String, bool)> = all.collect();
    let tags = batch::each(&all, |(cluster, name, _)| member.tags(cx, cluster, name)).await;
    let found = answered(&all, tags, |(_, _, ours)| *ours)?;
    let found = found.into_iter().filter(|(_, tags)| carries(tags, stack));
    let ids = found.map(|((cluster, name, _), _)| format!("{cluster}/{name}")).collect();
    owned::read(cx, ids).await
}

impl Member {
    /// What there is in a cluster, by the rest of the id; `None` where the cluster has just gone.
    async fn list(self, cx: &Cx<Aws>, cluster: &str) -> Result<Option<Vec<String>>> {
        let eks = cx.eks();
        let mut all = Vec::new();
        let mut token = None;
        loop {
            let (names, next) = match self {
                Self::NodeGroup => {
                    let list = eks.list_nodegroups().cluster_name(cluster).set_next_token(token);
                    let Some(page) = list.send().await.found()? else { return Ok(None) };
                    (page.nodegroups.unwrap_or_default(), page.next_token)
                }
                Self::Addon => {
                    let list = eks.list_addons().cluster_name(cluster).set_next_token(token);
                    let Some(page) = list.send().await.found()? else { return Ok(None) };
                    (page.addons.unwrap_or_default(), page.next_token)
                }
                Self::AccessEntry => {
                    let list = eks.list_access_entries().cluster_name(cluster);
                    let page = list.set_next_token(token).send().await.found()?;
                    let Some(page) = page else { return Ok(None) };
                    (page.access_entries.unwrap_or_default(), page.next_token)
                }
                Self::PodIdentityAssociation => {
                    let list = eks.list_pod_identity_associations().cluster_name(cluster);
                    let page = list.set_next_token(token).send().await.found()?;
                    let Some(page) = page else { return Ok(None) };
                    let found = page.associations.unwrap_or_default().into_iter();
                    (found.filter_map(|it| it.association_id).collect(), page.next_token)
                }
            };
            all.extend(names);
            token = next.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(Some(all));
            }
        }
    }

    /// Its tags, which only a call for each gives.
    async fn tags(self, cx: &Cx<Aws>, cluster: &str, name: &str) -> Result<Option<Tags>> {
        let eks = cx.eks();
        let tags = match self {
            Self::NodeGroup => {
                let describe = eks.describe_nodegroup().cluster_name(cluster).nodegroup_name(name);
                let found = describe.send().await.found()?.and_then(|answer| answer.nodegroup);
                found.map(|found| tagging::map(found.tags()))
            }
            Self::Addon => {
                let describe = eks.describe_addon().cluster_name(cluster).addon_name(name);
                let found = describe.send().await.found()?.and_then(|answer| answer.addon);
                found.map(|found| tagging::map(found.tags()))
            }
            Self::AccessEntry => {
                let describe = eks.describe_access_entry().cluster_name(cluster);
                let found = describe.principal_arn(name).send().await.found()?;
                found.and_then(|answer| answer.access_entry).map(|it| tagging::map(it.tags()))
            }
            Self::PodIdentityAssociation => {
                let describe = eks.describe_pod_identity_association().cluster_name(cluster);
                let found = describe.association_id(name).send().await.found()?;
                found.and_then(|answer| answer.association).map(|it| tagging::map(it.tags()))
            }
        };
        Ok(tags)
    }
}
