//! The rules of security groups. One of Terraform's is as many as it has sources, and the older types do not know their
//! ids: they are found among the live ones.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{Filter, SecurityGroupRule as Live};
use futures_util::future::{BoxFuture, try_join_all};
use infra_core::{
    provider::{Class, Connection, Cx, Error, Memo, Operation, Result},
    state::Value,
    transfer::{
        take::Reason,
        terraform::{Instance, Piece},
    },
};

use super::attributes::{list, need, number, text, texts};
use crate::{Aws, classify::Classify as _};

const RULE: &str = "aws:ec2:SecurityGroupRule";

/// A filter takes this many values. (*Quotas for filters* of the EC2 API reference.)
const VALUES: usize = 200;

type Asked<'a> = BoxFuture<'a, Vec<Result<Vec<Piece>>>>;
/// The live rules of each group.
type Groups = BTreeMap<String, Vec<Live>>;

/// One source of a rule, as both sides say it.
#[derive(Clone, Debug, PartialEq)]
struct Wanted {
    egress: bool,
    protocol: String,
    /// Nothing where the protocol is any.
    ports: Option<(i32, i32)>,
    source: String,
}

/// A group, and the rules that Terraform lists in it.
pub(super) fn of_groups<'a>(connection: &'a Connection, all: &'a [&'a Instance]) -> Asked<'a> {
    Box::pin(answered(connection, all, "id", |group, it, live| {
        let mut pieces = vec![Piece::new("aws:ec2:SecurityGroup", group)];
        for (egress, direction) in [(false, "ingress"), (true, "egress")] {
            let blocks = list(&it.attributes, direction);
            let wanted = blocks.iter().flat_map(|block| wanted(group, egress, block));
            // What is no more live is nothing to take; Terraform would make it again.
            let found = wanted.filter_map(|wanted| piece(&wanted, live).ok().flatten());
            pieces.extend(found.map(|piece| Piece { listed: true, ..piece }));
        }
        let mut seen = BTreeSet::new();
        pieces.retain(|piece| seen.insert(piece.id.clone()));
        Ok(pieces)
    }))
}

/// A rule with its sources.
pub(super) fn of_rules<'a>(connection: &'a Connection, all: &'a [&'a Instance]) -> Asked<'a> {
    Box::pin(answered(connection, all, "security_group_id", |group, it, live| {
        let egress = it.text("type") == Some("egress");
        let wanted = wanted(group, egress, &it.attributes);
        let (mut pieces, mut gone, mut is_there) = (Vec::new(), Vec::new(), false);
        for wanted in &wanted {
            match piece(wanted, live) {
                Ok(found) => {
                    is_there = true;
                    pieces.extend(found);
                }
                Err(e) => gone.push((&wanted.source, e)),
            }
        }
        if let [only] = &mut pieces[..] {
            only.suffix = None;
        }
        // A source that is no more live takes nothing from the others.
        for (source, e) in gone {
            if !is_there {
                return Err(e);
            }
            pieces.push(Piece::left(source, Reason::Missing, e.to_string()));
        }
        Ok(pieces)
    }))
}

/// A rule that knows its id. That which AWS makes with a group is a field of the group.
pub(super) fn of_egress<'a>(connection: &'a Connection, all: &'a [&'a Instance]) -> Asked<'a> {
    Box::pin(answered(connection, all, "security_group_id", |_, it, live| {
        let id = need(it, "id").map_err(Error::invalid)?;
        let found = live.iter().find(|rule| rule.security_group_rule_id() == Some(id));
        let implicit = found.is_some_and(is_implicit);
        Ok(if implicit { Vec::new() } else { vec![Piece::new(RULE, id)] })
    }))
}

/// Asks for the rules of all groups, whose ids `attribute` has, and finds each one's pieces in them.
async fn answered(
    connection: &Connection,
    all: &[&Instance],
    attribute: &str,
    one: impl Fn(&str, &Instance, &[Live]) -> Result<Vec<Piece>>,
) -> Vec<Result<Vec<Piece>>> {
    let ids: BTreeSet<_> = all.iter().filter_map(|it| it.text(attribute)).collect();
    let groups = match rules(connection, &ids.into_iter().collect::<Vec<_>>()).await {
        Ok(groups) => groups,
        Err(e) => return all.iter().map(|_| Err(e.again())).collect(),
    };
    let answer = |it: &&Instance| {
        let group = need(it, attribute).map_err(Error::invalid)?;
        one(group, it, groups.get(group).map_or(&[], Vec::as_slice))
    };
    all.iter().map(answer).collect()
}

async fn rules(connection: &Connection, groups: &[&str]) -> Result<Groups> {
    let cx = Cx::<Aws>::of(connection, Memo::default())?;
    let cx = &cx;
    let calls = groups.chunks(VALUES).map(|ids| async move {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        let filter = Filter::builder().name("group-id").set_values(Some(ids)).build();
        let list = cx.ec2().describe_security_group_rules().filters(filter);
        let pages = list.into_paginator().items().send();
        pages.collect::<std::result::Result<Vec<_>, _>>().await.classify()
    });
    let mut all = Groups::new();
    for rule in try_join_all(calls).await?.into_iter().flatten() {
        let group = rule.group_id().unwrap_or_default().to_owned();
        all.entry(group).or_default().push(rule);
    }
    Ok(all)
}

/// What a block says, a source at a time.
fn wanted(group: &str, egress: bool, block: &Value) -> Vec<Wanted> {
    let protocol = protocol(text(block, "protocol").unwrap_or("-1"));
    let port = |name: &str| block.get(name).map(number).and_then(|text| text.parse().ok());
    let ports = (protocol != "-1")
        .then(|| (port("from_port").unwrap_or_default(), port("to_port").unwrap_or_default()));
    // A group of another account is ACCOUNT/GROUP.
    let bare = |id: &str| id.rsplit('/').next().unwrap_or(id).to_owned();
    let mut sources: Vec<String> = Vec::new();
    for name in ["cidr_blocks", "ipv6_cidr_blocks", "prefix_list_ids"] {
        sources.extend(texts(block, name).map(str::to_owned));
    }
    sources.extend(texts(block, "security_groups").map(bare));
    sources.extend(text(block, "source_security_group_id").map(bare));
    if let Some(Value::Bool(true)) = block.get("self").map(Value::revealed) {
        sources.push(group.to_owned());
    }
    sources.dedup();
    let one = |source: String| Wanted { egress, protocol: protocol.clone(), ports, source };
    sources.into_iter().map(one).collect()
}

/// As `DescribeSecurityGroupRules` says it.
fn protocol(text: &str) -> String {
    match text.to_ascii_lowercase().as_str() {
        "all" | "-1" => "-1",
        "6" | "tcp" => "tcp",
        "17" | "udp" => "udp",
        "1" | "icmp" => "icmp",
        "58" | "icmpv6" => "icmpv6",
        other => return other.to_owned(),
    }
    .to_owned()
}

fn is(wanted: &Wanted, rule: &Live) -> bool {
    let same = protocol(rule.ip_protocol().unwrap_or("-1")) == wanted.protocol;
    let ports = wanted.ports.is_none_or(|(from, to)| {
        rule.from_port().unwrap_or(-1) == from && rule.to_port().unwrap_or(-1) == to
    });
    let group = rule.referenced_group_info().and_then(|it| it.group_id());
    let sources = [rule.cidr_ipv4(), rule.cidr_ipv6(), rule.prefix_list_id(), group];
    let source = sources.into_iter().flatten().any(|it| it.eq_ignore_ascii_case(&wanted.source));
    rule.is_egress() == Some(wanted.egress) && same && ports && source
}

/// The rule that AWS makes with a group: `allow_all_egress` of the group says whether it is there. It does not say that
/// IPv6 is let out, so that is a rule of its own.
fn is_implicit(rule: &Live) -> bool {
    let anywhere = rule.cidr_ipv4() == Some("0.0.0.0/0");
    let owned = |key: &str| key.starts_with(Operation::TAG_PREFIX);
    let owned = rule.tags().iter().filter_map(|tag| tag.key()).any(owned);
    rule.is_egress() == Some(true) && rule.ip_protocol() == Some("-1") && anywhere && !owned
}

fn piece(wanted: &Wanted, live: &[Live]) -> Result<Option<Piece>> {
    let found = live.iter().find(|rule| is(wanted, rule));
    let Some(found) = found else {
        let Wanted { protocol, source, .. } = wanted;
        let direction = if wanted.egress { "egress" } else { "ingress" };
        let message = format!(
            "the group has no rule any more for {direction} {protocol} and {source}: let Terraform make it again, or forget it"
        );
        return Err(Error::new(Class::NotFound, message));
    };
    if is_implicit(found) {
        return Ok(None);
    }
    let id = found.security_group_rule_id().unwrap_or_default();
    let direction = if wanted.egress { "egress" } else { "ingress" };
    let ports = match wanted.ports {
        None => String::new(),
        Some((from, to)) if from == to => format!("-{from}"),
        Some((from, to)) => format!("-{from}-{to}"),
    };
    let protocol = if wanted.protocol == "-1" { "all" } else { &wanted.protocol };
    let suffix = format!("{direction}-{protocol}{ports}-{}", wanted.source);
    Ok(Some(Piece::new(RULE, id).suffix(suffix)))
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::ReferencedSecurityGroup;
    use infra_core::state::Value;
    use serde_json::json;

    use super::*;

    fn live(id: &str) -> aws_sdk_ec2::types::builders::SecurityGroupRuleBuilder {
        Live::builder().security_group_rule_id(id).group_id("sg-1").is_egress(false)
    }

    fn block(json: serde_json::Value) -> Value {
        Value::from(json)
    }

    #[test]
    fn each_source_is_found_among_the_live_rules() {
        let group = ReferencedSecurityGroup::builder().group_id("sg-9").build();
        let itself = ReferencedSecurityGroup::builder().group_id("sg-1").build();
        let tcp = |id: &str| live(id).ip_protocol("tcp").from_port(22).to_port(22);
        let rules = [
            tcp("sgr-other").cidr_ipv4("10.0.0.0/8").is_egress(true).build(),
            tcp("sgr-a").cidr_ipv4("10.0.0.0/8").build(),
            tcp("sgr-b").cidr_ipv4("192.168.0.0/16").build(),
            tcp("sgr-c").cidr_ipv6("fd00::/8").build(),
            tcp("sgr-d").referenced_group_info(group).build(),
            live("sgr-e")
                .ip_protocol("-1")
                .from_port(-1)
                .to_port(-1)
                .referenced_group_info(itself)
                .build(),
        ];
        let ids = |json: serde_json::Value| -> Vec<String> {
            let wanted = wanted("sg-1", false, &block(json));
            wanted.iter().map(|it| piece(it, &rules).unwrap().unwrap().id).collect()
        };
        let all = json!({
            "protocol": "6", "from_port": 22, "to_port": 22, "cidr_blocks": ["10.0.0.0/8", "192.168.0.0/16"],
            "ipv6_cidr_blocks": ["fd00::/8"], "security_groups": ["123456789012/sg-9"], "self": false
        });
        assert_eq!(ids(all), ["sgr-a", "sgr-b", "sgr-c", "sgr-d"]);
        let itself = json!({"protocol": "all", "from_port": 0, "to_port": 0, "self": true});
        assert_eq!(ids(itself), ["sgr-e"]);
        let gone = json!({"protocol": "tcp", "from_port": 23, "to_port": 23, "cidr_blocks": ["10.0.0.0/8"]});
        let gone = wanted("sg-1", false, &block(gone));
        let error = piece(&gone[0], &rules).unwrap_err();
        assert!(error.to_string().contains("ingress tcp"), "{error}");
    }

    #[test]
    fn what_lets_everything_out_is_a_field_of_the_group() {
        let open = live("sgr-a").ip_protocol("-1").cidr_ipv4("0.0.0.0/0").is_egress(true).build();
        let json =
            json!({"protocol": "-1", "from_port": 0, "to_port": 0, "cidr_blocks": ["0.0.0.0/0"]});
        let wanted = wanted("sg-1", true, &block(json));
        assert_eq!(piece(&wanted[0], std::slice::from_ref(&open)).unwrap(), None);
        let six = live("sgr-b").ip_protocol("-1").cidr_ipv6("::/0").is_egress(true).build();
        let json = json!({
            "protocol": "-1", "from_port": 0, "to_port": 0,
            "cidr_blocks": ["0.0.0.0/0"], "ipv6_cidr_blocks": ["::/0"]
        });
        let wanted = super::wanted("sg-1", true, &block(json));
        let found = wanted.iter().filter_map(|it| piece(it, &[open.clone(), six.clone()]).unwrap());
        assert_eq!(found.map(|it| it.id).collect::<Vec<_>>(), ["sgr-b"]);
    }
}
