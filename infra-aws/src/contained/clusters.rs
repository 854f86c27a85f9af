//! EKS clusters and what is in them.

use aws_sdk_eks::{
    operation::describe_access_entry::DescribeAccessEntryOutput,
    types::{AuthenticationMode, Cluster},
};
use infra_core::provider::{Contained, Cx, Result};
use tokio::try_join;

use super::object::{Tags, named, object, part_of};
use crate::{Aws, batch, classify::Classify as _};

/// Adds the clusters of the VPC to `all`, and says of what is there that it came with them.
pub(super) async fn clusters(cx: &Cx<Aws>, vpc: &str, all: &mut Vec<Contained>) -> Result<()> {
    let pages = cx.eks().list_clusters().into_paginator().items().send();
    let names = pages.collect::<Result<Vec<String>, _>>().await.classify()?;
    let found = batch::each(&names, |name| async move {
        cx.eks().describe_cluster().name(name).send().await.found()
    });
    for found in found.await {
        let Some(cluster) = found?.and_then(|answer| answer.cluster) else { continue };
        let network = cluster.resources_vpc_config();
        if network.and_then(|it| it.vpc_id()) != Some(vpc) {
            continue;
        }
        let Some(name) = cluster.name() else { continue };
        let group = network.and_then(|it| it.cluster_security_group_id());
        if let Some(group) = all.iter_mut().find(|it| Some(it.id.as_str()) == group) {
            group.comes_with = Some(format!("the cluster {name:?}"));
        }
        let tags = tags(cluster.tags());
        all.push(named(object("aws:eks:Cluster", name, &tags), Some(name)));
        all.extend(members(cx, name, &cluster).await?);
    }
    Ok(())
}

/// Node groups, add-ons, access entries and pod identities.
async fn members(cx: &Cx<Aws>, name: &str, cluster: &Cluster) -> Result<Vec<Contained>> {
    let eks = cx.eks();
    let groups = async {
        let pages = eks.list_nodegroups().cluster_name(name).into_paginator().items().send();
        let names = pages.collect::<Result<Vec<String>, _>>().await.classify()?;
        let found = batch::each(&names, |group| async move {
            eks.describe_nodegroup().cluster_name(name).nodegroup_name(group).send().await.found()
        });
        found.await.into_iter().collect::<Result<Vec<_>>>()
    };
    let addons = async {
        let pages = eks.list_addons().cluster_name(name).into_paginator().items().send();
        let names = pages.collect::<Result<Vec<String>, _>>().await.classify()?;
        let found = batch::each(&names, |addon| async move {
            eks.describe_addon().cluster_name(name).addon_name(addon).send().await.found()
        });
        found.await.into_iter().collect::<Result<Vec<_>>>()
    };
    let identities = async {
        let list = eks.list_pod_identity_associations().cluster_name(name);
        let pages = list.into_paginator().items().send();
        let found = pages.collect::<Result<Vec<_>, _>>().await.classify()?;
        let ids: Vec<_> = found.into_iter().filter_map(|it| it.association_id).collect();
        let found = batch::each(&ids, |id| async move {
            let describe = eks.describe_pod_identity_association().cluster_name(name);
            describe.association_id(id).send().await.found()
        });
        found.await.into_iter().collect::<Result<Vec<_>>>()
    };
    let (groups, addons, identities, entries) =
        try_join!(groups, addons, identities, entries(cx, name, cluster))?;
    let groups: Vec<_> = groups.into_iter().filter_map(|it| it?.nodegroup).collect();

    let mut all = Vec::new();
    for it in &groups {
        let Some(group) = it.nodegroup_name() else { continue };
        let found = object("aws:eks:NodeGroup", format!("{name}/{group}"), &tags(it.tags()));
        all.push(named(found, Some(group)));
    }
    for it in addons.into_iter().filter_map(|it| it?.addon) {
        let Some(addon) = it.addon_name() else { continue };
        let found = object("aws:eks:Addon", format!("{name}/{addon}"), &tags(it.tags()));
        all.push(named(found, Some(addon)));
    }
    for it in identities.into_iter().filter_map(|it| it?.association) {
        let Some(id) = it.association_id() else { continue };
        let id = format!("{name}/{id}");
        let found = object("aws:eks:PodIdentityAssociation", id, &tags(it.tags()));
        let account = it.service_account();
        all.push(part_of(named(found, account), it.owner_arn()));
    }
    for it in entries.iter().flatten().filter_map(DescribeAccessEntryOutput::access_entry) {
        let Some(principal) = it.principal_arn() else { continue };
        // EKS lets in the role of every node group that it makes, and its own.
        let node = groups.iter().any(|it| it.node_role() == Some(principal));
        let with = node.then(|| "a node group".to_owned());
        let own = principal.contains(":role/aws-service-role/").then(|| "EKS".to_owned());
        let id = format!("{name}/{principal}");
        let found = object("aws:eks:AccessEntry", id, &tags(it.tags()));
        all.push(part_of(named(found, principal.rsplit('/').next()), with.or(own)));
    }
    Ok(all)
}

/// Who is let in; nobody by an entry where the cluster knows its config map only.
async fn entries(
    cx: &Cx<Aws>,
    name: &str,
    cluster: &Cluster,
) -> Result<Vec<Option<DescribeAccessEntryOutput>>> {
    let mode = cluster.access_config().and_then(|access| access.authentication_mode());
    if mode.is_none_or(|mode| *mode == AuthenticationMode::ConfigMap) {
        return Ok(Vec::new());
    }
    let eks = cx.eks();
    let pages = eks.list_access_entries().cluster_name(name).into_paginator().items().send();
    let principals = pages.collect::<Result<Vec<String>, _>>().await.classify()?;
    let found = batch::each(&principals, |principal| async move {
        eks.describe_access_entry().cluster_name(name).principal_arn(principal).send().await.found()
    });
    found.await.into_iter().collect()
}

fn tags(tags: Option<&std::collections::HashMap<String, String>>) -> Tags {
    tags.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
}
