//! Rules, each with its own id: exactly one protocol, port range and source.

use serde_json::{Value, json};

use super::cidr::Cidr;
use super::kind;
use crate::services::{Access, Service};
use crate::wire::{Failure, Outcome, fail, list, text, texts};

/// Keeps a rule of a group.
pub(super) fn keep(
    access: &mut Access<'_>,
    group: &str,
    egress: bool,
    mut rule: Value,
    tags: Value,
) -> Value {
    let id = kind::SECURITY_GROUP_RULE.new_id();
    let account = access.account();
    rule["securityGroupRuleId"] = json!(id);
    rule["groupId"] = json!(group);
    rule["groupOwnerId"] = json!(account);
    rule["isEgress"] = json!(egress);
    rule["tagSet"] = tags;
    rule["securityGroupRuleArn"] =
        json!(format!("arn:aws:ec2:{}:{account}:security-group-rule/{id}", access.region()));
    kind::SECURITY_GROUP_RULE.put(access, &id, rule)
}

fn protocol(name: &str) -> String {
    match name {
        "6" => "tcp".to_owned(),
        "17" => "udp".to_owned(),
        "1" => "icmp".to_owned(),
        "58" => "icmpv6".to_owned(),
        "all" => "-1".to_owned(),
        other => other.to_lowercase(),
    }
}

fn invalid(message: impl Into<String>) -> Failure {
    fail("InvalidParameterValue", message)
}

/// The rules that `IpPermissions` (or the flat parameters of old) mean, one a source.
fn asked(access: &mut Access<'_>) -> Result<Vec<Value>, Failure> {
    let input = access.input();
    let mut permissions = list(input, "IpPermissions").into_iter().cloned().collect::<Vec<_>>();
    if permissions.is_empty() && text(input, "IpProtocol").is_some() {
        permissions.push(json!({
            "IpProtocol": input["IpProtocol"], "FromPort": input["FromPort"],
            "ToPort": input["ToPort"], "IpRanges": [{"CidrIp": input["CidrIp"]}],
        }));
    }
    let mut rules = Vec::new();
    for permission in &permissions {
        let before = rules.len();
        for range in list(permission, "IpRanges") {
            rules.push(rule(access, permission, range, "CidrIp", "cidrIpv4")?);
        }
        for range in list(permission, "Ipv6Ranges") {
            rules.push(rule(access, permission, range, "CidrIpv6", "cidrIpv6")?);
        }
        for range in list(permission, "PrefixListIds") {
            rules.push(rule(access, permission, range, "PrefixListId", "prefixListId")?);
        }
        let groups = match list(permission, "Groups") {
            groups if groups.is_empty() => list(permission, "UserIdGroupPairs"),
            groups => groups,
        };
        for range in groups {
            rules.push(rule(access, permission, range, "GroupId", "referencedGroupInfo")?);
        }
        if rules.len() == before {
            return Err(invalid("Invalid value 'null' for source of rule."));
        }
    }
    Ok(rules)
}

/// One rule: `source` holds the address or group at `parameter`.
fn rule(
    access: &mut Access<'_>,
    permission: &Value,
    source: &Value,
    parameter: &str,
    field: &str,
) -> Result<Value, Failure> {
    let protocol = protocol(text(permission, "IpProtocol").unwrap_or("-1"));
    let port = |name: &str| text(permission, name).and_then(|port| port.parse::<i32>().ok());
    let (from, to) = if protocol == "-1" {
        (-1, -1)
    } else {
        match (port("FromPort"), port("ToPort")) {
            (Some(from), Some(to)) => (from, to),
            _ => (-1, -1),
        }
    };
    if matches!(protocol.as_str(), "tcp" | "udp") && (from < 0 || to > 65_535 || from > to) {
        return Err(invalid(format!("Invalid port range {from}-{to} for {protocol}")));
    }
    let given = text(source, parameter).unwrap_or_default();
    let value = match field {
        "cidrIpv4" => {
            let cidr = Cidr::parse(given)
                .ok_or_else(|| invalid(format!("CIDR block {given} is malformed")))?;
            json!(cidr.to_string())
        }
        "referencedGroupInfo" => {
            kind::SECURITY_GROUP.find(access, given)?;
            json!({"groupId": given, "userId": access.account()})
        }
        _ => json!(given),
    };
    let mut rule = json!({"ipProtocol": protocol, "fromPort": from, "toPort": to, field: value});
    if let Some(description) = text(source, "Description") {
        rule["description"] = json!(description);
    }
    Ok(rule)
}

fn same(a: &Value, b: &Value) -> bool {
    ["ipProtocol", "fromPort", "toPort", "cidrIpv4", "cidrIpv6", "prefixListId"]
        .iter()
        .all(|field| a[*field] == b[*field])
        && a["referencedGroupInfo"]["groupId"] == b["referencedGroupInfo"]["groupId"]
}

fn existing(access: &mut Access<'_>, group: &str, egress: bool, rule: &Value) -> Option<String> {
    access
        .docs(Service::Ec2)
        .all("security-group-rule")
        .find(|(_, old)| old["groupId"] == group && old["isEgress"] == egress && same(old, rule))
        .map(|(id, _)| id.to_owned())
}

pub(super) fn authorize(access: &mut Access<'_>, egress: bool) -> Outcome {
    let (group, _) = kind::SECURITY_GROUP.param(access, "GroupId")?;
    let rules = asked(access)?;
    for rule in &rules {
        if existing(access, &group, egress, rule).is_some() {
            return Err(fail("InvalidPermission.Duplicate", "the specified rule already exists"));
        }
    }
    let tags = super::tags::specified(access.input(), "security-group-rule");
    let made: Vec<Value> =
        rules.into_iter().map(|rule| keep(access, &group, egress, rule, tags.clone())).collect();
    Ok(json!({"return": true, "securityGroupRuleSet": made}))
}

pub(super) fn revoke(access: &mut Access<'_>, egress: bool) -> Outcome {
    let (group, _) = kind::SECURITY_GROUP.param(access, "GroupId")?;
    let mut ids = texts(access.input(), "SecurityGroupRuleId");
    for id in &ids {
        let rule = kind::SECURITY_GROUP_RULE.find(access, id)?;
        if rule["groupId"] != group.as_str() || rule["isEgress"] != egress {
            return Err(kind::SECURITY_GROUP_RULE.not_found(id));
        }
    }
    if ids.is_empty() {
        for rule in asked(access)? {
            let id = existing(access, &group, egress, &rule).ok_or_else(|| {
                fail(
                    "InvalidPermission.NotFound",
                    "The specified rule does not exist in this security group.",
                )
            })?;
            ids.push(id);
        }
    }
    let mut revoked = Vec::new();
    for id in ids {
        if let Some(mut rule) = access.docs(Service::Ec2).remove("security-group-rule", &id) {
            rule["tagSet"] = Value::Null;
            revoked.push(rule);
        }
    }
    Ok(json!({"return": true, "revokedSecurityGroupRuleSet": revoked}))
}

pub(super) fn modify(access: &mut Access<'_>) -> Outcome {
    let (group, _) = kind::SECURITY_GROUP.param(access, "GroupId")?;
    let mut changes = Vec::new();
    for update in list(access.input(), "SecurityGroupRule") {
        let id = text(update, "SecurityGroupRuleId").unwrap_or_default();
        let old = kind::SECURITY_GROUP_RULE.find(access, id)?;
        if old["groupId"] != group.as_str() {
            return Err(kind::SECURITY_GROUP_RULE.not_found(id));
        }
        let wanted = &update["SecurityGroupRule"];
        let source = [
            ("CidrIpv4", "cidrIpv4"),
            ("CidrIpv6", "cidrIpv6"),
            ("PrefixListId", "prefixListId"),
            ("ReferencedGroupId", "referencedGroupInfo"),
        ]
        .into_iter()
        .find(|(parameter, _)| text(wanted, parameter).is_some());
        let Some((parameter, field)) = source else {
            return Err(invalid("A rule needs exactly one source"));
        };
        let mut new = rule(access, wanted, wanted, parameter, field)?;
        let egress = old["isEgress"] == true;
        if existing(access, &group, egress, &new).is_some_and(|other| other != id) {
            return Err(fail("InvalidPermission.Duplicate", "the specified rule already exists"));
        }
        for kept in [
            "securityGroupRuleId",
            "groupId",
            "groupOwnerId",
            "isEgress",
            "tagSet",
            "securityGroupRuleArn",
            "_born",
        ] {
            new[kept] = old[kept].clone();
        }
        changes.push((id.to_owned(), new));
    }
    for (id, new) in changes {
        access.docs(Service::Ec2).put("security-group-rule", &id, new);
    }
    Ok(json!({"return": true}))
}

/// UpdateSecurityGroupRuleDescriptions…: only the description moves.
pub(super) fn describe_again(access: &mut Access<'_>, egress: bool) -> Outcome {
    let (group, _) = kind::SECURITY_GROUP.param(access, "GroupId")?;
    let mut changes = Vec::new();
    for update in list(access.input(), "SecurityGroupRuleDescription") {
        let id = text(update, "SecurityGroupRuleId").unwrap_or_default();
        kind::SECURITY_GROUP_RULE.find(access, id)?;
        changes.push((id.to_owned(), update["Description"].clone()));
    }
    for rule in asked(access)? {
        if let Some(id) = existing(access, &group, egress, &rule) {
            changes.push((id, rule["description"].clone()));
        }
    }
    for (id, description) in changes {
        kind::SECURITY_GROUP_RULE.edit(access, &id)?["description"] = description;
    }
    Ok(json!({"return": true}))
}
