//! Security groups and their rules, inline and apart.

use serde_json::{Value, json};

use super::object::{Object, texts};
use super::planter::{Planter, Result, specification};
use crate::services::Service;

/// A group without rules: those that every new group has are in the state too, where they are left.
pub(super) fn group(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let id = object.id()?;
    let input = json!({
        "GroupName": object.need("name")?, "VpcId": object.need("vpc_id")?,
        "GroupDescription": object.text("description").unwrap_or("Managed by Terraform"),
        "TagSpecification": specification("security-group", object),
    });
    let made = planter.call(Service::Ec2, "CreateSecurityGroup", input)?;
    planter.rename(&made["groupId"], id);
    planter.remove(Service::Ec2, "security-group-rule", |rule| rule["groupId"] == id);
    Ok(())
}

/// The rules that the state shows in the group, whoever made them.
pub(super) fn inline(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    for (block, egress) in [("ingress", false), ("egress", true)] {
        for rule in object.attributes[block].as_array().into_iter().flatten() {
            let groups = texts(&rule["security_groups"]);
            put(planter, object.id()?, egress, rule, &groups)?;
        }
    }
    Ok(())
}

pub(super) fn rule(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let group = object.need("security_group_id")?;
    let source = object.text("source_security_group_id");
    let own = object.attributes["self"] == true;
    let groups: Vec<_> =
        source.filter(|source| !(own && *source == group)).map(str::to_owned).into_iter().collect();
    put(planter, group, object.text("type") == Some("egress"), &object.attributes, &groups)
}

/// The rule may have been planted with its group already.
fn put(
    planter: &mut Planter<'_>,
    group: &str,
    egress: bool,
    rule: &Value,
    groups: &[String],
) -> Result<()> {
    let said = rule["description"].as_str().filter(|text| !text.is_empty());
    let of = |field: &str, values: Vec<String>| -> Vec<Value> {
        values.into_iter().map(|value| json!({field: value, "Description": said})).collect()
    };
    let mut groups = groups.to_vec();
    if rule["self"] == true {
        groups.push(group.to_owned());
    }
    let permission = json!({
        "IpProtocol": rule["protocol"], "FromPort": rule["from_port"], "ToPort": rule["to_port"],
    });
    let sources = [
        ("IpRanges", of("CidrIp", texts(&rule["cidr_blocks"]))),
        ("Ipv6Ranges", of("CidrIpv6", texts(&rule["ipv6_cidr_blocks"]))),
        ("PrefixListIds", of("PrefixListId", texts(&rule["prefix_list_ids"]))),
        ("Groups", of("GroupId", groups)),
    ];
    for (field, sources) in sources {
        for source in sources {
            let mut permission = permission.clone();
            permission[field] = json!([source]);
            authorize(planter, group, egress, permission, &Value::Null)?;
        }
    }
    Ok(())
}

fn authorize(
    planter: &mut Planter<'_>,
    group: &str,
    egress: bool,
    permission: Value,
    tags: &Value,
) -> Result<Value> {
    let side = if egress { "Egress" } else { "Ingress" };
    let operation = format!("AuthorizeSecurityGroup{side}");
    let permissions = Value::Array(vec![permission]);
    let input = json!({"GroupId": group, "IpPermissions": permissions, "TagSpecification": tags});
    match planter.called(Service::Ec2, &operation, input) {
        Ok(made) => Ok(made),
        Err(failure) if failure.code == "InvalidPermission.Duplicate" => Ok(Value::Null),
        Err(failure) => Err(failure.message),
    }
}

/// One rule with an id.
pub(super) fn single(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let mut permission = json!({
        "IpProtocol": object.need("ip_protocol")?, "FromPort": object.attributes["from_port"],
        "ToPort": object.attributes["to_port"],
    });
    let sources = [
        ("cidr_ipv4", "IpRanges", "CidrIp"),
        ("cidr_ipv6", "Ipv6Ranges", "CidrIpv6"),
        ("prefix_list_id", "PrefixListIds", "PrefixListId"),
        ("referenced_security_group_id", "Groups", "GroupId"),
    ];
    for (attribute, list, field) in sources {
        if let Some(source) = object.text(attribute) {
            permission[list] = json!([{field: source, "Description": object.text("description")}]);
        }
    }
    let egress = object.kind.contains("egress");
    let tags = specification("security-group-rule", object);
    let group = object.need("security_group_id")?;
    let made = authorize(planter, group, egress, permission, &tags)?;
    let made = &made["securityGroupRuleSet"][0]["securityGroupRuleId"];
    planter.rename(made, object.id()?);
    Ok(())
}
