//! Load balancers.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::types::{
    self as sdk, LoadBalancerAttribute, LoadBalancerSchemeEnum, LoadBalancerState,
    LoadBalancerStateEnum, LoadBalancerTypeEnum,
};
use futures_util::future::try_join_all;
use infra_core::{
    Outputs, Resource,
    provider::{
        Change, Class, Cx, Error, Find, Grant, Managed, Observed, Once, Operation, Part, Partial,
        Readiness, Reason, Result, Timeouts, Violation,
    },
    state::{StackName, Value},
};

use super::{
    IpAddressType, LoadBalancerArn, LoadBalancerKind, Scheme,
    attributes::{self, Attributes},
    find,
    tagging::{self, Tags},
    types::full_name,
};
use crate::{
    Aws, batch,
    classify::Classify as _,
    owned,
    policy::{Verb, linked, looks_around, subject},
    tags,
    types::{HostedZoneId, SecurityGroupId, SubnetId, VpcId, spelled},
};

const CROSS_ZONE: &str = "load_balancing.cross_zone.enabled";
const DELETION_PROTECTION: &str = "deletion_protection.enabled";

/// A network load balancer, or with [`kind`](LoadBalancerDecl::kind) an application load balancer.
///
/// Another name, kind or scheme replaces it; so does giving a network load balancer its first security group or
/// taking its last (`SetSecurityGroups` in the API reference: not possible after creation). The old one goes after
/// its listeners' consumers have moved. AWS's own default scheme is internet-facing; here it is internal.
///
/// Needs `elasticloadbalancing:CreateLoadBalancer`, `AddTags`, the `Set…`, `Modify…` and `Describe…` actions on it,
/// `DeleteLoadBalancer`, and `iam:CreateServiceLinkedRole` for the first one in an account.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:elbv2:LoadBalancer", outputs = LoadBalancerOutputs)]
pub struct LoadBalancer {
    /// Its name, up to 32 letters, digits and hyphens. Another replaces it.
    #[field(replace, name(max = 32, extra = "-"))]
    pub name: Option<String>,
    /// Network or application. Another replaces it.
    #[field(replace, default = LoadBalancerKind::Network)]
    pub kind: LoadBalancerKind,
    /// From where it is reached. Another replaces it.
    #[field(replace, default = Scheme::Internal)]
    pub scheme: Scheme,
    /// Its subnets, one a zone.
    #[field(set)]
    pub subnets: Vec<SubnetId>,
    /// Its security groups. A network load balancer without any never gets one: first and last replace it.
    #[field(set, computed)]
    pub security_groups: Vec<SecurityGroupId>,
    /// IPv4, or IPv6 too.
    #[field(computed)]
    pub ip_address_type: Option<IpAddressType>,
    /// Whether each of its nodes forwards to the targets of all zones. AWS: off for network load balancers.
    #[field(computed)]
    pub cross_zone: Option<bool>,
    /// Whether AWS refuses to delete it.
    #[field(default = false)]
    pub deletion_protection: bool,
    /// Further attributes by AWS's keys (`idle_timeout.timeout_seconds`). One that is removed keeps its value.
    pub attributes: BTreeMap<String, String>,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What a load balancer gives.
#[derive(Outputs, Clone, Debug)]
pub struct LoadBalancerOutputs {
    /// Its ARN.
    #[output(stable)]
    pub arn: LoadBalancerArn,
    /// Its name in DNS.
    #[output(stable)]
    pub dns_name: String,
    /// The hosted zone of its DNS name: what an alias record needs beside it.
    #[output(stable)]
    pub hosted_zone_id: HostedZoneId,
    /// Its name.
    #[output(stable)]
    pub name: String,
    /// `net/NAME/ID`: the value of CloudWatch's dimension `LoadBalancer`.
    #[output(stable)]
    pub full_name: String,
    /// The VPC it is in.
    #[output(stable)]
    pub vpc_id: VpcId,
}

/// Those of `arns` that exist.
async fn by_arn(cx: &Cx<Aws>, arns: &[String]) -> Result<Vec<sdk::LoadBalancer>> {
    let describe = async |arns| {
        let describe = cx.elbv2().describe_load_balancers().set_load_balancer_arns(Some(arns));
        let answer = describe.send().await.found()?;
        Ok(answer.map(|answer| answer.load_balancers().to_vec()))
    };
    find::by_arn(arns, describe).await
}

async fn by_name(cx: &Cx<Aws>, name: &str) -> Result<Vec<sdk::LoadBalancer>> {
    let answer = cx.elbv2().describe_load_balancers().names(name).send().await.found()?;
    Ok(answer.map(|answer| answer.load_balancers().to_vec()).unwrap_or_default())
}

async fn read_attributes(cx: &Cx<Aws>, arn: &str) -> Result<Option<Attributes>> {
    let describe = cx.elbv2().describe_load_balancer_attributes().load_balancer_arn(arn);
    let pair = |a: &LoadBalancerAttribute| Some((a.key()?.to_owned(), a.value()?.to_owned()));
    let answer = describe.send().await.found()?;
    Ok(answer.map(|answer| answer.attributes().iter().filter_map(pair).collect()))
}

fn readiness(state: Option<&LoadBalancerState>) -> Readiness {
    let reason = state.and_then(LoadBalancerState::reason).unwrap_or_default().to_owned();
    match state.and_then(LoadBalancerState::code) {
        Some(LoadBalancerStateEnum::Failed) => Readiness::Failed(reason),
        Some(LoadBalancerStateEnum::Provisioning) => Readiness::Pending("provisioning".to_owned()),
        // `active_impaired` serves, with fewer addresses than it would like.
        _ => Readiness::Ready,
    }
}

impl LoadBalancer {
    fn observed(
        found: &sdk::LoadBalancer,
        attributes: &Attributes,
        all_tags: &Tags,
        inputs: Option<&Self>,
    ) -> Result<Observed<Self>> {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let arn = text(found.load_balancer_arn());
        let zones = found.availability_zones().iter();
        let live = Self {
            name: found.load_balancer_name().map(str::to_owned),
            kind: spelled(found.r#type().map_or("network", LoadBalancerTypeEnum::as_str))?,
            scheme: spelled(found.scheme().map_or("internal", LoadBalancerSchemeEnum::as_str))?,
            subnets: zones.filter_map(|zone| zone.subnet_id()).map(SubnetId::trusted).collect(),
            security_groups: found.security_groups().iter().map(SecurityGroupId::trusted).collect(),
            ip_address_type: found.ip_address_type().and_then(|t| spelled(t.as_str()).ok()),
            cross_zone: attributes::parsed(attributes, CROSS_ZONE),
            deletion_protection: attributes::parsed(attributes, DELETION_PROTECTION)
                .unwrap_or(false),
            attributes: attributes::declared(attributes, inputs.map(|inputs| &inputs.attributes)),
            tags: tags::visible(all_tags),
        };
        let outputs = LoadBalancerOutputs {
            full_name: full_name(&arn, ":loadbalancer/").to_owned(),
            arn: LoadBalancerArn::trusted(arn.clone()),
            dns_name: text(found.dns_name()),
            hosted_zone_id: HostedZoneId::trusted(text(found.canonical_hosted_zone_id())),
            name: text(found.load_balancer_name()),
            vpc_id: VpcId::trusted(text(found.vpc_id())),
        };
        let readiness = readiness(found.state());
        Ok(Observed::ready(arn, live, outputs).but(readiness).owned_by(all_tags))
    }

    /// Everything that was asked for and exists, with its tags.
    async fn find(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Result<Vec<(sdk::LoadBalancer, Tags)>> {
        let arns: Vec<String> = find.iter().filter_map(Find::id).map(str::to_owned).collect();
        let wanted = find.iter().filter_map(|find| match find {
            Find::Made { want, .. } => want.name.as_deref(),
            Find::Id { .. } => None,
        });
        let mut found = by_arn(cx, &arns).await?;
        let named = try_join_all(wanted.map(|name| by_name(cx, name))).await?;
        found.extend(named.into_iter().flatten());
        find::with_tags(cx, found, sdk::LoadBalancer::load_balancer_arn).await
    }

    async fn read_one(
        cx: &Cx<Aws>,
        find: &Find<'_, Self>,
        found: &[(sdk::LoadBalancer, Tags)],
    ) -> Result<Option<Observed<Self>>> {
        let is_it = |lb: &sdk::LoadBalancer| match find {
            Find::Id { id, .. } => lb.load_balancer_arn() == Some(*id),
            Find::Made { want, .. } => lb.load_balancer_name() == want.name.as_deref(),
        };
        let Some((lb, tags)) = found.iter().find(|(lb, _)| is_it(lb)) else { return Ok(None) };
        let arn = lb.load_balancer_arn().unwrap_or_default();
        let Some(attributes) = read_attributes(cx, arn).await? else { return Ok(None) };
        Self::observed(lb, &attributes, tags, find.inputs()).map(Some)
    }
}

impl LoadBalancer {
    /// Its ARN, as far as it can be told: it ends with an id.
    fn pattern(&self) -> String {
        let kind = match self.kind {
            LoadBalancerKind::Network => "net",
            LoadBalancerKind::Application => "app",
        };
        let name = self.name.as_deref().unwrap_or("*");
        format!("arn:*:elasticloadbalancing:*:*:loadbalancer/{kind}/{name}/*")
    }
}

impl Managed for LoadBalancer {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        let found = match Self::find(cx, find).await {
            Ok(found) => found,
            Err(e) => return find.iter().map(|_| Err(e.again())).collect(),
        };
        batch::each(find, |find| Self::read_one(cx, find, &found)).await
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        let arns = find::load_balancers(cx).await?.to_vec();
        owned::read(cx, find::of_stack(cx, stack, arns).await?).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let strings = |ids: Vec<String>| (!ids.is_empty()).then_some(ids);
        let create = cx
            .elbv2()
            .create_load_balancer()
            .set_name(want.name.clone())
            .r#type(LoadBalancerTypeEnum::from(want.kind.as_str()))
            .scheme(LoadBalancerSchemeEnum::from(want.scheme.as_str()))
            .set_subnets(strings(want.subnets.iter().map(ToString::to_string).collect()))
            .set_security_groups(strings(
                want.security_groups.iter().map(ToString::to_string).collect(),
            ))
            .set_ip_address_type(want.ip_address_type.map(|t| t.as_str().into()))
            .set_tags(Some(tagging::list(cx.tags(&want.tags, op))));
        let answer = create.send().await.classify()?;
        let arn = answer.load_balancers().first().and_then(sdk::LoadBalancer::load_balancer_arn);
        let arn =
            arn.ok_or_else(|| Error::new(Class::Transient, "CreateLoadBalancer answered no ARN"))?;
        Ok(arn.to_owned())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let (arn, want, live) = (change.id()?, change.want()?, &change.have()?.live);
        if change.touches(Self::IP_ADDRESS_TYPE)
            && let Some(kind) = want.ip_address_type
        {
            let set = cx.elbv2().set_ip_address_type().load_balancer_arn(arn);
            set.ip_address_type(kind.as_str().into()).send().await.classify()?;
        }
        if change.touches(Self::SUBNETS) {
            let subnets = want.subnets.iter().map(ToString::to_string).collect();
            let set = cx.elbv2().set_subnets().load_balancer_arn(arn).set_subnets(Some(subnets));
            set.send().await.classify()?;
        }
        if change.touches(Self::SECURITY_GROUPS) && !want.security_groups.is_empty() {
            let groups = want.security_groups.iter().map(ToString::to_string).collect();
            let set = cx.elbv2().set_security_groups().load_balancer_arn(arn);
            set.set_security_groups(Some(groups)).send().await.classify()?;
        }
        let protect = want.deletion_protection.to_string();
        let named = [
            (
                CROSS_ZONE,
                change.touches(Self::CROSS_ZONE),
                want.cross_zone.map(|on| on.to_string()),
            ),
            (DELETION_PROTECTION, change.touches(Self::DELETION_PROTECTION), Some(protect)),
        ];
        let changed = attributes::changed(named, &live.attributes, &want.attributes);
        if !changed.is_empty() {
            let attribute =
                |(key, value)| LoadBalancerAttribute::builder().key(key).value(value).build();
            let modify = cx.elbv2().modify_load_balancer_attributes().load_balancer_arn(arn);
            let modify = modify.set_attributes(Some(changed.into_iter().map(attribute).collect()));
            modify.send().await.classify()?;
        }
        if change.touches(Self::TAGS) {
            tagging::update(cx, arn, &live.tags, &want.tags).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        if have.live.deletion_protection {
            let name = have.live.name.as_deref().unwrap_or(&have.id);
            let message = format!(
                "the load balancer {name} has deletion protection: \
                 set deletion_protection(false) and apply that before deleting it"
            );
            return Err(Error::invalid(message));
        }
        cx.elbv2().delete_load_balancer().load_balancer_arn(&have.id).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let arn = subject(change).map_or_else(|| "*".to_owned(), Self::pattern);
        let verb = Verb::of(change);
        let actions: &[&str] = match verb {
            Verb::Search | Verb::Read => &[],
            Verb::Create => &["CreateLoadBalancer", "AddTags"],
            Verb::Update => &[
                "SetIpAddressType",
                "SetSubnets",
                "SetSecurityGroups",
                "ModifyLoadBalancerAttributes",
                "AddTags",
                "RemoveTags",
            ],
            Verb::Delete => &["DeleteLoadBalancer"],
        };
        let grant = |action: &&str| Grant::new(format!("elasticloadbalancing:{action}"), &*arn);
        let mut all: Vec<_> = actions.iter().map(grant).collect();
        all.extend(tagging::reads(&["DescribeLoadBalancers", "DescribeLoadBalancerAttributes"]));
        if verb == Verb::Create {
            let service = "elasticloadbalancing.amazonaws.com";
            all.push(linked(service, "AWSServiceRoleForElasticLoadBalancing"));
            all.extend(looks_around(&[
                "ec2:DescribeAccountAttributes",
                "ec2:DescribeInternetGateways",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
            ]));
        }
        all
    }

    fn foreseen(want: &Self) -> Vec<(&'static str, Value)> {
        vec![("arn", want.pattern().as_str().into())]
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let mut violations = Vec::new();
        if let Part::Known(name) = want.get(Self::NAME)
            && (name.len() > 32
                || name.starts_with('-')
                || name.ends_with('-')
                || name.starts_with("internal-"))
        {
            let message = format!(
                "expected up to 32 characters, no hyphen at either end and no `internal-` in front, found {name:?}"
            );
            violations.push(Violation::of(Self::NAME, message));
        }
        if want.get(Self::SUBNETS) == Part::Unset {
            violations
                .push(Violation::of(Self::SUBNETS, "expected at least one subnet, found none"));
        }
        violations
    }

    fn replaces(old: &Self, new: &Partial<Self>) -> Option<Reason> {
        let now = match new.get(Self::SECURITY_GROUPS) {
            Part::Known(groups) => !groups.is_empty(),
            // Left out: AWS's choice stays.
            Part::Unset | Part::Unknown => return None,
        };
        let message = "a network load balancer gets security groups when it is created or never";
        let differs =
            old.kind == LoadBalancerKind::Network && now == old.security_groups.is_empty();
        differs.then(|| Reason::of(Self::SECURITY_GROUPS, message))
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }

    fn timeouts() -> Timeouts {
        Timeouts::minutes(15)
    }
}

#[cfg(test)]
mod tests {
    use infra_core::{Data as _, state::Value};

    use super::*;

    #[test]
    fn the_first_security_group_replaces() {
        let groups = |ids: &[&str]| {
            let ids = ids.iter().map(|id| Value::from(*id)).collect();
            Partial::<LoadBalancer>::new(Value::from([("security_groups", Value::List(ids))]))
        };
        let bare = LoadBalancer::from_value(&Value::map()).unwrap();
        assert!(LoadBalancer::replaces(&bare, &groups(&["sg-1"])).is_some());
        let mut grouped = bare.clone();
        grouped.security_groups = vec![SecurityGroupId::trusted("sg-1")];
        assert!(LoadBalancer::replaces(&grouped, &groups(&["sg-2"])).is_none());
        assert!(LoadBalancer::replaces(&bare, &Partial::new(Value::map())).is_none());
    }

    #[test]
    fn names_are_checked() {
        let named = |name: &str| Partial::new(Value::from([("name", Value::from(name))]));
        assert_eq!(LoadBalancer::check(&named("internal-x")).len(), 2);
        assert_eq!(LoadBalancer::check(&named("x")).len(), 1);
    }
}
