//! Methods and paths to operations, and operations to models.

use serde_json::Value;

use super::{access_entry, addon, catalogue, cluster, nodegroup, pod_identity, tag, update};
use crate::services::Access;
use crate::wire::{ApiCall, Failure, Outcome, fail};

/// The operation of a request.
pub(crate) fn operation(call: &ApiCall) -> &'static str {
    let segments = call.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (call.method.as_str(), &path[..]) {
        ("POST", ["clusters"]) => "CreateCluster",
        ("GET", ["clusters"]) => "ListClusters",
        ("GET", ["clusters", _]) => "DescribeCluster",
        ("DELETE", ["clusters", _]) => "DeleteCluster",
        ("POST", ["clusters", _, "update-config"]) => "UpdateClusterConfig",
        ("POST", ["clusters", _, "updates"]) => "UpdateClusterVersion",
        ("GET", ["clusters", _, "updates"]) => "ListUpdates",
        ("GET", ["clusters", _, "updates", _]) => "DescribeUpdate",
        ("POST", ["clusters", _, "encryption-config", "associate"]) => "AssociateEncryptionConfig",
        ("POST", ["clusters", _, "node-groups"]) => "CreateNodegroup",
        ("GET", ["clusters", _, "node-groups"]) => "ListNodegroups",
        ("GET", ["clusters", _, "node-groups", _]) => "DescribeNodegroup",
        ("DELETE", ["clusters", _, "node-groups", _]) => "DeleteNodegroup",
        ("POST", ["clusters", _, "node-groups", _, "update-config"]) => "UpdateNodegroupConfig",
        ("POST", ["clusters", _, "node-groups", _, "update-version"]) => "UpdateNodegroupVersion",
        ("POST", ["clusters", _, "addons"]) => "CreateAddon",
        ("GET", ["clusters", _, "addons"]) => "ListAddons",
        ("GET", ["clusters", _, "addons", _]) => "DescribeAddon",
        ("DELETE", ["clusters", _, "addons", _]) => "DeleteAddon",
        ("POST", ["clusters", _, "addons", _, "update"]) => "UpdateAddon",
        ("GET", ["addons", "supported-versions"]) => "DescribeAddonVersions",
        ("GET", ["addons", "configuration-schemas"]) => "DescribeAddonConfiguration",
        ("GET", ["cluster-versions"]) => "DescribeClusterVersions",
        ("GET", ["access-policies"]) => "ListAccessPolicies",
        ("POST", ["clusters", _, "access-entries"]) => "CreateAccessEntry",
        ("GET", ["clusters", _, "access-entries"]) => "ListAccessEntries",
        ("GET", ["clusters", _, "access-entries", _]) => "DescribeAccessEntry",
        ("POST", ["clusters", _, "access-entries", _]) => "UpdateAccessEntry",
        ("DELETE", ["clusters", _, "access-entries", _]) => "DeleteAccessEntry",
        ("POST", ["clusters", _, "access-entries", _, "access-policies"]) => {
            "AssociateAccessPolicy"
        }
        ("GET", ["clusters", _, "access-entries", _, "access-policies"]) => {
            "ListAssociatedAccessPolicies"
        }
        ("DELETE", ["clusters", _, "access-entries", _, "access-policies", _]) => {
            "DisassociateAccessPolicy"
        }
        ("POST", ["clusters", _, "pod-identity-associations"]) => "CreatePodIdentityAssociation",
        ("GET", ["clusters", _, "pod-identity-associations"]) => "ListPodIdentityAssociations",
        ("GET", ["clusters", _, "pod-identity-associations", _]) => {
            "DescribePodIdentityAssociation"
        }
        ("POST", ["clusters", _, "pod-identity-associations", _]) => "UpdatePodIdentityAssociation",
        ("DELETE", ["clusters", _, "pod-identity-associations", _]) => {
            "DeletePodIdentityAssociation"
        }
        ("POST", ["tags", _]) => "TagResource",
        ("GET", ["tags", _]) => "ListTagsForResource",
        ("DELETE", ["tags", _]) => "UntagResource",
        _ => "",
    }
}

pub(crate) fn answer(access: &mut Access<'_>) -> Outcome {
    let path = access.call.segments();
    let part = |n: usize| path.get(n).map(String::as_str).unwrap_or_default();
    let (name, item, last) = (part(1), part(3), part(5));
    match access.call.operation.as_str() {
        "CreateCluster" => cluster::create(access),
        "ListClusters" => Ok(cluster::list(access)),
        "DescribeCluster" => cluster::describe(access, name),
        "DeleteCluster" => cluster::delete(access, name),
        "UpdateClusterConfig" => cluster::update_config(access, name),
        "UpdateClusterVersion" => cluster::update_version(access, name),
        "AssociateEncryptionConfig" => cluster::encrypt(access, name),
        "ListUpdates" => update::list(access, name),
        "DescribeUpdate" => update::describe(access, name, item),
        "CreateNodegroup" => nodegroup::create(access, name),
        "ListNodegroups" => nodegroup::list(access, name),
        "DescribeNodegroup" => nodegroup::describe(access, name, item),
        "DeleteNodegroup" => nodegroup::delete(access, name, item),
        "UpdateNodegroupConfig" => nodegroup::update_config(access, name, item),
        "UpdateNodegroupVersion" => nodegroup::update_version(access, name, item),
        "CreateAddon" => addon::create(access, name),
        "ListAddons" => addon::list(access, name),
        "DescribeAddon" => addon::describe(access, name, item),
        "DeleteAddon" => addon::delete(access, name, item),
        "UpdateAddon" => addon::update(access, name, item),
        "DescribeAddonVersions" => Ok(catalogue::addon_versions(access)),
        "DescribeAddonConfiguration" => Ok(catalogue::addon_configuration(access)),
        "DescribeClusterVersions" => Ok(catalogue::cluster_versions(access)),
        "ListAccessPolicies" => Ok(catalogue::access_policies()),
        "CreateAccessEntry" => access_entry::create(access, name),
        "ListAccessEntries" => access_entry::list(access, name),
        "DescribeAccessEntry" => access_entry::describe(access, name, item),
        "UpdateAccessEntry" => access_entry::update(access, name, item),
        "DeleteAccessEntry" => access_entry::delete(access, name, item),
        "AssociateAccessPolicy" => access_entry::associate(access, name, item),
        "ListAssociatedAccessPolicies" => access_entry::policies(access, name, item),
        "DisassociateAccessPolicy" => access_entry::disassociate(access, name, item, last),
        "CreatePodIdentityAssociation" => pod_identity::create(access, name),
        "ListPodIdentityAssociations" => pod_identity::list(access, name),
        "DescribePodIdentityAssociation" => pod_identity::describe(access, name, item),
        "UpdatePodIdentityAssociation" => pod_identity::update(access, name, item),
        "DeletePodIdentityAssociation" => pod_identity::delete(access, name, item),
        "TagResource" => tag::put(access, name),
        "ListTagsForResource" => tag::list(access, name),
        "UntagResource" => tag::remove(access, name),
        _ => Err(fail("InvalidRequestException", format!("no EKS path {}", access.call.path))),
    }
}

pub(super) fn missing(what: &str, name: &str) -> Failure {
    fail("ResourceNotFoundException", format!("No {what} found for name: {name}.")).status(404)
}

pub(super) fn in_use(message: impl Into<String>) -> Failure {
    fail("ResourceInUseException", message).status(409)
}

pub(super) fn invalid(message: impl Into<String>) -> Failure {
    fail("InvalidParameterException", message)
}

pub(super) fn refused(message: impl Into<String>) -> Failure {
    fail("InvalidRequestException", message)
}

/// What an earlier create call with the same token made: the answer is that object again.
pub(super) fn repeated(input: &Value, old: &Value) -> Result<bool, Failure> {
    let token = &input["clientRequestToken"];
    if token.is_null() || *token != old["_token"] {
        return Ok(false);
    }
    if *input == old["_asked"] {
        return Ok(true);
    }
    Err(invalid("IdempotentParameterMismatch: the token was used with other parameters"))
}
