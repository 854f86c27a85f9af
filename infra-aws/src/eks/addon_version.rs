//! Which version of an add-on fits a cluster.

use aws_sdk_eks::types::{AddonVersionInfo, Compatibility};
use infra_core::{
    Outputs, Resource,
    provider::{Cx, Error, Grant, Lookup, Result},
};

use crate::{Aws, classify::Classify as _};

/// The version of an add-on for a version of Kubernetes: `stack.lookup("cni", AddonVersion::new("vpc-cni", "1.35"))`.
///
/// Needs `eks:DescribeAddonVersions`.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:eks:AddonVersion", outputs = AddonVersionOutputs)]
pub struct AddonVersion {
    /// The add-on, `vpc-cni`.
    pub name: String,
    /// The cluster's version, `1.35`.
    pub kubernetes: String,
}

/// What the versions are.
#[derive(Outputs, Clone, Debug)]
pub struct AddonVersionOutputs {
    /// The one EKS takes where none is declared.
    pub default: String,
    /// The newest.
    pub latest: String,
}

impl Lookup for AddonVersion {
    type Cloud = Aws;

    async fn look_up(cx: &Cx<Aws>, want: &Self) -> Result<AddonVersionOutputs> {
        let describe = cx.eks().describe_addon_versions().addon_name(&want.name);
        let mut pages = describe.kubernetes_version(&want.kubernetes).into_paginator().send();
        let mut versions: Vec<AddonVersionInfo> = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.classify()?;
            versions.extend(
                page.addons()
                    .iter()
                    .flat_map(aws_sdk_eks::types::AddonInfo::addon_versions)
                    .cloned(),
            );
        }
        let name = |version: &AddonVersionInfo| version.addon_version().map(str::to_owned);
        let is_default = |version: &&AddonVersionInfo| {
            version.compatibilities().iter().any(Compatibility::default_version)
        };
        // EKS lists the newest first.
        let latest = versions.first().and_then(name).ok_or_else(|| {
            let message = format!(
                "no version of the add-on {} for Kubernetes {}",
                want.name, want.kubernetes
            );
            Error::not_found(message)
        })?;
        let default = versions.iter().find(is_default).and_then(name);
        Ok(AddonVersionOutputs { default: default.unwrap_or_else(|| latest.clone()), latest })
    }

    fn grants(_: &Self) -> Vec<Grant> {
        vec![Grant::new("eks:DescribeAddonVersions", "*")]
    }
}
