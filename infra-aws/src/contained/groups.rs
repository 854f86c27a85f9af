//! Security groups and their rules.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{SecurityGroup, SecurityGroupRule};
use futures_util::future::try_join_all;
use infra_core::provider::{Contained, Cx, Operation, Result};

use super::object::{filters, named, object, part_of, tags, within};
use crate::{Aws, classify::Classify as _};

pub(super) async fn groups(cx: &Cx<Aws>, vpc: &str) -> Result<Vec<Contained>> {
    let list = cx.ec2().describe_security_groups().filters(within(vpc));
    let pages = list.into_paginator().items().send();
    let groups = pages.collect::<Result<Vec<_>, _>>().await.classify()?;
    let groups: Vec<Contained> = groups.iter().filter_map(group).collect();
    let ids: Vec<String> = groups.iter().map(|group| group.id.clone()).collect();
    let calls = filters("group-id", &ids).into_iter().map(|filter| async {
        let list = cx.ec2().describe_security_group_rules().filters(filter);
        let pages = list.into_paginator().items().send();
        pages.collect::<Result<Vec<_>, _>>().await.classify()
    });
    let rules: Vec<_> = try_join_all(calls).await?.into_iter().flatten().collect();
    let with: BTreeMap<_, _> =
        groups.iter().map(|it| (it.id.clone(), it.comes_with.clone())).collect();
    let rules: Vec<_> = rules.iter().filter_map(|it| rule(it, &rules, &with)).collect();
    Ok(groups.into_iter().chain(rules).collect())
}

fn group(group: &SecurityGroup) -> Option<Contained> {
    let default = (group.group_name() == Some("default")).then_some("the VPC: its default group");
    let itself = object("aws:ec2:SecurityGroup", group.group_id()?, &tags(group.tags()));
    Some(part_of(named(itself, group.group_name()), default))
}

/// A rule. The one that AWS makes with every group is no object of its own, nor is the one with which a group that came
/// with something lets its own members in; what else is in such a group was put there by somebody.
fn rule(
    rule: &SecurityGroupRule,
    all: &[SecurityGroupRule],
    groups: &BTreeMap<String, Option<String>>,
) -> Option<Contained> {
    let (id, group) = (rule.security_group_rule_id()?, rule.group_id()?);
    let came = groups.get(group).is_some_and(Option::is_some);
    let tags = tags(rule.tags());
    let everything = rule.ip_protocol() == Some("-1");
    // That for IPv6 is AWS's only beside that for IPv4.
    let opens = |rule: &SecurityGroupRule| {
        lets_all_out(rule) && rule.cidr_ipv4().is_some() && rule.group_id() == Some(group)
    };
    let out = lets_all_out(rule) && (came || all.iter().any(opens));
    let other = rule.referenced_group_info().and_then(|it| it.group_id());
    let itself = came && everything && other == Some(group);
    let with = (out || itself).then(|| format!("the group {group}"));
    Some(part_of(object("aws:ec2:SecurityGroupRule", id, &tags), with))
}

/// Whether it lets everything out, and is nobody's.
fn lets_all_out(rule: &SecurityGroupRule) -> bool {
    let anywhere = rule.cidr_ipv4() == Some("0.0.0.0/0") || rule.cidr_ipv6() == Some("::/0");
    let owned = tags(rule.tags()).keys().any(|key| key.starts_with(Operation::TAG_PREFIX));
    rule.is_egress() == Some(true) && rule.ip_protocol() == Some("-1") && anywhere && !owned
}
