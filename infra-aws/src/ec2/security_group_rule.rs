//! Rules of security groups.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{
    Filter, IpPermission, IpRange, Ipv6Range, PrefixListId as SdkPrefixList, ResourceType,
    SecurityGroup as SdkGroup, SecurityGroupRule as SdkRule, SecurityGroupRuleRequest,
    SecurityGroupRuleUpdate, UserIdGroupPair,
};
use infra_core::{
    Data as _, Outputs, Resource, Value,
    program::{Input, IntoInput},
    provider::{
        Change, Cx, Find, Grant, Managed, Observed, Operation, Part, Partial, Reason, Result,
        Violation,
    },
    state::{self, StackName},
};

use super::{
    grants::{Names, arn},
    ports::{self, Ports},
    search::{ids, observed, of_stack, search},
    security_group::{self, SecurityGroup, came_with_group, is_implicit, wrong_description},
    tagging,
};
use crate::{
    Aws, cidr,
    classify::Classify,
    owned::{self, STACK},
    policy::{Verb, subject},
    tags,
    types::{Cidr, PrefixListId, SecurityGroupId, SecurityGroupRuleId},
};

/// What the descriptions or tags of the rules begin with that Kubernetes' controllers for load balancers keep in the
/// groups of nodes: those of the AWS Load Balancer Controller, and those of the one in Kubernetes itself.
const CONTROLLERS: [&str; 2] = ["elbv2.k8s.aws/", "kubernetes.io/rule/"];

/// The addresses of networks that nobody reaches from outside. (RFC 1918, RFC 6598, RFC 4193.)
const PRIVATE: [Cidr; 5] = [
    cidr!("10.0.0.0/8"),
    cidr!("172.16.0.0/12"),
    cidr!("192.168.0.0/16"),
    cidr!("100.64.0.0/10"),
    cidr!("fc00::/7"),
];

/// One rule of a security group: a direction, what is on the other side, and which ports.
///
/// Another group, direction or kind of source replaces it; another source of the same kind, ports, description and
/// tags are changes in place. Deploying needs `ec2:AuthorizeSecurityGroupIngress` or `…Egress` and
/// `ec2:RevokeSecurityGroupIngress` or `…Egress` on the group, `ec2:ModifySecurityGroupRules`, the tag actions on
/// `security-group-rule/*`, and `ec2:DescribeSecurityGroupRules`. Source: *EC2 API reference*,
/// `ModifySecurityGroupRules`.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:ec2:SecurityGroupRule", outputs = SecurityGroupRuleOutputs)]
pub struct SecurityGroupRule {
    /// The group it belongs to. Another group replaces the rule.
    #[field(replace)]
    pub group_id: SecurityGroupId,
    /// Whether it is about what comes in or goes out. The other direction replaces the rule.
    #[field(replace)]
    pub direction: Direction,
    /// What is on the other side: where traffic comes from, or goes to. Another kind of it replaces the rule.
    pub source: Source,
    /// The ports on the side of the traffic's destination.
    #[field(normalize = ports::normalize)]
    pub ports: Ports,
    /// What it is for, in at most 255 characters.
    pub description: Option<String>,
    /// Tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// Which way traffic goes.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// In.
    Ingress,
    /// Out.
    Egress,
}

/// What is on the other side of a rule.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Addresses.
    Cidr(Cidr),
    /// What is in another security group (or the same).
    Group(SecurityGroupId),
    /// The addresses of a prefix list, for instance of S3.
    PrefixList(PrefixListId),
}

impl IntoInput<Source> for Cidr {
    fn into_input(self) -> Input<Source> {
        Source::cidr(self)
    }
}

/// What a rule gives.
#[derive(Outputs, Clone, Debug)]
pub struct SecurityGroupRuleOutputs {
    /// Its id.
    #[output(stable)]
    pub id: SecurityGroupRuleId,
}

impl SecurityGroupRule {
    /// Lets in what comes from `source` to these ports.
    pub fn ingress(
        group_id: impl IntoInput<SecurityGroupId>,
        source: impl IntoInput<Source>,
        ports: impl IntoInput<Ports>,
    ) -> SecurityGroupRuleDecl {
        Self::new(group_id, Direction::Ingress, source, ports)
    }

    /// Lets out what goes to these ports of `destination`.
    pub fn egress(
        group_id: impl IntoInput<SecurityGroupId>,
        destination: impl IntoInput<Source>,
        ports: impl IntoInput<Ports>,
    ) -> SecurityGroupRuleDecl {
        Self::new(group_id, Direction::Egress, destination, ports)
    }

    fn permission(&self) -> IpPermission {
        let (protocol, from, to) = self.ports.parts();
        let permission = IpPermission::builder().ip_protocol(protocol).from_port(from).to_port(to);
        let text = self.description.clone();
        let permission = match &self.source {
            Source::Cidr(cidr) if cidr.is_v6() => permission.ipv6_ranges(
                Ipv6Range::builder().cidr_ipv6(cidr.to_string()).set_description(text).build(),
            ),
            Source::Cidr(cidr) => permission.ip_ranges(
                IpRange::builder().cidr_ip(cidr.to_string()).set_description(text).build(),
            ),
            Source::Group(group) => permission.user_id_group_pairs(
                UserIdGroupPair::builder().group_id(group.as_str()).set_description(text).build(),
            ),
            Source::PrefixList(list) => permission.prefix_list_ids(
                SdkPrefixList::builder()
                    .prefix_list_id(list.as_str())
                    .set_description(text)
                    .build(),
            ),
        };
        permission.build()
    }

    /// All of the rule: a modification leaves nothing as it was.
    fn request(&self) -> SecurityGroupRuleRequest {
        let (protocol, from, to) = self.ports.parts();
        let request = SecurityGroupRuleRequest::builder()
            .ip_protocol(protocol)
            .from_port(from)
            .to_port(to)
            .set_description(self.description.clone());
        let request = match &self.source {
            Source::Cidr(cidr) if cidr.is_v6() => request.cidr_ipv6(cidr.to_string()),
            Source::Cidr(cidr) => request.cidr_ipv4(cidr.to_string()),
            Source::Group(group) => request.referenced_group_id(group.as_str()),
            Source::PrefixList(list) => request.prefix_list_id(list.as_str()),
        };
        request.build()
    }
}

impl Managed for SecurityGroupRule {
    type Cloud = Aws;

    const WITHIN: Option<&'static str> = Some(SecurityGroup::KIND);

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        observed(
            search(find, "security-group-rule-id", |filter| describe(cx, filter)).await,
            observe,
        )
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        Ok(Some(describe(cx, of_stack(stack)).await?.iter().map(observe).collect()))
    }

    async fn added(cx: &Cx<Aws>, stack: &StackName) -> Result<Vec<Observed<Self>>> {
        let groups = security_group::of_the_stack(cx, stack).await?;
        let rules = security_group::rules(cx, &ids(&groups)).await?;
        let by_somebody = rules.iter().filter(|rule| !came_with_group(rule, &rules));
        Ok(by_somebody.filter_map(|rule| added(rule, &groups)).collect())
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let (group, permission) = (want.group_id.as_str(), want.permission());
        let tags = tagging::specification(cx, ResourceType::SecurityGroupRule, &want.tags, op);
        let rules = match want.direction {
            Direction::Ingress => {
                let call = cx.ec2().authorize_security_group_ingress().group_id(group);
                let call = call.ip_permissions(permission).tag_specifications(tags);
                call.send().await.classify()?.security_group_rules
            }
            Direction::Egress => {
                let call = cx.ec2().authorize_security_group_egress().group_id(group);
                let call = call.ip_permissions(permission).tag_specifications(tags);
                call.send().await.classify()?.security_group_rules
            }
        };
        let rule = rules.unwrap_or_default().into_iter().next();
        Ok(rule.and_then(|rule| rule.security_group_rule_id).unwrap_or_default())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let (id, want, have) = (change.id()?, change.want()?, change.have()?);
        if change.touches(Self::SOURCE)
            || change.touches(Self::PORTS)
            || change.touches(Self::DESCRIPTION)
        {
            let update = SecurityGroupRuleUpdate::builder();
            let update = update.security_group_rule_id(id).security_group_rule(want.request());
            let call = cx.ec2().modify_security_group_rules().group_id(want.group_id.as_str());
            call.security_group_rules(update.build()).send().await.classify()?;
        }
        if change.touches(Self::TAGS) {
            tagging::sync(cx, id, &have.live.tags, &want.tags).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        let group = have.live.group_id.as_str();
        match have.live.direction {
            Direction::Ingress => {
                let call = cx.ec2().revoke_security_group_ingress().group_id(group);
                call.security_group_rule_ids(&have.id).send().await.gone()
            }
            Direction::Egress => {
                let call = cx.ec2().revoke_security_group_egress().group_id(group);
                call.security_group_rule_ids(&have.id).send().await.gone()
            }
        }
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let subject = subject(change);
        let group = arn("security-group", subject.map_or("*", |it| it.group_id.as_str()));
        let ingress = subject.is_none_or(|it| it.direction == Direction::Ingress);
        let (create, delete) = if ingress {
            ("AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress")
        } else {
            ("AuthorizeSecurityGroupEgress", "RevokeSecurityGroupEgress")
        };
        // Who looks for rules looks for what others have put into the stack's groups too.
        let read: &[_] = match Verb::of(change) {
            Verb::Search => &["DescribeSecurityGroupRules", "DescribeSecurityGroups"],
            _ => &["DescribeSecurityGroupRules"],
        };
        let names = Names { resource: "security-group-rule", read, create, delete };
        let modifies = Verb::of(change) == Verb::Update
            && (change.touches(Self::SOURCE)
                || change.touches(Self::PORTS)
                || change.touches(Self::DESCRIPTION));
        let calls = modifies.then_some("ModifySecurityGroupRules");
        let mut grants = names.grants(change, [], calls, change.touches(Self::TAGS));
        // The calls name the group, and (from their own side) the rule.
        let on_group = match Verb::of(change) {
            Verb::Search | Verb::Read => None,
            Verb::Create => Some(create),
            Verb::Update => calls,
            Verb::Delete => Some(delete),
        };
        grants.extend(on_group.map(|call| Grant::new(format!("ec2:{call}"), group)));
        grants
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let mut violations = Vec::new();
        if let Some(problem) = want.get(Self::PORTS).known().and_then(|ports| ports.problem()) {
            violations.push(Violation::of(Self::PORTS, problem));
        }
        if let Some(text) = want.get(Self::DESCRIPTION).known()
            && let Some(message) = wrong_description(&text, 0)
        {
            violations.push(Violation::of(Self::DESCRIPTION, message));
        }
        violations
    }

    fn replaces(old: &Self, new: &Partial<Self>) -> Option<Reason> {
        // Which kind it is stands in the value even while the id in it is not known.
        let old_source = old.source.to_value();
        let kind = |source: &state::Value| source.as_map()?.keys().next().cloned();
        let (was, is) = (kind(&old_source), new.value().get("source").and_then(kind)?);
        let family = match (&old.source, new.get(Self::SOURCE)) {
            (Source::Cidr(old), Part::Known(Source::Cidr(new))) => old.is_v6() != new.is_v6(),
            _ => false,
        };
        let message =
            "a rule keeps its kind of source: IPv4 or IPv6 addresses, a group, a prefix list";
        (family || was != Some(is)).then(|| Reason::of(Self::SOURCE, message))
    }

    /// EC2 refuses a second rule that lets the same through (`InvalidPermission.Duplicate`), whatever its description.
    fn collides(old: &Self, new: &Partial<Self>) -> Option<String> {
        let same = new.get(Self::GROUP_ID).known().as_ref() == Some(&old.group_id)
            && new.get(Self::DIRECTION).known() == Some(old.direction)
            && new.get(Self::SOURCE).known().as_ref() == Some(&old.source)
            && new.get(Self::PORTS).known().is_some_and(|it| it.parts() == old.ports.parts());
        same.then(|| "a group has a rule with the same source and ports once".to_owned())
    }
}

pub(super) async fn describe(cx: &Cx<Aws>, filter: Filter) -> Result<Vec<SdkRule>> {
    let call = cx.ec2().describe_security_group_rules().filters(filter);
    let pages = call.into_paginator().items().send();
    pages.collect::<Result<Vec<_>, _>>().await.classify()
}

fn observe(rule: &SdkRule) -> Observed<SecurityGroupRule> {
    let all = tagging::map(rule.tags());
    let live = SecurityGroupRule {
        group_id: SecurityGroupId::trusted(rule.group_id().unwrap_or_default()),
        direction: match rule.is_egress() {
            Some(true) => Direction::Egress,
            _ => Direction::Ingress,
        },
        source: source(rule),
        ports: Ports::of(rule.ip_protocol().unwrap_or("-1"), rule.from_port(), rule.to_port()),
        description: rule.description().filter(|text| !text.is_empty()).map(str::to_owned),
        tags: tags::visible(&all),
    };
    let id = rule.security_group_rule_id().unwrap_or_default();
    let outputs = SecurityGroupRuleOutputs { id: SecurityGroupRuleId::trusted(id) };
    Observed::ready(id, live, outputs).owned_by(&all)
}

/// A rule that somebody added to a group of the stack's: it is nobody's, and what it lets in gets to what is the
/// stack's. So it is taken for the stack's, and says of no resource that it is its object.
fn added(rule: &SdkRule, groups: &[SdkGroup]) -> Option<Observed<SecurityGroupRule>> {
    let group = groups.iter().find(|group| group.group_id() == rule.group_id())?;
    let tags = tagging::map(rule.tags());
    let (whose, owner) = (owned::whose(&tags), owned::whose(&tagging::map(group.tags())));
    // The search for what is the stack's own finds it by its tags.
    if whose == owner || is_implicit(rule) {
        return None;
    }
    // One tag alone says nothing of who answers for it.
    let is_anothers = whose.len() == 2 && whose.get(STACK) != owner.get(STACK);
    if !is_open(rule) && (is_anothers || is_controllers(rule, &tags)) {
        return None;
    }
    Some(observe(rule).owned_by(&owner))
}

/// Whether it lets in half of the world or more. Anybody can write a mark or a tag, so no one hides that.
fn is_open(rule: &SdkRule) -> bool {
    let is_world = matches!(source(rule), Source::Cidr(cidr) if cidr.prefix() <= 1);
    is_world && rule.is_egress() != Some(true)
}

/// Whether a controller in the stack's cluster keeps it, for a load balancer that it made: it lets in from the balancer's
/// group, or from within the network. What bears its mark and lets in from elsewhere is told.
fn is_controllers(rule: &SdkRule, tags: &BTreeMap<String, String>) -> bool {
    let mut marks = rule.description().into_iter().chain(tags.keys().map(String::as_str));
    let is_within = match source(rule) {
        Source::Cidr(cidr) => PRIVATE.iter().any(|block| block.contains(cidr)),
        Source::Group(_) => true,
        Source::PrefixList(_) => false,
    };
    is_within && marks.any(|mark| CONTROLLERS.iter().any(|with| mark.starts_with(with)))
}

/// A rule has exactly one source.
fn source(rule: &SdkRule) -> Source {
    let group = rule.referenced_group_info().and_then(|group| group.group_id());
    let cidr = rule.cidr_ipv4().or(rule.cidr_ipv6()).and_then(|text| text.parse().ok());
    match (rule.prefix_list_id(), group, cidr) {
        (Some(list), ..) => Source::PrefixList(PrefixListId::trusted(list)),
        (None, Some(group), _) => Source::Group(SecurityGroupId::trusted(group)),
        (None, None, cidr) => Source::Cidr(cidr.unwrap_or(Cidr::ANY_V4)),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{ReferencedSecurityGroup, Tag};

    use super::*;
    use crate::owned::LINEAGE;

    #[test]
    fn another_kind_of_source_replaces() {
        let mut rule = SecurityGroupRule {
            group_id: SecurityGroupId::trusted("sg-1"),
            direction: Direction::Ingress,
            source: Source::Cidr(cidr!("10.0.0.0/8")),
            ports: Ports::All,
            description: None,
            tags: BTreeMap::new(),
        };
        let old = rule.clone();
        let reason = |new: &SecurityGroupRule| {
            SecurityGroupRule::replaces(&old, &Partial::new(new.to_value()))
        };
        rule.source = Source::Cidr(cidr!("10.0.0.0/16"));
        assert_eq!(reason(&rule), None);
        rule.source = Source::Cidr(cidr!("2001:db8::/32"));
        assert!(reason(&rule).is_some());
        rule.source = Source::Group(SecurityGroupId::trusted("sg-2"));
        assert!(reason(&rule).is_some());
    }

    #[test]
    fn what_controllers_keep_in_a_group_nobody_added() {
        let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
        let group = SdkGroup::builder().group_id("sg-1");
        let group = group.tags(tag(STACK, "shop/dev")).tags(tag(LINEAGE, "1"));
        let groups = [group.build()];
        let rule = || SdkRule::builder().group_id("sg-1").is_egress(false).ip_protocol("tcp");
        let is_added = |rule: &SdkRule| added(rule, &groups).is_some();
        let balancer = ReferencedSecurityGroup::builder().group_id("sg-2").build();
        let kept = rule().referenced_group_info(balancer);
        assert!(is_added(&kept.clone().build()));
        assert!(is_added(&kept.clone().description("elbv2").build()));
        let mark = "elbv2.k8s.aws/targetGroupBinding=shared";
        assert!(!is_added(&kept.clone().description(mark).build()));
        assert!(!is_added(&kept.tags(tag("elbv2.k8s.aws/cluster", "c")).build()));
        let health = rule().description("kubernetes.io/rule/nlb/health=a1");
        assert!(!is_added(&health.clone().cidr_ipv4("10.0.0.0/16").build()));
        // The mark hides nothing that matters.
        assert!(is_added(&health.clone().cidr_ipv4("0.0.0.0/0").build()));
        assert!(is_added(&health.clone().cidr_ipv6("8000::/1").build()));
        assert!(is_added(&health.clone().cidr_ipv4("203.0.113.9/32").build()));
        assert!(is_added(&health.prefix_list_id("pl-1").build()));
    }

    #[test]
    fn a_tag_hides_no_rule_that_matters() {
        let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
        let of = |stack: &str, lineage: &str| vec![tag(STACK, stack), tag(LINEAGE, lineage)];
        let group = SdkGroup::builder().group_id("sg-1").set_tags(Some(of("shop/dev", "1")));
        let groups = [group.build()];
        let is_added = |cidr: &str, tags: Vec<Tag>| {
            let rule = SdkRule::builder().group_id("sg-1").is_egress(false).ip_protocol("tcp");
            added(&rule.cidr_ipv4(cidr).set_tags(Some(tags)).build(), &groups).is_some()
        };
        let (world, one) = ("0.0.0.0/0", "203.0.113.9/32");
        // The stack's own is found by its tags; another stack answers for its own, as far as it lets nobody in.
        assert!(!is_added(world, of("shop/dev", "1")));
        assert!(!is_added(one, of("other/dev", "2")));
        assert!(is_added(world, of("other/dev", "2")));
        // Half an owner is none, and neither is an earlier life of the stack.
        for cidr in [world, one] {
            assert!(is_added(cidr, vec![tag(STACK, "shop/dev")]));
            assert!(is_added(cidr, vec![tag(STACK, "other/dev")]));
            assert!(is_added(cidr, of("shop/dev", "2")));
            assert!(is_added(cidr, vec![tag("Name", "tmp")]));
        }
    }

    #[test]
    fn a_rule_that_is_made_again_as_it_is_goes_first() {
        let old = SecurityGroupRule {
            group_id: SecurityGroupId::trusted("sg-1"),
            direction: Direction::Ingress,
            source: Source::Cidr(cidr!("10.0.0.0/8")),
            ports: Ports::Tcp(443),
            description: None,
            tags: BTreeMap::new(),
        };
        let collides = |new: &SecurityGroupRule| {
            SecurityGroupRule::collides(&old, &Partial::new(new.to_value())).is_some()
        };
        assert!(collides(&old));
        assert!(collides(&SecurityGroupRule { description: Some("d".to_owned()), ..old.clone() }));
        let group_id = SecurityGroupId::trusted("sg-2");
        assert!(!collides(&SecurityGroupRule { group_id, ..old.clone() }));
        assert!(!collides(&SecurityGroupRule { direction: Direction::Egress, ..old.clone() }));
        assert!(!collides(&SecurityGroupRule { ports: Ports::Tcp(80), ..old.clone() }));
        let mut unknown = old.to_value();
        if let state::Value::Map(map) = &mut unknown {
            map.insert("group_id".to_owned(), state::Value::Unknown);
        }
        assert!(SecurityGroupRule::collides(&old, &Partial::new(unknown)).is_none());
    }
}
