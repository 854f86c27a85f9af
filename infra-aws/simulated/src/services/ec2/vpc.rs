//! VPCs, with what AWS makes along with them.

use serde_json::json;

use super::cidr::Cidr;
use super::interface;
use super::kind::{self, dependent, need};
use super::security_group;
use crate::services::{Access, Service};
use crate::settings::Wait;
use crate::wire::{Outcome, fail, text};
use crate::world;

const ATTRIBUTES: [(&str, &str); 3] = [
    ("EnableDnsSupport", "enableDnsSupport"),
    ("EnableDnsHostnames", "enableDnsHostnames"),
    ("EnableNetworkAddressUsageMetrics", "enableNetworkAddressUsageMetrics"),
];

pub(super) fn create(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let asked = need(input, "CidrBlock")?;
    let cidr = Cidr::parse(asked).ok_or_else(|| {
        fail(
            "InvalidParameterValue",
            format!("Value ({asked}) for parameter cidrBlock is invalid."),
        )
    })?;
    if !(16..=28).contains(&cidr.prefix) {
        return Err(fail("InvalidVpc.Range", format!("The CIDR '{cidr}' is invalid.")));
    }
    let id = kind::VPC.new_id();
    let mut vpc = json!({
        "vpcId": id,
        "ownerId": access.account(),
        "state": "pending",
        "cidrBlock": cidr.to_string(),
        "cidrBlockAssociationSet": [{
            "cidrBlock": cidr.to_string(),
            "associationId": format!("vpc-cidr-assoc-{}", crate::services::access::hex(17)),
            "cidrBlockState": {"state": "associated"},
        }],
        "dhcpOptionsId": "dopt-0embedded000000",
        "instanceTenancy": text(input, "InstanceTenancy").unwrap_or("default"),
        "isDefault": false,
        "_attributes": {
            "enableDnsSupport": true, "enableDnsHostnames": false,
            "enableNetworkAddressUsageMetrics": false,
        },
    });
    world::plan(&mut vpc, &[(access.after(Wait::VpcAvailable), json!({"state": "available"}))]);
    let vpc = kind::VPC.put(access, &id, vpc);
    security_group::new_group(access, &id, "default", "default VPC security group", json!([]));
    super::route_table::make(access, &id, true);
    let acl = kind::NETWORK_ACL.new_id();
    let document = json!({
        "networkAclId": acl, "vpcId": id, "ownerId": access.account(), "default": true,
        "tagSet": [], "associationSet": [],
        "entrySet": [
            {"ruleNumber": 100, "protocol": "-1", "ruleAction": "allow", "egress": false,
             "cidrBlock": "0.0.0.0/0"},
            {"ruleNumber": 100, "protocol": "-1", "ruleAction": "allow", "egress": true,
             "cidrBlock": "0.0.0.0/0"},
        ],
    });
    kind::NETWORK_ACL.put(access, &acl, document);
    Ok(json!({"vpc": vpc}))
}

pub(super) fn attribute(access: &mut Access<'_>) -> Outcome {
    let (id, vpc) = kind::VPC.param(access, "VpcId")?;
    let wanted = need(access.input(), "Attribute")?;
    if !ATTRIBUTES.iter().any(|(_, name)| *name == wanted) {
        return Err(fail("InvalidParameterValue", format!("no attribute {wanted}")));
    }
    Ok(json!({"vpcId": id, wanted: {"value": vpc["_attributes"][wanted]}}))
}

/// One attribute a call; DNS hostnames need DNS support.
pub(super) fn modify(access: &mut Access<'_>) -> Outcome {
    let (id, vpc) = kind::VPC.param(access, "VpcId")?;
    let input = access.input();
    let given: Vec<_> = ATTRIBUTES.iter().filter(|(name, _)| !input[*name].is_null()).collect();
    let [(parameter, field)] = given[..] else {
        return Err(fail(
            "InvalidParameterCombination",
            "Exactly one attribute can be modified in a call",
        ));
    };
    let value = input[*parameter]["Value"] == "true";
    if *field == "enableDnsHostnames" && value && vpc["_attributes"]["enableDnsSupport"] == false {
        return Err(fail("InvalidParameterCombination", "DNS support must be enabled first"));
    }
    kind::VPC.edit(access, &id)?["_attributes"][*field] = value.into();
    Ok(json!({"return": true}))
}

pub(super) fn delete(access: &mut Access<'_>) -> Outcome {
    let (id, _) = kind::VPC.param(access, "VpcId")?;
    let interface = interface::interfaces(access).into_iter().find(|it| it.vpc == id);
    let docs = access.docs(Service::Ec2);
    let mut user = interface.map(|interface| interface.description);
    for (table, exempt) in [("subnet", ""), ("natgateway", "deleted"), ("vpc-endpoint", "deleted")]
    {
        let one = docs.values(table).find(|it| it["vpcId"] == id.as_str() && it["state"] != exempt);
        user = user.or_else(|| one.map(|_| table.to_owned()));
    }
    let attached = docs.values("internet-gateway").any(|gateway| {
        gateway["attachmentSet"]
            .as_array()
            .is_some_and(|all| all.iter().any(|attachment| attachment["vpcId"] == id.as_str()))
    });
    if attached {
        user = user.or_else(|| Some("internet-gateway".to_owned()));
    }
    let of_vpc = |table: &str| -> Vec<(String, bool)> {
        docs.all(table)
            .filter(|(_, it)| it["vpcId"] == id.as_str())
            .map(|(key, it)| {
                let main =
                    it["groupName"] == "default" || it["default"] == true || it["_main"] == true;
                (key.to_owned(), main)
            })
            .collect()
    };
    let own: Vec<(&str, Vec<(String, bool)>)> = ["security-group", "route-table", "network-acl"]
        .into_iter()
        .map(|table| (table, of_vpc(table)))
        .collect();
    for (table, all) in &own {
        if let Some((other, _)) = all.iter().find(|(_, main)| !main) {
            user = user.or_else(|| Some(format!("{table} {other}")));
        }
    }
    if let Some(user) = user {
        return Err(dependent("vpc", &id, &user));
    }
    for (table, all) in own {
        for (key, _) in all {
            if table == "security-group" {
                security_group::forget(access, &key);
            } else {
                access.docs(Service::Ec2).remove(table, &key);
            }
        }
    }
    kind::VPC.remove(access, &id);
    Ok(json!({"return": true}))
}
