//! EKS: clusters, their nodes, add-ons and who may do what.
//!
//! [`Cluster`] is the control plane; [`NodeGroup`]s bring machines; [`Addon`]s are AWS's software in it;
//! [`AccessEntry`]s let IAM principals in; [`PodIdentityAssociation`]s give pods a role. EKS takes one change at a
//! time for a cluster, and refuses the second as in use, which is tried again.
//!
//! **Invariant:** one kind of change a call. What else is due is sent when the engine tries again: until then the
//! verb answers `Conflict`.

mod access_entry;
mod addon;
mod addon_version;
mod cluster;
mod cluster_versions;
mod node_group;
mod pod_identity_association;
mod search;
mod tagging;
#[cfg(all(test, feature = "simulated", feature = "ec2", feature = "iam"))]
mod tests;
mod types;

pub use access_entry::{
    AccessEntry, AccessEntryDecl, AccessEntryOutputs, AccessPolicy, AccessPolicyDecl,
};
pub use addon::{Addon, AddonDecl, AddonIdentity, AddonIdentityDecl, AddonOutputs};
pub use addon_version::{AddonVersion, AddonVersionDecl, AddonVersionOutputs};
pub use cluster::{Cluster, ClusterDecl, ClusterOutputs};
pub use cluster_versions::{ClusterVersions, ClusterVersionsDecl, ClusterVersionsOutputs};
pub use node_group::{
    LaunchTemplateVersion, LaunchTemplateVersionDecl, NodeGroup, NodeGroupDecl, NodeGroupOutputs,
    Scaling, ScalingDecl, Taint, TaintDecl,
};
pub use pod_identity_association::{
    PodIdentityAssociation, PodIdentityAssociationDecl, PodIdentityAssociationOutputs,
};
pub use types::{
    AccessKind, AuthenticationMode, CapacityType, ClusterName, IpFamily, LogType, Resolve, Support,
    TaintEffect, Unavailable,
};

crate::kinds! {
    Cluster, NodeGroup, Addon, AccessEntry, PodIdentityAssociation;
    lookups: ClusterVersions, AddonVersion
}
