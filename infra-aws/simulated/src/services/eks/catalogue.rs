//! What EKS offers: Kubernetes versions, add-ons and their versions, access policies.

use serde_json::{Value, json};

use crate::services::Access;

pub(super) const DEFAULT_VERSION: &str = "1.35";

/// Version, end of standard support, end of extended support.
const VERSIONS: [(&str, &str, &str); 5] = [
    ("1.36", "2027-08-02", "2028-08-02"),
    ("1.35", "2027-03-27", "2028-03-27"),
    ("1.34", "2026-12-02", "2027-12-02"),
    ("1.33", "2026-07-29", "2027-07-29"),
    ("1.32", "2026-03-23", "2027-03-23"),
];

/// Name, newest versions first, owner, type.
const ADDONS: [(&str, [&str; 2], &str); 8] = [
    ("vpc-cni", ["v1.20.4-eksbuild.2", "v1.20.3-eksbuild.1"], "networking"),
    ("kube-proxy", ["eksbuild.4", "eksbuild.2"], "networking"),
    ("coredns", ["v1.12.4-eksbuild.1", "v1.12.3-eksbuild.1"], "networking"),
    ("eks-pod-identity-agent", ["v1.3.9-eksbuild.5", "v1.3.8-eksbuild.2"], "security"),
    ("metrics-server", ["v0.8.0-eksbuild.3", "v0.8.0-eksbuild.2"], "observability"),
    ("aws-ebs-csi-driver", ["v1.52.1-eksbuild.1", "v1.51.1-eksbuild.1"], "storage"),
    (
        "amazon-cloudwatch-observability",
        ["v4.6.0-eksbuild.1", "v4.5.0-eksbuild.1"],
        "observability",
    ),
    ("aws-guardduty-agent", ["v1.11.0-eksbuild.4", "v1.10.0-eksbuild.2"], "security"),
];

pub(super) fn is_version(version: &str) -> bool {
    VERSIONS.iter().any(|(known, ..)| *known == version)
}

/// Upgrades go one minor version at a time.
pub(super) fn follows(have: &str, wanted: &str) -> bool {
    let minor = |version: &str| -> Option<i32> { version.split_once('.')?.1.parse().ok() };
    is_version(wanted) && minor(wanted) == minor(have).map(|have| have + 1)
}

/// The versions of an add-on for a Kubernetes version, newest first.
pub(super) fn versions_of(addon: &str, kubernetes: &str) -> Vec<String> {
    let found = ADDONS.iter().find(|(name, ..)| *name == addon);
    found
        .into_iter()
        .flat_map(|(name, versions, _)| {
            versions.iter().map(|version| {
                // kube-proxy's version is the cluster's.
                if *name == "kube-proxy" {
                    format!("v{kubernetes}.0-{version}")
                } else {
                    (*version).to_owned()
                }
            })
        })
        .collect()
}

pub(super) fn addon_versions(access: &Access<'_>) -> Value {
    let call = access.call;
    let kubernetes = call.query("kubernetesVersion");
    let addons: Vec<Value> = ADDONS
        .iter()
        .filter(|(name, ..)| call.query("addonName").is_none_or(|wanted| wanted == *name))
        .map(|(name, _, kind)| {
            let versions: Vec<Value> = VERSIONS
                .iter()
                .filter(|(version, ..)| kubernetes.is_none_or(|wanted| wanted == *version))
                .flat_map(|(version, ..)| {
                    versions_of(name, version).into_iter().enumerate().map(move |(n, addon)| {
                        json!({
                            "addonVersion": addon, "architecture": ["amd64", "arm64"],
                            "computeTypes": ["ec2"], "requiresConfiguration": false,
                            "compatibilities": [{
                                "clusterVersion": version, "platformVersions": ["*"],
                                "defaultVersion": n == 0,
                            }],
                        })
                    })
                })
                .collect();
            json!({
                "addonName": name, "type": kind, "owner": "aws", "publisher": "eks",
                "addonVersions": versions,
            })
        })
        .collect();
    json!({"addons": addons})
}

pub(super) fn addon_configuration(access: &Access<'_>) -> Value {
    json!({
        "addonName": access.call.query("addonName"),
        "addonVersion": access.call.query("addonVersion"),
        "configurationSchema": "{\"$schema\":\"http://json-schema.org/draft-06/schema#\",\"type\":\"object\"}",
    })
}

pub(super) fn cluster_versions(access: &Access<'_>) -> Value {
    let query = &access.call.query;
    let wanted: Vec<&str> = query
        .iter()
        .filter(|(name, _)| name == "clusterVersions")
        .map(|(_, value)| value.as_str())
        .collect();
    let default_only = access.call.query("defaultOnly") == Some("true");
    let epoch = |day: &str| {
        format!("{day}T00:00:00Z").parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_second)
    };
    let today = jiff::Timestamp::from_second((access.now / 1000).try_into().unwrap_or(0))
        .map(|at| at.to_string())
        .unwrap_or_default();
    let versions: Vec<Value> = VERSIONS
        .iter()
        .filter(|(version, ..)| wanted.is_empty() || wanted.contains(version))
        .filter(|(version, ..)| !default_only || *version == DEFAULT_VERSION)
        .map(|(version, standard, extended)| {
            let (old, new) = if today.as_str() < *standard {
                ("standard-support", "STANDARD_SUPPORT")
            } else {
                ("extended-support", "EXTENDED_SUPPORT")
            };
            json!({
                "clusterVersion": version, "clusterType": "eks",
                "defaultPlatformVersion": "eks.1",
                "defaultVersion": *version == DEFAULT_VERSION,
                "endOfStandardSupportDate": epoch(standard),
                "endOfExtendedSupportDate": epoch(extended),
                "status": old, "versionStatus": new, "kubernetesPatchVersion": format!("{version}.0"),
            })
        })
        .collect();
    json!({"clusterVersions": versions})
}

pub(super) fn access_policies() -> Value {
    let policies: Vec<Value> = [
        "AmazonEKSClusterAdminPolicy", "AmazonEKSAdminPolicy", "AmazonEKSEditPolicy",
        "AmazonEKSViewPolicy", "AmazonEKSAdminViewPolicy",
    ]
    .iter()
    .map(|name| {
        json!({"name": name, "arn": format!("arn:aws:eks::aws:cluster-access-policy/{name}")})
    })
    .collect();
    json!({"accessPolicies": policies})
}
