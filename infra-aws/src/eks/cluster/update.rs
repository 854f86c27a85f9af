//! Changes of a cluster: one kind a call, each an asynchronous update of its own.

use aws_sdk_eks::{
    operation::update_cluster_config::builders::UpdateClusterConfigFluentBuilder,
    types::{
        ClusterStatus, EncryptionConfig, LogSetup, Logging, Provider, UpdateAccessConfigRequest,
        UpgradePolicyRequest, VpcConfigRequest, ZonalShiftConfigRequest,
    },
};
use infra_core::provider::{Change, Class, Cx, Error, Operation, Result};

use super::{Cluster, observe};
use crate::{
    Aws,
    classify::Classify as _,
    eks::{LogType, tagging, types::same},
    types::Arn,
};

/// The minor part of `1.35`.
pub(super) fn minor(version: &str) -> Option<u32> {
    version.strip_prefix("1.")?.parse().ok()
}

/// These logs on, the others off.
pub(super) fn logging(on: &[LogType]) -> Logging {
    let setup = |enabled: bool| {
        let logs = LogType::ALL.iter().filter(|log| on.contains(log) == enabled);
        let logs: Vec<_> = logs.map(|log| log.as_str().into()).collect();
        (!logs.is_empty())
            .then(|| LogSetup::builder().set_types(Some(logs)).enabled(enabled).build())
    };
    Logging::builder()
        .set_cluster_logging(Some([true, false].into_iter().filter_map(setup).collect()))
        .build()
}

#[expect(
    deprecated,
    reason = "EKS no longer looks at it, but older endpoints refuse a request without it"
)]
pub(super) fn encryption(key: &Arn) -> EncryptionConfig {
    let provider = Provider::builder().key_arn(key.as_str()).build();
    EncryptionConfig::builder().resources("secrets").provider(provider).build()
}

/// A kind of change that EKS takes in one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Encryption,
    Network,
    Endpoint,
    Logs,
    Authentication,
    Support,
    ZonalShift,
    Protection,
    Version,
}

impl Step {
    const ALL: [Self; 9] = [
        Self::Encryption,
        Self::Network,
        Self::Endpoint,
        Self::Logs,
        Self::Authentication,
        Self::Support,
        Self::ZonalShift,
        Self::Protection,
        Self::Version,
    ];

    /// Whether it was confirmed and is not done yet.
    fn is_due(self, change: &Change<'_, Cluster>, live: &Cluster, want: &Cluster) -> bool {
        match self {
            Self::Encryption => {
                change.touches(Cluster::ENCRYPTION_KEY)
                    && live.encryption_key.is_none()
                    && want.encryption_key.is_some()
            }
            Self::Network => {
                (change.touches(Cluster::SUBNETS) && !same(&live.subnets, &want.subnets))
                    || (change.touches(Cluster::SECURITY_GROUPS)
                        && !same(&live.security_groups, &want.security_groups))
            }
            Self::Endpoint => {
                (change.touches(Cluster::PRIVATE_ACCESS)
                    && live.private_access != want.private_access)
                    || (change.touches(Cluster::PUBLIC_ACCESS)
                        && live.public_access != want.public_access)
                    || (change.touches(Cluster::PUBLIC_CIDRS)
                        && !want.public_cidrs.is_empty()
                        && !same(&live.public_cidrs, &want.public_cidrs))
            }
            Self::Logs => {
                let texts = |logs: &[LogType]| logs.iter().map(LogType::as_str).collect::<Vec<_>>();
                change.touches(Cluster::LOGS) && !same(&texts(&live.logs), &texts(&want.logs))
            }
            Self::Authentication => {
                change.touches(Cluster::AUTHENTICATION)
                    && live.authentication != want.authentication
            }
            Self::Support => {
                change.touches(Cluster::SUPPORT)
                    && want.support.is_some()
                    && live.support != want.support
            }
            Self::ZonalShift => {
                change.touches(Cluster::ZONAL_SHIFT) && live.zonal_shift != want.zonal_shift
            }
            Self::Protection => {
                change.touches(Cluster::DELETION_PROTECTION)
                    && live.deletion_protection != want.deletion_protection
            }
            Self::Version => change.touches(Cluster::VERSION) && live.version != want.version,
        }
    }

    async fn send(
        self,
        cx: &Cx<Aws>,
        name: &str,
        live: &Cluster,
        want: &Cluster,
        op: &Operation,
    ) -> Result<()> {
        let token = format!("{}-{self:?}", op.token());
        match self {
            Self::Version => {
                if minor(&want.version) > minor(&live.version).map(|minor| minor + 1) {
                    let message = format!(
                        "the cluster {name} has version {} and moves up one minor version at a time, not to {}",
                        live.version, want.version
                    );
                    return Err(Error::invalid(message));
                }
                let update = cx.eks().update_cluster_version().name(name).version(&want.version);
                update.client_request_token(token).send().await.classify().map(drop)
            }
            Self::Encryption => {
                let keys = want.encryption_key.as_ref().map(|key| vec![encryption(key)]);
                let associate = cx.eks().associate_encryption_config().cluster_name(name);
                let associate = associate.set_encryption_config(keys).client_request_token(token);
                associate.send().await.classify().map(drop)
            }
            _ => {
                let update =
                    cx.eks().update_cluster_config().name(name).client_request_token(token);
                self.config(update, want).send().await.classify().map(drop)
            }
        }
    }

    fn config(
        self,
        update: UpdateClusterConfigFluentBuilder,
        want: &Cluster,
    ) -> UpdateClusterConfigFluentBuilder {
        match self {
            Self::Network => {
                let groups = want.security_groups.iter().map(ToString::to_string).collect();
                let vpc = VpcConfigRequest::builder()
                    .set_subnet_ids(Some(want.subnets.iter().map(ToString::to_string).collect()))
                    .set_security_group_ids(Some(groups));
                update.resources_vpc_config(vpc.build())
            }
            Self::Endpoint => {
                let cidrs: Vec<_> = want.public_cidrs.iter().map(ToString::to_string).collect();
                let vpc = VpcConfigRequest::builder()
                    .endpoint_private_access(want.private_access)
                    .endpoint_public_access(want.public_access)
                    .set_public_access_cidrs((!cidrs.is_empty()).then_some(cidrs));
                update.resources_vpc_config(vpc.build())
            }
            Self::Logs => update.logging(logging(&want.logs)),
            Self::Authentication => {
                let mode = want.authentication.as_str().into();
                update.access_config(
                    UpdateAccessConfigRequest::builder().authentication_mode(mode).build(),
                )
            }
            Self::Support => {
                let support = want.support.map(|support| support.as_str().into());
                update.upgrade_policy(
                    UpgradePolicyRequest::builder().set_support_type(support).build(),
                )
            }
            Self::ZonalShift => {
                let shift = ZonalShiftConfigRequest::builder().enabled(want.zonal_shift);
                update.zonal_shift_config(shift.build())
            }
            Self::Protection => update.deletion_protection(want.deletion_protection),
            Self::Version | Self::Encryption => update,
        }
    }
}

/// Sends the first kind of change that is due; `Conflict` while another is under way or more are to come.
pub(super) async fn update(
    cx: &Cx<Aws>,
    change: &Change<'_, Cluster>,
    op: &Operation,
) -> Result<()> {
    let (name, want) = (change.id()?, change.want()?);
    let found = cx.eks().describe_cluster().name(name).send().await.classify()?.cluster;
    let found =
        found.ok_or_else(|| Error::not_found(format!("the cluster {name} is not there")))?;
    // As it is now: an earlier attempt may have sent some of it.
    let live = observe::live(&found, Some(want))?;
    if change.touches(Cluster::TAGS) {
        tagging::update(cx, found.arn().unwrap_or_default(), &live.tags, &want.tags).await?;
    }
    let mut due = Step::ALL.into_iter().filter(|step| step.is_due(change, &live, want));
    let Some(step) = due.next() else { return Ok(()) };
    if found.status() != Some(&ClusterStatus::Active) {
        let status = found.status().map_or("unknown", ClusterStatus::as_str);
        return Err(Error::new(Class::Conflict, format!("the cluster {name} is {status}")));
    }
    step.send(cx, name, &live, want, op).await?;
    match due.next() {
        Some(next) => {
            let message =
                format!("the cluster {name} is changing ({step:?}); {next:?} comes after that");
            Err(Error::new(Class::Conflict, message))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_switched_on_and_off() {
        let logging = logging(&[LogType::Api, LogType::Audit]);
        let [on, off] = logging.cluster_logging() else { panic!("two setups") };
        assert_eq!((on.enabled(), on.types().len()), (Some(true), 2));
        assert_eq!((off.enabled(), off.types().len()), (Some(false), 3));
        assert_eq!(super::logging(&LogType::ALL).cluster_logging().len(), 1);
    }

    #[test]
    fn minors() {
        assert_eq!(minor("1.35"), Some(35));
        assert_eq!(minor("latest"), None);
    }
}
