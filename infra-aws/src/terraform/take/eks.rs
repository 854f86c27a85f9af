//! Clusters and what is in them: `CLUSTER:NAME` there, `CLUSTER/NAME` here.

use infra_core::{
    state::Value,
    transfer::terraform::{Import, Instance, Piece},
};

use super::{
    attributes::{Taken, need},
    imports::Line,
};

pub(super) fn imports() -> Vec<Line> {
    vec![
        ("aws_eks_cluster", Import::Objects(cluster)),
        ("aws_eks_node_group", Import::Objects(node_group)),
        ("aws_eks_addon", Import::Objects(addon)),
        (
            "aws_eks_access_entry",
            Import::Objects(|it| {
                member(it, "aws:eks:AccessEntry", "principal_arn").map(|it| vec![it])
            }),
        ),
        ("aws_eks_access_policy_association", Import::Part("the aws_eks_access_entry")),
        (
            "aws_eks_pod_identity_association",
            Import::Objects(|it| {
                member(it, "aws:eks:PodIdentityAssociation", "association_id").map(|it| vec![it])
            }),
        ),
    ]
}

fn member(it: &Instance, kind: &str, name: &str) -> Result<Piece, String> {
    Ok(Piece::new(kind, format!("{}/{}", need(it, "cluster_name")?, need(it, name)?)))
}

fn cluster(it: &Instance) -> Taken {
    let piece = Piece::new("aws:eks:Cluster", need(it, "name")?);
    Ok(vec![piece.known("self_managed_addons", it.attribute("bootstrap_self_managed_addons"))])
}

fn node_group(it: &Instance) -> Taken {
    let piece = member(it, "aws:eks:NodeGroup", "node_group_name")?;
    Ok(vec![piece.known("force_update", it.attribute("force_update_version"))])
}

fn addon(it: &Instance) -> Taken {
    let piece = member(it, "aws:eks:Addon", "addon_name")?;
    // One attribute up to version 5 of the provider.
    let resolve = it.text("resolve_conflicts_on_update").or_else(|| it.text("resolve_conflicts"));
    let resolve = resolve.map(Value::from);
    let piece = piece.known("preserve", it.attribute("preserve"));
    Ok(vec![piece.known("resolve_conflicts", resolve.as_ref())])
}
