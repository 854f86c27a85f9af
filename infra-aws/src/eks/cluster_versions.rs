//! Which versions of Kubernetes there are.

use aws_sdk_eks::types::{ClusterVersionInformation, VersionStatus};
use infra_core::{
    Outputs, Resource,
    provider::{Cx, Error, Grant, Lookup, Result},
};

use crate::{Aws, classify::Classify as _};

/// The versions of Kubernetes that EKS offers: `stack.lookup("versions", ClusterVersions::new())`.
///
/// Needs `eks:DescribeClusterVersions`.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:eks:ClusterVersions", outputs = ClusterVersionsOutputs)]
pub struct ClusterVersions {
    /// Whether versions in extended support are among them.
    #[field(default = false)]
    pub extended: bool,
}

/// What the versions are.
#[derive(Outputs, Clone, Debug)]
pub struct ClusterVersionsOutputs {
    /// The one EKS takes where none is declared.
    pub default: String,
    /// The newest.
    pub latest: String,
    /// All of them, the oldest first.
    pub all: Vec<String>,
}

fn minor(version: &str) -> u32 {
    version.rsplit('.').next().and_then(|minor| minor.parse().ok()).unwrap_or_default()
}

/// The outputs, from what EKS says.
fn outputs(
    versions: &[ClusterVersionInformation],
    extended: bool,
) -> Result<ClusterVersionsOutputs> {
    let offered = |version: &&ClusterVersionInformation| match version.version_status() {
        Some(VersionStatus::StandardSupport) | None => true,
        Some(VersionStatus::ExtendedSupport) => extended,
        Some(_) => false,
    };
    let offered: Vec<_> = versions.iter().filter(offered).collect();
    let name = |version: &&ClusterVersionInformation| version.cluster_version().map(str::to_owned);
    let mut all: Vec<String> = offered.iter().filter_map(name).collect();
    all.sort_by_key(|version| minor(version));
    let latest = all.last().cloned();
    let latest = latest.ok_or_else(|| Error::not_found("EKS offers no version of Kubernetes"))?;
    let default = offered.iter().find(|version| version.default_version()).and_then(name);
    Ok(ClusterVersionsOutputs { default: default.unwrap_or_else(|| latest.clone()), latest, all })
}

impl Lookup for ClusterVersions {
    type Cloud = Aws;

    async fn look_up(cx: &Cx<Aws>, want: &Self) -> Result<ClusterVersionsOutputs> {
        let mut pages = cx.eks().describe_cluster_versions().into_paginator().send();
        let mut versions = Vec::new();
        while let Some(page) = pages.next().await {
            versions.extend_from_slice(page.classify()?.cluster_versions());
        }
        outputs(&versions, want.extended)
    }

    fn grants(_: &Self) -> Vec<Grant> {
        vec![Grant::new("eks:DescribeClusterVersions", "*")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_sorted_by_number() {
        let version = |name: &str, status, default| {
            let version =
                ClusterVersionInformation::builder().cluster_version(name).version_status(status);
            version.default_version(default).build()
        };
        let all = [
            version("1.35", VersionStatus::StandardSupport, false),
            version("1.9", VersionStatus::ExtendedSupport, false),
            version("1.34", VersionStatus::StandardSupport, true),
        ];
        let standard = outputs(&all, false).unwrap();
        assert_eq!((standard.default.as_str(), standard.latest.as_str()), ("1.34", "1.35"));
        assert_eq!(outputs(&all, true).unwrap().all, ["1.9", "1.34", "1.35"]);
    }
}
