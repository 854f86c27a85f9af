//! Clusters.

mod observe;
mod update;

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_eks::types::{
    CreateAccessConfigRequest, KubernetesNetworkConfigRequest, UpgradePolicyRequest,
    VpcConfigRequest, ZonalShiftConfigRequest,
};
use infra_core::{
    Outputs, Resource,
    provider::{
        Change, Cx, Error, Field, Find, Grant, Lock, Managed, Observed, Once, Operation, Part,
        Partial, Reason, Result, Timeouts, Violation,
    },
    state::{StackName, Value},
};

use super::{
    AuthenticationMode, ClusterName, IpFamily, LogType, Support, search, tagging, types::arn,
};
use crate::{
    Aws, batch,
    classify::Classify as _,
    owned,
    policy::{Verb, grants, key, linked, looks_around, pass, subject},
    types::{Arn, Cidr, SecurityGroupId, SubnetId, VpcId},
};

/// A Kubernetes control plane: `Cluster::new(&role.arn, "1.35").subnets([&a.id, &b.id])`.
///
/// Another name, role, service block, address family or bootstrap setting replaces it; so do an older version, another
/// encryption key, and an authentication mode further from access entries (*Access entries* in the EKS user guide: the
/// mode only moves towards `API`). The version moves up one minor at a time. Everything else changes in place, one
/// kind of change after the other.
///
/// Unlike AWS, unless it is said: the endpoint is reached from within the VPC only, access is by access entries only,
/// whoever makes the cluster gets no access by that, and no add-on is put into it.
///
/// Needs `eks:CreateCluster`, `DescribeCluster`, `UpdateClusterConfig`, `UpdateClusterVersion`,
/// `AssociateEncryptionConfig`, `DeleteCluster`, `TagResource`, `UntagResource` on it, `iam:PassRole` on its role,
/// `iam:CreateServiceLinkedRole` for the first, and `kms:CreateGrant`, `kms:DescribeKey` on its key.
#[expect(clippy::struct_excessive_bools, reason = "the fields of the AWS API")]
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:eks:Cluster", outputs = ClusterOutputs)]
pub struct Cluster {
    /// The role EKS acts with. Another replaces it.
    #[field(replace)]
    pub role: Arn,
    /// The version of Kubernetes, `1.35`. It moves up one minor at a time; an older one replaces the cluster.
    pub version: String,
    /// Its name. Another replaces it.
    #[field(replace, name(max = 100, extra = "-_"))]
    pub name: Option<String>,
    /// The subnets of its network interfaces, in at least two zones.
    #[field(set)]
    pub subnets: Vec<SubnetId>,
    /// Security groups of its network interfaces, beside the one that EKS makes.
    #[field(set)]
    pub security_groups: Vec<SecurityGroupId>,
    /// Whether the endpoint is reached from within the VPC.
    #[field(default = true)]
    pub private_access: bool,
    /// Whether the endpoint is reached from the internet.
    #[field(default = false)]
    pub public_access: bool,
    /// From where on the internet; from everywhere if left out.
    #[field(set, computed)]
    pub public_cidrs: Vec<Cidr>,
    /// The logs it sends to CloudWatch, to the group `/aws/eks/NAME/cluster`.
    #[field(set)]
    pub logs: Vec<LogType>,
    /// How IAM principals get in. It only moves towards `API`: back replaces the cluster.
    #[field(default = AuthenticationMode::Api)]
    pub authentication: AuthenticationMode,
    /// Whether who makes it administers it. Another choice replaces it.
    #[field(replace, default = false)]
    pub creator_is_admin: bool,
    /// Whether EKS puts its own unmanaged add-ons into it. It counts when the cluster is made.
    #[field(replace, write_only, default = false)]
    pub self_managed_addons: bool,
    /// The key its secrets are encrypted with. It can be given later, never taken: another replaces the cluster.
    pub encryption_key: Option<Arn>,
    /// Whether AWS refuses to delete it.
    #[field(default = false)]
    pub deletion_protection: bool,
    /// What happens when standard support of its version ends. AWS: it stays, for a fee.
    #[field(computed)]
    pub support: Option<Support>,
    /// Whether traffic may be shifted out of an impaired zone.
    #[field(default = false)]
    pub zonal_shift: bool,
    /// The addresses of services. Another block replaces it.
    #[field(replace, computed)]
    pub service_cidr: Option<Cidr>,
    /// The addresses of pods and services. Another family replaces it.
    #[field(replace, computed)]
    pub ip_family: Option<IpFamily>,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What a cluster gives.
#[derive(Outputs, Clone, Debug)]
pub struct ClusterOutputs {
    /// Its name.
    #[output(stable)]
    pub name: ClusterName,
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
    /// The URL of its API server.
    #[output(stable)]
    pub endpoint: String,
    /// The certificate that its API server is checked against: PEM in base64.
    #[output(stable)]
    pub certificate_authority: String,
    /// The security group that EKS made: nodes and control plane talk through it.
    #[output(stable)]
    pub cluster_security_group_id: SecurityGroupId,
    /// The URL of its `OpenID` Connect issuer.
    #[output(stable)]
    pub oidc_issuer: String,
    /// The VPC it is in.
    #[output(stable)]
    pub vpc_id: VpcId,
}

impl Cluster {
    async fn read_one(cx: &Cx<Aws>, find: &Find<'_, Self>) -> Result<Option<Observed<Self>>> {
        let name = match find {
            Find::Id { id, .. } => Some(*id),
            Find::Made { want, .. } => want.name.as_deref(),
        };
        let name = name.ok_or_else(|| Error::invalid("a cluster without a name"))?;
        let answer = cx.eks().describe_cluster().name(name).send().await.found()?;
        let found = answer.and_then(|answer| answer.cluster);
        found.map(|found| observe::observed(&found, find.inputs())).transpose()
    }

    fn lock_name(&self) -> Option<Lock> {
        self.name.as_deref().map(|name| ClusterName::trusted(name).lock("cluster"))
    }
}

impl Managed for Cluster {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        batch::each(find, |find| Self::read_one(cx, find)).await
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        owned::read(cx, search::clusters_of(cx, stack).await?).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let name = want.name.clone().ok_or_else(|| Error::invalid("a cluster without a name"))?;
        let cidrs: Vec<_> = want.public_cidrs.iter().map(ToString::to_string).collect();
        let vpc = VpcConfigRequest::builder()
            .set_subnet_ids(Some(want.subnets.iter().map(ToString::to_string).collect()))
            .set_security_group_ids(Some(
                want.security_groups.iter().map(ToString::to_string).collect(),
            ))
            .endpoint_private_access(want.private_access)
            .endpoint_public_access(want.public_access)
            .set_public_access_cidrs((!cidrs.is_empty()).then_some(cidrs));
        let access = CreateAccessConfigRequest::builder()
            .authentication_mode(want.authentication.as_str().into())
            .bootstrap_cluster_creator_admin_permissions(want.creator_is_admin);
        let network = KubernetesNetworkConfigRequest::builder()
            .set_service_ipv4_cidr(want.service_cidr.map(|cidr| cidr.to_string()))
            .set_ip_family(want.ip_family.map(|family| family.as_str().into()));
        let policy = want.support.map(|support| {
            UpgradePolicyRequest::builder().support_type(support.as_str().into()).build()
        });
        let create = cx
            .eks()
            .create_cluster()
            .name(&name)
            .version(&want.version)
            .role_arn(want.role.as_str())
            .resources_vpc_config(vpc.build())
            .kubernetes_network_config(network.build())
            .logging(update::logging(&want.logs))
            .access_config(access.build())
            .bootstrap_self_managed_addons(want.self_managed_addons)
            .set_encryption_config(
                want.encryption_key.as_ref().map(|key| vec![update::encryption(key)]),
            )
            .set_upgrade_policy(policy)
            .deletion_protection(want.deletion_protection)
            .zonal_shift_config(
                ZonalShiftConfigRequest::builder().enabled(want.zonal_shift).build(),
            )
            .set_tags(Some(tagging::list(cx.tags(&want.tags, op))))
            .client_request_token(op.token());
        create.send().await.classify()?;
        Ok(name)
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, op: &Operation) -> Result<()> {
        update::update(cx, change, op).await
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        if have.live.deletion_protection {
            let message = format!(
                "the cluster {} has deletion protection: \
                 set deletion_protection(false) and apply that before deleting it",
                have.id
            );
            return Err(Error::invalid(message));
        }
        cx.eks().delete_cluster().name(&have.id).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let live = subject(change);
        let name = live.and_then(|live| live.name.as_deref()).unwrap_or("*");
        let this = arn(&format!("cluster/{name}"));
        let verb = Verb::of(change);
        let actions: &[&str] = match verb {
            Verb::Search => return search::grants(&[]),
            Verb::Read => &[],
            Verb::Create => &["eks:CreateCluster", "eks:TagResource"],
            Verb::Update => &[
                "eks:UpdateClusterConfig",
                "eks:UpdateClusterVersion",
                "eks:AssociateEncryptionConfig",
                "eks:TagResource",
                "eks:UntagResource",
            ],
            Verb::Delete => &["eks:DeleteCluster"],
        };
        let mut all = grants(this, actions.iter().copied().chain(["eks:DescribeCluster"]));
        let Some(live) = live.filter(|_| matches!(verb, Verb::Create | Verb::Update)) else {
            return all;
        };
        if verb == Verb::Create {
            all.push(pass(live.role.as_str(), "eks.amazonaws.com"));
            all.push(linked("eks.amazonaws.com", "AWSServiceRoleForAmazonEKS"));
            let looked = ["ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"];
            all.extend(looks_around(&looked));
        }
        if let Some(of) = &live.encryption_key {
            all.extend(grants(key(of.as_str()), ["kms:CreateGrant", "kms:DescribeKey"]));
        }
        all
    }

    fn foreseen(want: &Self) -> Vec<(&'static str, Value)> {
        let name = want.name.as_deref().unwrap_or("*");
        vec![("arn", (&*arn(&format!("cluster/{name}"))).into())]
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let mut violations = Vec::new();
        let subnets = match want.get(Self::SUBNETS) {
            Part::Unset => 0,
            Part::Unknown => 2,
            Part::Known(subnets) => subnets.len(),
        };
        if subnets < 2 {
            let message = format!("expected subnets of at least two zones, found {subnets}");
            violations.push(Violation::of(Self::SUBNETS, message));
        }
        let off = |field: Field<Self, bool>, default: bool| match want.get(field) {
            Part::Known(on) => !on,
            Part::Unset => !default,
            Part::Unknown => false,
        };
        if off(Self::PRIVATE_ACCESS, true) && off(Self::PUBLIC_ACCESS, false) {
            let message = "expected private or public access to the endpoint, found neither";
            violations.push(Violation::of(Self::PRIVATE_ACCESS, message));
        }
        if let Part::Known(version) = want.get(Self::VERSION)
            && update::minor(&version).is_none()
        {
            let message = format!("expected a version like `1.35`, found {version:?}");
            violations.push(Violation::of(Self::VERSION, message));
        }
        violations
    }

    fn replaces(old: &Self, new: &Partial<Self>) -> Option<Reason> {
        if let Part::Known(version) = new.get(Self::VERSION)
            && update::minor(&version) < update::minor(&old.version)
        {
            return Some(Reason::of(Self::VERSION, "a cluster can only move to a newer version"));
        }
        if let Part::Known(mode) = new.get(Self::AUTHENTICATION)
            && mode < old.authentication
        {
            let message = "the authentication mode only moves towards access entries";
            return Some(Reason::of(Self::AUTHENTICATION, message));
        }
        let key = old.encryption_key.as_ref()?;
        let keeps = match new.get(Self::ENCRYPTION_KEY) {
            Part::Known(now) => now == *key,
            Part::Unset => false,
            Part::Unknown => true,
        };
        let message = "encryption with a key is neither changed nor taken away";
        (!keeps).then(|| Reason::of(Self::ENCRYPTION_KEY, message))
    }

    fn serialize_on(want: &Self) -> Option<Lock> {
        want.lock_name()
    }

    fn once() -> Once {
        Once { token: Some(Duration::from_hours(24)), by_name: true, ..Once::default() }
    }

    fn timeouts() -> Timeouts {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        Timeouts { create: minutes(30), update: minutes(90), delete: minutes(30) }
    }
}

#[cfg(test)]
mod tests {
    use infra_core::state::Value;

    use super::*;

    fn declared(more: &[(&str, &str)]) -> Partial<Cluster> {
        let mut map = BTreeMap::from([
            ("role".to_owned(), Value::from("arn:aws:iam::1:role/eks")),
            ("version".to_owned(), Value::from("1.34")),
        ]);
        map.extend(more.iter().map(|(k, v)| ((*k).to_owned(), Value::from(*v))));
        Partial::new(Value::Map(map))
    }

    #[test]
    fn one_way_streets_replace() {
        let old = declared(&[("encryption_key", "k")]).complete().unwrap().unwrap();
        let reason = |more: &[(&str, &str)]| {
            Cluster::replaces(&old, &declared(more)).map(|reason| reason.path)
        };
        assert_eq!(reason(&[("encryption_key", "k"), ("version", "1.35")]), None);
        assert_eq!(
            reason(&[("encryption_key", "k"), ("version", "1.33")]),
            Some(Cluster::VERSION.path())
        );
        assert_eq!(reason(&[]), Some(Cluster::ENCRYPTION_KEY.path()));
        let back = reason(&[("encryption_key", "k"), ("authentication", "CONFIG_MAP")]);
        assert_eq!(back, Some(Cluster::AUTHENTICATION.path()));
    }

    #[test]
    fn a_cluster_needs_subnets_and_an_endpoint() {
        assert_eq!(Cluster::check(&declared(&[])).len(), 1);
        assert_eq!(Cluster::check(&declared(&[("version", "latest")])).len(), 2);
    }
}
