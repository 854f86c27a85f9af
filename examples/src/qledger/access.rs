//! Who may use the Kubernetes API.

use infra_aws::{
    eks,
    eks::{AccessEntryDecl, ClusterName},
    types::Arn,
};
use infra_core::{prelude::*, program::IntoInput, state::Urn};

use super::Config;

/// Lets in who is named beside the one who makes the cluster. What is in the cluster comes after that, and goes before it.
pub(super) fn access(stack: &mut Stack, config: &Config, eks: &Handle<eks::Cluster>) -> Vec<Urn> {
    let mut entries = Vec::new();
    for (at, admin) in config.admins.iter().enumerate() {
        // Who makes the cluster is let in by that, and may be named too: then that entry is this one.
        let entry = administers(&eks.name, Arn::trusted(admin)).adopt();
        entries.push(stack.add(format!("admin-{at}"), entry).urn().clone());
    }
    for (at, viewer) in config.viewers.iter().enumerate() {
        let entry = looks(&eks.name, Arn::trusted(viewer));
        entries.push(stack.add(format!("viewer-{at}"), entry).urn().clone());
    }
    entries
}

/// An entry for somebody who only looks. It reads everything, the cluster's secrets too, as everybody can who may plan; it
/// changes nothing.
pub(super) fn looks(cluster: &Output<ClusterName>, who: impl IntoInput<Arn>) -> AccessEntryDecl {
    let view = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminViewPolicy";
    eks::AccessEntry::new(cluster, who).policies([eks::AccessPolicy::new(Arn::trusted(view))])
}

/// An entry for somebody who may do everything in the cluster.
pub(super) fn administers(
    cluster: &Output<ClusterName>,
    who: impl IntoInput<Arn>,
) -> AccessEntryDecl {
    let administer = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy";
    eks::AccessEntry::new(cluster, who).policies([eks::AccessPolicy::new(Arn::trusted(administer))])
}
