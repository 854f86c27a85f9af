//! Security groups. Their rules are a table of their own.

use serde_json::{Map, Value, json};

use super::describe;
use super::interface;
use super::kind::{self, dependent, need};
use super::security_group_rule;
use crate::services::{Access, Service};
use crate::wire::{Outcome, fail, text, texts};

pub(super) fn create(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let (vpc, _) = kind::VPC.param(access, "VpcId")?;
    let name = need(input, "GroupName")?;
    let description = need(input, "GroupDescription")?;
    let taken = access
        .docs(Service::Ec2)
        .values("security-group")
        .any(|group| group["vpcId"] == vpc.as_str() && group["groupName"] == name);
    if taken {
        return Err(fail(
            "InvalidGroup.Duplicate",
            format!("The security group '{name}' already exists for VPC '{vpc}'"),
        ));
    }
    let tags = super::tags::specified(input, "security-group");
    let id = new_group(access, &vpc, name, description, tags.clone());
    let arn = format!("arn:aws:ec2:{}:{}:security-group/{id}", access.region(), access.account());
    Ok(json!({"return": true, "groupId": id, "tagSet": tags, "securityGroupArn": arn}))
}

/// A group with what every new group has: everything may go out. The default group also lets its
/// members reach each other.
pub(crate) fn new_group(
    access: &mut Access<'_>,
    vpc: &str,
    name: &str,
    description: &str,
    tags: Value,
) -> String {
    let id = kind::SECURITY_GROUP.new_id();
    let account = access.account();
    let group = json!({
        "groupId": id, "groupName": name, "groupDescription": description, "vpcId": vpc,
        "ownerId": account, "tagSet": tags,
        "securityGroupArn":
            format!("arn:aws:ec2:{}:{account}:security-group/{id}", access.region()),
    });
    kind::SECURITY_GROUP.put(access, &id, group);
    let all = json!({"ipProtocol": "-1", "fromPort": -1, "toPort": -1, "cidrIpv4": "0.0.0.0/0"});
    security_group_rule::keep(access, &id, true, all, json!([]));
    if name == "default" {
        let own = json!({
            "ipProtocol": "-1", "fromPort": -1, "toPort": -1,
            "referencedGroupInfo": {"groupId": id, "userId": account},
        });
        security_group_rule::keep(access, &id, false, own, json!([]));
    }
    id
}

/// The groups with their rules folded in, as the older API shows them.
pub(super) fn describe(access: &mut Access<'_>) -> Outcome {
    let account = access.account();
    let docs = access.docs(Service::Ec2);
    let mut all: Vec<Value> = docs.values("security-group").cloned().collect();
    for group in &mut all {
        let rules: Vec<&Value> = docs
            .values("security-group-rule")
            .filter(|rule| rule["groupId"] == group["groupId"])
            .collect();
        let of = |egress: bool| rules.iter().copied().filter(move |it| it["isEgress"] == egress);
        let (ingress, egress) = (permissions(of(false), account), permissions(of(true), account));
        group["ipPermissions"] = ingress;
        group["ipPermissionsEgress"] = egress;
    }
    let names = texts(access.input(), "GroupName");
    if !names.is_empty() {
        all.retain(|group| names.iter().any(|name| group["groupName"] == name.as_str()));
    }
    let found = describe::select(access, &kind::SECURITY_GROUP, all)?;
    describe::page(access.input(), kind::SECURITY_GROUP.set, found)
}

fn permissions<'a>(rules: impl Iterator<Item = &'a Value>, account: &str) -> Value {
    let mut folded: Vec<Map<String, Value>> = Vec::new();
    for rule in rules {
        let same = |it: &Map<String, Value>| {
            it["ipProtocol"] == rule["ipProtocol"]
                && it.get("fromPort").unwrap_or(&Value::Null) == &port(rule, "fromPort")
                && it.get("toPort").unwrap_or(&Value::Null) == &port(rule, "toPort")
        };
        let at = folded.iter().position(same).unwrap_or_else(|| {
            let mut new = Map::new();
            new.insert("ipProtocol".to_owned(), rule["ipProtocol"].clone());
            new.insert("fromPort".to_owned(), port(rule, "fromPort"));
            new.insert("toPort".to_owned(), port(rule, "toPort"));
            for field in ["groups", "ipRanges", "ipv6Ranges", "prefixListIds"] {
                new.insert(field.to_owned(), json!([]));
            }
            folded.push(new);
            folded.len() - 1
        });
        let description = &rule["description"];
        let (field, source) = if rule["cidrIpv4"].is_string() {
            ("ipRanges", json!({"cidrIp": rule["cidrIpv4"], "description": description}))
        } else if rule["cidrIpv6"].is_string() {
            ("ipv6Ranges", json!({"cidrIpv6": rule["cidrIpv6"], "description": description}))
        } else if rule["prefixListId"].is_string() {
            (
                "prefixListIds",
                json!({"prefixListId": rule["prefixListId"], "description": description}),
            )
        } else {
            let group = &rule["referencedGroupInfo"]["groupId"];
            ("groups", json!({"groupId": group, "userId": account, "description": description}))
        };
        if let Some(Value::Array(sources)) = folded[at].get_mut(field) {
            sources.push(source);
        }
    }
    folded.into()
}

/// Rules for all protocols have no ports in this view.
fn port(rule: &Value, field: &str) -> Value {
    if rule["ipProtocol"] == "-1" { Value::Null } else { rule[field].clone() }
}

pub(super) fn delete(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let (id, group) = match text(input, "GroupId") {
        Some(_) => kind::SECURITY_GROUP.param(access, "GroupId")?,
        None => return Err(fail("MissingParameter", "The request must contain GroupId")),
    };
    if group["groupName"] == "default" {
        return Err(fail(
            "CannotDelete",
            format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user"),
        ));
    }
    let referenced = access.docs(Service::Ec2).values("security-group-rule").any(|rule| {
        rule["referencedGroupInfo"]["groupId"] == id.as_str() && rule["groupId"] != id.as_str()
    });
    let interface = interface::interfaces(access).into_iter().find(|it| it.groups.contains(&id));
    if referenced || interface.is_some() {
        let user =
            interface.map_or_else(|| "a rule of another group".to_owned(), |it| it.description);
        return Err(dependent("resource", &id, &user));
    }
    forget(access, &id);
    Ok(json!({"return": true, "groupId": id}))
}

/// Removes the group and its rules.
pub(crate) fn forget(access: &mut Access<'_>, id: &str) {
    let docs = access.docs(Service::Ec2);
    let rules: Vec<String> = docs
        .all("security-group-rule")
        .filter(|(_, rule)| rule["groupId"] == id)
        .map(|(key, _)| key.to_owned())
        .collect();
    for rule in rules {
        docs.remove("security-group-rule", &rule);
    }
    docs.remove("security-group", id);
}
