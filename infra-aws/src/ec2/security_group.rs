//! Security groups.

use std::{collections::BTreeMap, sync::Arc};

use aws_sdk_ec2::types::{
    Filter, IpPermission, IpRange, ResourceType, SecurityGroup as SdkGroup,
    SecurityGroupRule as SdkRule,
};
use futures_util::future::try_join_all;
use infra_core::{
    Outputs, Resource,
    provider::{
        Change, Cx, Find, Grant, Managed, Observed, Operation, Partial, Result, Timeouts, Violation,
    },
    state::StackName,
};

use super::{
    grants::{Names, arn},
    search::{Object, filters, ids, of_stack, search},
    security_group_rule, tagging,
};
use crate::{
    Aws,
    classify::Classify,
    owned, tags,
    types::{Arn, SecurityGroupId, VpcId},
};

/// A firewall around network interfaces. Its [rules](super::SecurityGroupRule) are resources of their own, because
/// groups refer to each other.
///
/// **A group lets nothing in and nothing out that no rule says.** AWS puts a rule into every new group that lets
/// everything out; it is taken away right after the create, unless `allow_all_egress` is set. An untagged rule of that
/// kind that appears later is drift.
///
/// Another VPC, name or description replaces it. Deleting waits until no network interface and no rule of another
/// group uses it. Deploying needs `ec2:CreateSecurityGroup` (on it and the VPC), `ec2:RevokeSecurityGroupEgress`,
/// `ec2:AuthorizeSecurityGroupEgress`, `ec2:DeleteSecurityGroup`, the tag actions on `security-group/*`, and
/// `ec2:DescribeSecurityGroups` and `ec2:DescribeSecurityGroupRules`. Source: *EC2 API reference*,
/// `CreateSecurityGroup`.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:ec2:SecurityGroup", outputs = SecurityGroupOutputs)]
pub struct SecurityGroup {
    /// The VPC it is for. Another VPC replaces the group.
    #[field(replace)]
    pub vpc_id: VpcId,
    /// What it is for, in at most 255 characters. Another text replaces the group.
    #[field(replace)]
    pub description: String,
    /// Its name, unique in the VPC; generated if left out. Another name replaces the group.
    #[field(replace, name(max = 255, extra = "-._ :/()#,@[]+=&;{}!$*"))]
    pub name: Option<String>,
    /// Whether the rule that lets everything out stays as AWS makes it.
    #[field(default = false)]
    pub allow_all_egress: bool,
    /// Tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What a security group gives.
#[derive(Outputs, Clone, Debug)]
pub struct SecurityGroupOutputs {
    /// Its id.
    #[output(stable)]
    pub id: SecurityGroupId,
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
    /// Its name.
    #[output(stable)]
    pub name: String,
}

const NAMES: Names = Names {
    resource: "security-group",
    read: &["DescribeSecurityGroups", "DescribeSecurityGroupRules"],
    create: "CreateSecurityGroup",
    delete: "DeleteSecurityGroup",
};

impl Managed for SecurityGroup {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        let found = search(find, "group-id", |filter| describe(cx, filter)).await;
        let groups = found.iter().filter_map(|it| it.as_ref().ok()?.as_ref()?.group_id());
        let groups: Vec<_> = groups.map(str::to_owned).collect();
        let rules = match implicit(cx, &groups).await {
            Ok(rules) => rules,
            Err(e) => return find.iter().map(|_| Err(e.again())).collect(),
        };
        let observe = |group: SdkGroup| observe(&group, lets_out(group.group_id(), &rules));
        found.into_iter().map(|found| Ok(found?.map(observe))).collect()
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        owned::read(cx, ids(&of_the_stack(cx, stack).await?)).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let call = cx
            .ec2()
            .create_security_group()
            .vpc_id(want.vpc_id.as_str())
            .set_group_name(want.name.clone())
            .description(&want.description)
            .tag_specifications(tagging::specification(
                cx,
                ResourceType::SecurityGroup,
                &want.tags,
                op,
            ));
        Ok(call.send().await.classify()?.group_id.unwrap_or_default())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let (id, want, have) = (change.id()?, change.want()?, change.have()?);
        if change.touches(Self::ALLOW_ALL_EGRESS) {
            let rules = implicit(cx, &[id.to_owned()]).await?;
            let open = lets_out(Some(id), &rules);
            let ids: Vec<_> =
                rules.into_iter().filter_map(|rule| rule.security_group_rule_id).collect();
            if want.allow_all_egress && !open {
                let anywhere = IpRange::builder().cidr_ip("0.0.0.0/0").build();
                let all = IpPermission::builder().ip_protocol("-1").ip_ranges(anywhere).build();
                let call = cx.ec2().authorize_security_group_egress().group_id(id);
                call.ip_permissions(all).send().await.classify()?;
            } else if !want.allow_all_egress && !ids.is_empty() {
                let call = cx.ec2().revoke_security_group_egress().group_id(id);
                call.set_security_group_rule_ids(Some(ids)).send().await.gone()?;
            }
        }
        if change.touches(Self::TAGS) {
            tagging::sync(cx, id, &have.live.tags, &want.tags).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        cx.ec2().delete_security_group().group_id(&have.id).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let open = change.want.is_some_and(|want| want.allow_all_egress);
        let calls = change.touches(Self::ALLOW_ALL_EGRESS).then_some(if open {
            "AuthorizeSecurityGroupEgress"
        } else {
            "RevokeSecurityGroupEgress"
        });
        let vpc = change.want.map(|want| arn("vpc", want.vpc_id.as_str()));
        let mut grants = NAMES.grants(change, vpc, calls, change.touches(Self::TAGS));
        if change.touches(Self::ALLOW_ALL_EGRESS) && !open {
            // The rule that AWS makes with a group has nobody's tags.
            let rule = arn("security-group-rule", "*");
            grants.push(Grant::new("ec2:RevokeSecurityGroupEgress", rule));
        }
        grants
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let mut violations = Vec::new();
        if let Some(text) = want.get(Self::DESCRIPTION).known()
            && let Some(message) = wrong_description(&text, 1)
        {
            violations.push(Violation::of(Self::DESCRIPTION, message));
        }
        if want.get(Self::NAME).known().is_some_and(|name| name.starts_with("sg-")) {
            let message = "a name cannot begin with `sg-`, which AWS keeps for ids";
            violations.push(Violation::of(Self::NAME, message));
        }
        violations
    }

    fn timeouts() -> Timeouts {
        // Load balancers, clusters and databases leave network interfaces behind for minutes.
        Timeouts { delete: Timeouts::minutes(20).delete, ..Timeouts::default() }
    }
}

/// What is wrong with the description of a group or rule: AWS allows few characters.
pub(super) fn wrong_description(text: &str, min: usize) -> Option<String> {
    let length = text.chars().count();
    if !(min..=255).contains(&length) {
        return Some(format!("expected {min} to 255 characters, found {length}"));
    }
    let allowed = |c: &char| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(*c);
    let wrong = text.chars().find(|c| !allowed(c))?;
    Some(format!(
        "AWS does not allow {wrong:?} here; allowed are letters, digits and ._-:/()#,@[]+=&;{{}}!$*"
    ))
}

/// The stack's groups. Their rules are asked for by them too.
pub(super) async fn of_the_stack(cx: &Cx<Aws>, stack: &StackName) -> Result<Arc<Vec<SdkGroup>>> {
    let ask = || describe(cx, of_stack(stack));
    cx.memo(&format!("ec2:security-groups:of:{stack}"), ask).await
}

async fn describe(cx: &Cx<Aws>, filter: Filter) -> Result<Vec<SdkGroup>> {
    let pages = cx.ec2().describe_security_groups().filters(filter).into_paginator().items().send();
    pages.collect::<Result<Vec<_>, _>>().await.classify()
}

/// The rules that let everything out and that are nobody's: AWS's own, one more where the VPC has IPv6. A declared rule
/// has owner tags.
async fn implicit(cx: &Cx<Aws>, groups: &[String]) -> Result<Vec<SdkRule>> {
    let rules = rules(cx, groups).await?;
    let all = rules.iter().filter(|rule| is_implicit(rule) || is_for_ipv6(rule));
    Ok(all.cloned().collect())
}

/// All rules of these groups.
pub(super) async fn rules(cx: &Cx<Aws>, groups: &[String]) -> Result<Arc<Vec<SdkRule>>> {
    let mut groups = groups.to_vec();
    groups.sort_unstable();
    groups.dedup();
    let ask = || async {
        let calls = filters("group-id", &groups);
        let calls = calls.into_iter().map(|filter| security_group_rule::describe(cx, filter));
        Ok(try_join_all(calls).await?.into_iter().flatten().collect())
    };
    cx.memo(&format!("ec2:security-group-rules:{}", groups.join(",")), ask).await
}

/// The rule that AWS makes with every group.
pub(super) fn is_implicit(rule: &SdkRule) -> bool {
    rule.cidr_ipv4() == Some("0.0.0.0/0") && lets_all_out(rule)
}

/// The one beside it where the VPC has IPv6.
fn is_for_ipv6(rule: &SdkRule) -> bool {
    rule.cidr_ipv6() == Some("::/0") && lets_all_out(rule)
}

/// Whether AWS made it with its group: that for IPv6 never stands alone.
pub(super) fn came_with_group(rule: &SdkRule, rules: &[SdkRule]) -> bool {
    is_implicit(rule) || is_for_ipv6(rule) && lets_out(rule.group_id(), rules)
}

fn lets_all_out(rule: &SdkRule) -> bool {
    let owned = Object::tags(rule).iter().any(|tag| tag.key() == Some(tagging::OPERATION));
    rule.is_egress() == Some(true) && rule.ip_protocol() == Some("-1") && !owned
}

/// Whether AWS's own rule is in the group. Everything of IPv6 alone is not that: somebody let it out.
fn lets_out(group: Option<&str>, rules: &[SdkRule]) -> bool {
    rules.iter().any(|rule| rule.group_id() == group && is_implicit(rule))
}

fn observe(group: &SdkGroup, open: bool) -> Observed<SecurityGroup> {
    let all = tagging::map(group.tags());
    let live = SecurityGroup {
        vpc_id: VpcId::trusted(group.vpc_id().unwrap_or_default()),
        description: group.description().unwrap_or_default().to_owned(),
        name: group.group_name().map(str::to_owned),
        allow_all_egress: open,
        tags: tags::visible(&all),
    };
    let id = group.group_id().unwrap_or_default();
    let outputs = SecurityGroupOutputs {
        id: SecurityGroupId::trusted(id),
        arn: Arn::trusted(group.security_group_arn().unwrap_or_default()),
        name: live.name.clone().unwrap_or_default(),
    };
    Observed::ready(id, live, outputs).owned_by(&all)
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::Tag;

    use super::*;

    #[test]
    fn only_awss_own_rule_is_implicit() {
        let rule = SdkRule::builder().is_egress(true).ip_protocol("-1").cidr_ipv4("0.0.0.0/0");
        assert!(is_implicit(&rule.clone().build()));
        assert!(!is_implicit(&rule.clone().is_egress(false).build()));
        assert!(!is_implicit(&rule.clone().ip_protocol("tcp").build()));
        let tag = Tag::builder().key(tagging::OPERATION).value("x").build();
        assert!(!is_implicit(&rule.tags(tag).build()));
    }

    #[test]
    fn everything_of_ipv6_alone_does_not_open_a_group() {
        let rule = || SdkRule::builder().group_id("sg-1").is_egress(true).ip_protocol("-1");
        let six = rule().cidr_ipv6("::/0").build();
        assert!(!lets_out(Some("sg-1"), std::slice::from_ref(&six)));
        assert!(!came_with_group(&six, std::slice::from_ref(&six)));
        let both = [six, rule().cidr_ipv4("0.0.0.0/0").build()];
        assert!(both.iter().all(|rule| came_with_group(rule, &both)));
        assert!(lets_out(Some("sg-1"), &both));
        assert!(!lets_out(Some("sg-2"), &both));
    }

    #[test]
    fn descriptions() {
        assert_eq!(wrong_description("database, from pods", 1), None);
        assert!(wrong_description("für", 1).is_some());
        assert!(wrong_description("", 1).is_some());
    }
}
