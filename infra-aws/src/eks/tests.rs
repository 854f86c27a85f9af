//! The verbs of `eks` over the embedded AWS.

use std::sync::Arc;

use serde_json::json;

use super::{
    AccessEntry, Addon, AddonVersion, Cluster, ClusterVersions, NodeGroup, PodIdentityAssociation,
};
use crate::{
    Aws,
    exercise::{bring, delete, make, network, operation, role, want},
};
use infra_core::provider::{Cx, Lookup as _, Managed as _};

#[tokio::test]
async fn a_cluster_with_all_that_is_in_it() {
    let aws = Aws::test().await;
    let net = network(&aws).await;
    let cluster_role = role(&aws, "cluster", "eks.amazonaws.com").await;
    let node_role = role(&aws, "node", "ec2.amazonaws.com").await;
    let pod_role = role(&aws, "pod", "pods.eks.amazonaws.com").await;
    let other_role = role(&aws, "other", "pods.eks.amazonaws.com").await;
    let declared = json!({
        "name": "prod", "role": cluster_role, "version": "1.34", "subnets": net.subnets, "logs": ["api", "audit"],
        "tags": {"a": "1"}
    });
    let with = |changes: serde_json::Value| -> Cluster {
        let mut json = declared.clone();
        json.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        want(json)
    };
    let made = make(&aws, &with(json!({}))).await;
    let outputs = made.outputs.clone().unwrap();
    assert!(outputs.endpoint.starts_with("https://") && !outputs.certificate_authority.is_empty());
    assert!(outputs.oidc_issuer.starts_with("https://"), "{}", outputs.oidc_issuer);
    // Many kinds of change at once: one after the other.
    let changed = with(json!({
        "version": "1.35", "public_access": true, "public_cidrs": ["192.0.2.0/24"], "logs": ["scheduler"],
        "security_groups": [net.group], "deletion_protection": true, "support": "STANDARD", "zonal_shift": true,
        "tags": {"b": "2"}
    }));
    let protected = bring(&aws, "prod", &changed).await;
    let cx = Cx::new(Arc::clone(&aws));
    let refused = Cluster::delete(&cx, &protected, &changed, &operation::<Cluster>()).await;
    assert!(refused.unwrap_err().to_string().contains("deletion_protection(false)"));

    let addon: Addon = want(json!({
        "cluster": "prod", "name": "vpc-cni", "configuration": "{ \"env\": {\"A\": \"1\"} }", "tags": {"a": "1"}
    }));
    let addon_made = make(&aws, &addon).await;
    assert!(!addon_made.outputs.as_ref().unwrap().version.is_empty());
    let addon = Addon { configuration: Some("{}".to_owned()), tags: [].into(), ..addon };
    let addon_made = bring(&aws, &addon_made.id, &addon).await;

    let nodes: NodeGroup = want(json!({
        "cluster": "prod", "node_role": node_role, "scaling": {"min": 1, "max": 3, "desired": 2}, "name": "a",
        "subnets": net.subnets, "labels": {"tier": "app"},
        "taints": [{"key": "k", "effect": "NO_SCHEDULE", "value": "v"}], "tags": {"a": "1"}
    }));
    let nodes_made = make(&aws, &nodes).await;
    assert_eq!(nodes_made.outputs.as_ref().unwrap().auto_scaling_groups.len(), 1);
    let other: NodeGroup = want(json!({
        "cluster": "prod", "node_role": node_role, "scaling": {"min": 2, "max": 4, "desired": 3}, "name": "a",
        "subnets": net.subnets, "labels": {"tier": "web", "x": "y"}, "max_unavailable": {"percentage": 50},
        "repair": true, "tags": {"b": "2"}
    }));
    let nodes_made = bring(&aws, &nodes_made.id, &other).await;

    let view = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";
    let admin = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy";
    let entry: AccessEntry = want(json!({
        "cluster": "prod", "principal": pod_role, "groups": ["readers"],
        "policies": [{"policy": view, "namespaces": ["web"]}], "tags": {"a": "1"}
    }));
    let entry_made = make(&aws, &entry).await;
    let entry: AccessEntry = want(json!({
        "cluster": "prod", "principal": pod_role, "username": "somebody",
        "policies": [{"policy": view, "namespaces": ["web", "api"]}, {"policy": admin}]
    }));
    let entry_made = bring(&aws, &entry_made.id, &entry).await;

    let identity: PodIdentityAssociation = want(json!({
        "cluster": "prod", "namespace": "web", "service_account": "api", "role": pod_role, "tags": {"a": "1"}
    }));
    let identity_made = make(&aws, &identity).await;
    let identity: PodIdentityAssociation = want(json!({
        "cluster": "prod", "namespace": "web", "service_account": "api", "role": other_role,
        "disable_session_tags": true
    }));
    let identity_made = bring(&aws, &identity_made.id, &identity).await;

    delete(&aws, &identity_made, &identity).await;
    delete(&aws, &entry_made, &entry).await;
    // A cluster with nodes stays.
    let open =
        bring(&aws, "prod", &Cluster { deletion_protection: false, ..changed.clone() }).await;
    let refused = Cluster::delete(&cx, &open, &changed, &operation::<Cluster>()).await;
    assert!(refused.unwrap_err().class().is_retryable());
    delete(&aws, &nodes_made, &other).await;
    delete(&aws, &addon_made, &addon).await;
    delete(&aws, &open, &changed).await;
}

#[tokio::test]
async fn versions_are_looked_up() {
    let cx = Cx::new(Aws::test().await);
    let clusters =
        ClusterVersions::look_up(&cx, &ClusterVersions { extended: false }).await.unwrap();
    assert!(clusters.all.contains(&clusters.default), "{clusters:?}");
    let (name, kubernetes) = ("vpc-cni".to_owned(), clusters.default);
    let addon = AddonVersion::look_up(&cx, &AddonVersion { name, kubernetes }).await.unwrap();
    assert!(addon.default.starts_with('v'), "{addon:?}");
}
