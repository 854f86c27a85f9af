//! A cluster as EKS describes it.

use aws_sdk_eks::types::{
    self as sdk, AccessConfigResponse, ClusterStatus, EncryptionConfig, Provider, VpcConfigResponse,
};
use infra_core::provider::{Observed, Readiness, Result};

use super::{Cluster, ClusterOutputs};
use crate::{
    eks::{AuthenticationMode, ClusterName, LogType, tagging, types::issues},
    tags,
    types::{Arn, Cidr, SecurityGroupId, SubnetId, VpcId, spelled},
};

pub(super) fn observed(
    found: &sdk::Cluster,
    inputs: Option<&Cluster>,
) -> Result<Observed<Cluster>> {
    let all_tags = tagging::map(found.tags());
    let observed = Observed {
        id: found.name().unwrap_or_default().to_owned(),
        readiness: readiness(found),
        live: live(found, inputs)?,
        outputs: outputs(found),
        owner: None,
        beyond: Vec::new(),
    };
    Ok(observed.owned_by(&all_tags))
}

fn logs(found: &sdk::Cluster) -> Vec<LogType> {
    let setups = found.logging().map_or(&[][..], |logging| logging.cluster_logging());
    let on = setups.iter().filter(|setup| setup.enabled() == Some(true));
    on.flat_map(aws_sdk_eks::types::LogSetup::types)
        .filter_map(|log| spelled(log.as_str()).ok())
        .collect()
}

pub(super) fn live(found: &sdk::Cluster, inputs: Option<&Cluster>) -> Result<Cluster> {
    let vpc = found.resources_vpc_config();
    let list = |of: fn(&VpcConfigResponse) -> &[String]| vpc.map_or(&[][..], of);
    let access = found.access_config();
    let mode = access.and_then(AccessConfigResponse::authentication_mode);
    let network = found.kubernetes_network_config();
    // AWS encrypts secrets with a key of its own where none is given, and says so without naming it.
    let key = found.encryption_config().first().and_then(EncryptionConfig::provider);
    let support = found.upgrade_policy().and_then(|policy| policy.support_type());
    Ok(Cluster {
        role: Arn::trusted(found.role_arn().unwrap_or_default()),
        version: found.version().unwrap_or_default().to_owned(),
        name: found.name().map(str::to_owned),
        subnets: list(VpcConfigResponse::subnet_ids).iter().map(SubnetId::trusted).collect(),
        security_groups: list(VpcConfigResponse::security_group_ids)
            .iter()
            .map(SecurityGroupId::trusted)
            .collect(),
        private_access: vpc.is_some_and(VpcConfigResponse::endpoint_private_access),
        public_access: vpc.is_some_and(VpcConfigResponse::endpoint_public_access),
        public_cidrs: list(VpcConfigResponse::public_access_cidrs)
            .iter()
            .filter_map(|cidr| Cidr::parse(cidr).ok())
            .collect(),
        logs: logs(found),
        authentication: mode
            .map_or(Ok(AuthenticationMode::ConfigMap), |mode| spelled(mode.as_str()))?,
        creator_is_admin: access
            .and_then(AccessConfigResponse::bootstrap_cluster_creator_admin_permissions)
            .unwrap_or_default(),
        self_managed_addons: inputs.is_some_and(|inputs| inputs.self_managed_addons),
        encryption_key: key.and_then(Provider::key_arn).map(Arn::trusted),
        deletion_protection: found.deletion_protection().unwrap_or_default(),
        support: support.map(|support| spelled(support.as_str())).transpose()?,
        zonal_shift: found
            .zonal_shift_config()
            .and_then(aws_sdk_eks::types::ZonalShiftConfigResponse::enabled)
            .unwrap_or_default(),
        service_cidr: network
            .and_then(|n| n.service_ipv4_cidr())
            .and_then(|cidr| Cidr::parse(cidr).ok()),
        ip_family: network
            .and_then(|n| n.ip_family())
            .map(|family| spelled(family.as_str()))
            .transpose()?,
        tags: tags::visible(&tagging::map(found.tags())),
    })
}

/// Known once there is an endpoint.
fn outputs(found: &sdk::Cluster) -> Option<ClusterOutputs> {
    let vpc = found.resources_vpc_config()?;
    let issuer =
        found.identity().and_then(|identity| identity.oidc()).and_then(|oidc| oidc.issuer());
    Some(ClusterOutputs {
        name: ClusterName::trusted(found.name()?),
        arn: Arn::trusted(found.arn()?),
        endpoint: found.endpoint()?.to_owned(),
        certificate_authority: found.certificate_authority()?.data()?.to_owned(),
        cluster_security_group_id: SecurityGroupId::trusted(vpc.cluster_security_group_id()?),
        oidc_issuer: issuer.unwrap_or_default().to_owned(),
        vpc_id: VpcId::trusted(vpc.vpc_id().unwrap_or_default()),
    })
}

fn readiness(found: &sdk::Cluster) -> Readiness {
    let health = found.health().map_or(&[][..], |health| health.issues());
    let issue = |issue: &'_ sdk::ClusterIssue| {
        issue.code().map_or("Issue", |code| code.as_str()).to_owned()
    };
    let codes: Vec<_> = health.iter().map(issue).collect();
    let said = issues(
        health.iter().zip(&codes).map(|(i, code)| (code.as_str(), i.message(), i.resource_ids())),
    );
    match found.status() {
        Some(ClusterStatus::Active) => Readiness::Ready,
        Some(ClusterStatus::Failed) => Readiness::Failed(said),
        Some(ClusterStatus::Deleting) => Readiness::Deleting("deleting".to_owned()),
        status => {
            Readiness::Pending(status.map_or("unknown", ClusterStatus::as_str).to_lowercase())
        }
    }
}
