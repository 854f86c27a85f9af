//! Target groups.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::types::{
    self as sdk, ProtocolEnum, TargetGroupAttribute, TargetTypeEnum,
};
use futures_util::future::try_join_all;
use infra_core::{
    Outputs, Resource,
    provider::{
        Change, Class, Cx, Error, Find, Grant, Managed, Observed, Once, Operation, Part, Partial,
        Result, Violation,
    },
    state::{StackName, Value},
};

use super::{
    HealthCheck, Protocol, TargetType,
    attributes::{self, Attributes},
    find,
    tagging::{self, Tags},
    types::full_name,
};
use crate::{
    Aws, batch,
    classify::Classify as _,
    owned,
    policy::{Verb, subject},
    tags,
    types::{TargetGroupArn, VpcId, spelled},
};

const DELAY: &str = "deregistration_delay.timeout_seconds";
const CLIENT_IP: &str = "preserve_client_ip.enabled";
const TERMINATION: &str = "deregistration_delay.connection_termination.enabled";
const PROXY_PROTOCOL: &str = "proxy_protocol_v2.enabled";

/// A group of targets that a listener forwards to: `TargetGroup::new(Protocol::Tcp, 30080, &vpc.id)`.
///
/// Another name, protocol, port, VPC or target type replaces it: the new one is made, listeners move to it, the old
/// one goes (in use it cannot be deleted), so leave its name out. Health check and attributes change in place.
///
/// Needs `elasticloadbalancing:CreateTargetGroup`, `AddTags`, `RemoveTags`, `ModifyTargetGroup`,
/// `ModifyTargetGroupAttributes`, `DeleteTargetGroup` on it and the `Describe…` actions. Attribute keys:
/// `ModifyTargetGroupAttributes` and `TargetGroupAttribute` in the API reference.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:elbv2:TargetGroup", outputs = TargetGroupOutputs)]
pub struct TargetGroup {
    /// How targets are spoken to. Another replaces it.
    #[field(replace)]
    pub protocol: Protocol,
    /// The port of targets that do not say their own. Another replaces it.
    #[field(replace)]
    pub port: u16,
    /// Where the targets are. Another replaces it.
    #[field(replace)]
    pub vpc: VpcId,
    /// Its name, up to 32 letters, digits and hyphens. Another replaces it.
    #[field(replace, name(max = 32, extra = "-"))]
    pub name: Option<String>,
    /// What its targets are. Another replaces it.
    #[field(replace, default = TargetType::Instance)]
    pub target_type: TargetType,
    /// `HTTP1`, `HTTP2` or `GRPC`, for application load balancers. Another replaces it.
    #[field(replace, computed)]
    pub protocol_version: Option<String>,
    /// How healthy targets are told from others.
    #[field(computed)]
    pub health_check: Option<HealthCheck>,
    /// Seconds in which a target that leaves finishes what it does, 0 to 3600. AWS: 300.
    #[field(computed)]
    pub deregistration_delay: Option<i32>,
    /// Whether connections that still live are cut when the delay is over.
    #[field(computed)]
    pub terminate_connections: Option<bool>,
    /// Whether targets see the client's address. AWS: on for instances, off for addresses over TCP.
    #[field(computed)]
    pub preserve_client_ip: Option<bool>,
    /// Whether a header of proxy protocol 2 goes first.
    #[field(computed)]
    pub proxy_protocol: Option<bool>,
    /// Further attributes by AWS's keys (`stickiness.enabled`). One that is removed keeps its value.
    pub attributes: BTreeMap<String, String>,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What a target group gives.
#[derive(Outputs, Clone, Debug)]
pub struct TargetGroupOutputs {
    /// Its ARN.
    #[output(stable)]
    pub arn: TargetGroupArn,
    /// Its name.
    #[output(stable)]
    pub name: String,
    /// `targetgroup/NAME/ID`: the value of CloudWatch's dimension `TargetGroup`.
    #[output(stable)]
    pub full_name: String,
}

/// Those of `arns` that exist.
async fn by_arn(cx: &Cx<Aws>, arns: &[String]) -> Result<Vec<sdk::TargetGroup>> {
    let describe = async |arns| {
        let describe = cx.elbv2().describe_target_groups().set_target_group_arns(Some(arns));
        let answer = describe.send().await.found()?;
        Ok(answer.map(|answer| answer.target_groups().to_vec()))
    };
    find::by_arn(arns, describe).await
}

async fn by_name(cx: &Cx<Aws>, name: &str) -> Result<Vec<sdk::TargetGroup>> {
    let answer = cx.elbv2().describe_target_groups().names(name).send().await.found()?;
    Ok(answer.map(|answer| answer.target_groups().to_vec()).unwrap_or_default())
}

async fn read_attributes(cx: &Cx<Aws>, arn: &str) -> Result<Option<Attributes>> {
    let describe = cx.elbv2().describe_target_group_attributes().target_group_arn(arn);
    let pair = |a: &TargetGroupAttribute| Some((a.key()?.to_owned(), a.value()?.to_owned()));
    let answer = describe.send().await.found()?;
    Ok(answer.map(|answer| answer.attributes().iter().filter_map(pair).collect()))
}

impl TargetGroup {
    fn observed(
        found: &sdk::TargetGroup,
        attributes: &Attributes,
        all_tags: &Tags,
        inputs: Option<&Self>,
    ) -> Result<Observed<Self>> {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let arn = text(found.target_group_arn());
        let live = Self {
            protocol: spelled(found.protocol().map_or("", ProtocolEnum::as_str))?,
            port: found.port().and_then(|port| port.try_into().ok()).unwrap_or_default(),
            vpc: VpcId::trusted(text(found.vpc_id())),
            name: found.target_group_name().map(str::to_owned),
            target_type: spelled(found.target_type().map_or("instance", TargetTypeEnum::as_str))?,
            protocol_version: found.protocol_version().map(str::to_owned),
            health_check: Some(HealthCheck::of(found)?),
            deregistration_delay: attributes::parsed(attributes, DELAY),
            terminate_connections: attributes::parsed(attributes, TERMINATION),
            preserve_client_ip: attributes::parsed(attributes, CLIENT_IP),
            proxy_protocol: attributes::parsed(attributes, PROXY_PROTOCOL),
            attributes: attributes::declared(attributes, inputs.map(|inputs| &inputs.attributes)),
            tags: tags::visible(all_tags),
        };
        let outputs = TargetGroupOutputs {
            full_name: format!("targetgroup/{}", full_name(&arn, ":targetgroup/")),
            arn: TargetGroupArn::trusted(arn.clone()),
            name: text(found.target_group_name()),
        };
        Ok(Observed::ready(arn, live, outputs).owned_by(all_tags))
    }

    /// Everything that was asked for and exists, with its tags.
    async fn find(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Result<Vec<(sdk::TargetGroup, Tags)>> {
        let arns: Vec<String> = find.iter().filter_map(Find::id).map(str::to_owned).collect();
        let wanted = find.iter().filter_map(|find| match find {
            Find::Made { want, .. } => want.name.as_deref(),
            Find::Id { .. } => None,
        });
        let mut found = by_arn(cx, &arns).await?;
        let named = try_join_all(wanted.map(|name| by_name(cx, name))).await?;
        found.extend(named.into_iter().flatten());
        find::with_tags(cx, found, sdk::TargetGroup::target_group_arn).await
    }

    async fn read_one(
        cx: &Cx<Aws>,
        find: &Find<'_, Self>,
        found: &[(sdk::TargetGroup, Tags)],
    ) -> Result<Option<Observed<Self>>> {
        let is_it = |group: &sdk::TargetGroup| match find {
            Find::Id { id, .. } => group.target_group_arn() == Some(*id),
            Find::Made { want, .. } => group.target_group_name() == want.name.as_deref(),
        };
        let Some((group, tags)) = found.iter().find(|(group, _)| is_it(group)) else {
            return Ok(None);
        };
        let arn = group.target_group_arn().unwrap_or_default();
        let Some(attributes) = read_attributes(cx, arn).await? else { return Ok(None) };
        Self::observed(group, &attributes, tags, find.inputs()).map(Some)
    }
}

impl TargetGroup {
    /// Its ARN, as far as it can be told: it ends with an id.
    fn pattern(&self) -> String {
        let name = self.name.as_deref().unwrap_or("*");
        format!("arn:*:elasticloadbalancing:*:*:targetgroup/{name}/*")
    }
}

impl Managed for TargetGroup {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        match Self::find(cx, find).await {
            Ok(found) => batch::each(find, |find| Self::read_one(cx, find, &found)).await,
            Err(e) => find.iter().map(|_| Err(e.again())).collect(),
        }
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        let arns = find::target_groups(cx).await?;
        owned::read(cx, find::of_stack(cx, stack, arns).await?).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let check = want.health_check.as_ref();
        let create = cx
            .elbv2()
            .create_target_group()
            .set_name(want.name.clone())
            .protocol(want.protocol.as_str().into())
            .port(want.port.into())
            .vpc_id(want.vpc.as_str())
            .target_type(want.target_type.as_str().into())
            .set_protocol_version(want.protocol_version.clone())
            .set_health_check_protocol(check.and_then(HealthCheck::sdk_protocol))
            .set_health_check_port(check.and_then(|check| check.port.clone()))
            .set_health_check_path(check.and_then(|check| check.path.clone()))
            .set_health_check_interval_seconds(check.and_then(|check| check.interval))
            .set_health_check_timeout_seconds(check.and_then(|check| check.timeout))
            .set_healthy_threshold_count(check.and_then(|check| check.healthy))
            .set_unhealthy_threshold_count(check.and_then(|check| check.unhealthy))
            .set_matcher(check.and_then(HealthCheck::sdk_matcher))
            .set_tags(Some(tagging::list(cx.tags(&want.tags, op))));
        let answer = create.send().await.classify()?;
        let arn = answer.target_groups().first().and_then(sdk::TargetGroup::target_group_arn);
        let arn =
            arn.ok_or_else(|| Error::new(Class::Transient, "CreateTargetGroup answered no ARN"))?;
        Ok(arn.to_owned())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let (arn, want, live) = (change.id()?, change.want()?, &change.have()?.live);
        if change.touches(Self::HEALTH_CHECK)
            && let Some(check) = &want.health_check
        {
            let modify = cx
                .elbv2()
                .modify_target_group()
                .target_group_arn(arn)
                .set_health_check_protocol(check.sdk_protocol())
                .set_health_check_port(check.port.clone())
                .set_health_check_path(check.path.clone())
                .set_health_check_interval_seconds(check.interval)
                .set_health_check_timeout_seconds(check.timeout)
                .set_healthy_threshold_count(check.healthy)
                .set_unhealthy_threshold_count(check.unhealthy)
                .set_matcher(check.sdk_matcher());
            modify.send().await.classify()?;
        }
        let bool = |on: Option<bool>| on.map(|on| on.to_string());
        let delay = want.deregistration_delay.map(|seconds| seconds.to_string());
        let named = [
            (DELAY, change.touches(Self::DEREGISTRATION_DELAY), delay),
            (
                TERMINATION,
                change.touches(Self::TERMINATE_CONNECTIONS),
                bool(want.terminate_connections),
            ),
            (CLIENT_IP, change.touches(Self::PRESERVE_CLIENT_IP), bool(want.preserve_client_ip)),
            (PROXY_PROTOCOL, change.touches(Self::PROXY_PROTOCOL), bool(want.proxy_protocol)),
        ];
        let changed = attributes::changed(named, &live.attributes, &want.attributes);
        if !changed.is_empty() {
            let attribute =
                |(key, value)| TargetGroupAttribute::builder().key(key).value(value).build();
            let modify = cx.elbv2().modify_target_group_attributes().target_group_arn(arn);
            let modify = modify.set_attributes(Some(changed.into_iter().map(attribute).collect()));
            modify.send().await.classify()?;
        }
        if change.touches(Self::TAGS) {
            tagging::update(cx, arn, &live.tags, &want.tags).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        cx.elbv2().delete_target_group().target_group_arn(&have.id).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let arn = subject(change).map_or_else(|| "*".to_owned(), Self::pattern);
        let actions: &[&str] = match Verb::of(change) {
            Verb::Search | Verb::Read => &[],
            Verb::Create => &["CreateTargetGroup", "AddTags"],
            Verb::Update => {
                &["ModifyTargetGroup", "ModifyTargetGroupAttributes", "AddTags", "RemoveTags"]
            }
            Verb::Delete => &["DeleteTargetGroup"],
        };
        let grant = |action: &&str| Grant::new(format!("elasticloadbalancing:{action}"), &*arn);
        let mut all: Vec<_> = actions.iter().map(grant).collect();
        all.extend(tagging::reads(&["DescribeTargetGroups", "DescribeTargetGroupAttributes"]));
        all
    }

    fn foreseen(want: &Self) -> Vec<(&'static str, Value)> {
        vec![("arn", want.pattern().as_str().into())]
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let mut violations = Vec::new();
        if let Part::Known(name) = want.get(Self::NAME)
            && (name.len() > 32 || name.starts_with('-') || name.ends_with('-'))
        {
            let message =
                format!("expected up to 32 characters and no hyphen at either end, found {name:?}");
            violations.push(Violation::of(Self::NAME, message));
        }
        if let Part::Known(delay) = want.get(Self::DEREGISTRATION_DELAY)
            && !(0..=3600).contains(&delay)
        {
            let message = format!("expected 0 to 3600 seconds, found {delay}");
            violations.push(Violation::of(Self::DEREGISTRATION_DELAY, message));
        }
        violations
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }
}

#[cfg(test)]
mod tests {
    use infra_core::state::Value;

    use super::*;

    #[test]
    fn names_and_delays_are_checked() {
        let delay = Value::Number(4000.into());
        let want = Value::from([("name", Value::from("-web")), ("deregistration_delay", delay)]);
        assert_eq!(TargetGroup::check(&Partial::new(want)).len(), 2);
    }
}
