//! DB subnet groups: at least two zones, never a zone less than an instance needs.

use serde_json::{Value, json};

use super::route::page;
use super::tag;
use crate::services::{Access, Service};
use crate::wire::{Failure, Outcome, fail, text, texts};

pub(super) const TABLE: &str = "subnet-group";

fn name(access: &Access<'_>) -> String {
    text(access.input(), "DBSubnetGroupName").unwrap_or_default().to_lowercase()
}

pub(super) fn find(access: &mut Access<'_>, name: &str) -> Result<Value, Failure> {
    access.docs(Service::Rds).get(TABLE, name).cloned().ok_or_else(|| {
        fail("DBSubnetGroupNotFoundFault", format!("DB subnet group '{name}' does not exist."))
            .status(404)
    })
}

/// The subnets as the reply shows them, and their VPC.
fn subnets(access: &mut Access<'_>) -> Result<(Vec<Value>, Value), Failure> {
    let ids = texts(access.input(), "SubnetIds");
    let docs = access.docs(Service::Ec2);
    let (mut shown, mut zones, mut vpc) = (Vec::new(), Vec::new(), Value::Null);
    for id in &ids {
        let subnet = docs.get("subnet", id).ok_or_else(|| {
            fail("InvalidSubnet", format!("Some input subnets in :[{id}] are invalid."))
        })?;
        let zone = &subnet["availabilityZone"];
        if !vpc.is_null() && vpc != subnet["vpcId"] {
            return Err(fail("InvalidSubnet", "The subnets are not all in one VPC"));
        }
        vpc = subnet["vpcId"].clone();
        if !zones.contains(zone) {
            zones.push(zone.clone());
        }
        shown.push(json!({
            "SubnetIdentifier": id, "SubnetStatus": "Active", "SubnetOutpost": {},
            "SubnetAvailabilityZone": {"Name": zone},
        }));
    }
    if zones.len() < 2 {
        return Err(fail(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Add \
             subnets to cover at least 2 AZs.",
        ));
    }
    Ok((shown, vpc))
}

pub(super) fn create(access: &mut Access<'_>) -> Outcome {
    let name = name(access);
    if access.docs(Service::Rds).has(TABLE, &name) {
        return Err(fail(
            "DBSubnetGroupAlreadyExists",
            format!("The DB subnet group '{name}' already exists."),
        ));
    }
    let (subnets, vpc) = subnets(access)?;
    let (region, account) = (access.region(), access.account());
    let group = json!({
        "DBSubnetGroupName": name,
        "DBSubnetGroupDescription": access.input()["DBSubnetGroupDescription"],
        "VpcId": vpc, "SubnetGroupStatus": "Complete", "Subnets": subnets,
        "DBSubnetGroupArn": format!("arn:aws:rds:{region}:{account}:subgrp:{name}"),
        "SupportedNetworkTypes": ["IPV4"],
        "_tags": tag::given(access.input()),
    });
    access.docs(Service::Rds).put(TABLE, &name, group.clone());
    Ok(json!({"DBSubnetGroup": group}))
}

pub(super) fn describe(access: &mut Access<'_>) -> Outcome {
    if text(access.input(), "DBSubnetGroupName").is_some() {
        let name = name(access);
        return Ok(json!({"DBSubnetGroups": [find(access, &name)?]}));
    }
    let all = access.docs(Service::Rds).values(TABLE).cloned().collect();
    Ok(page(access, "DBSubnetGroups", all))
}

pub(super) fn modify(access: &mut Access<'_>) -> Outcome {
    let name = name(access);
    let old = find(access, &name)?;
    let (subnets, vpc) = subnets(access)?;
    if vpc != old["VpcId"] {
        return Err(fail("InvalidSubnet", "The new Subnets are not in the same Vpc"));
    }
    let description = access.input()["DBSubnetGroupDescription"].clone();
    let docs = access.docs(Service::Rds);
    if let Some(group) = docs.edit(TABLE, &name) {
        group["Subnets"] = json!(subnets);
        if description.is_string() {
            group["DBSubnetGroupDescription"] = description;
        }
    }
    let now = docs.get(TABLE, &name).cloned().unwrap_or_default();
    for id in docs.ids("instance") {
        let uses = docs
            .get("instance", &id)
            .is_some_and(|it| it["DBSubnetGroup"]["DBSubnetGroupName"] == name.as_str());
        if uses && let Some(instance) = docs.edit("instance", &id) {
            instance["DBSubnetGroup"] = now.clone();
        }
    }
    Ok(json!({"DBSubnetGroup": now}))
}

pub(super) fn delete(access: &mut Access<'_>) -> Outcome {
    let name = name(access);
    find(access, &name)?;
    let docs = access.docs(Service::Rds);
    if let Some((id, _)) = docs
        .all("instance")
        .find(|(_, it)| it["DBSubnetGroup"]["DBSubnetGroupName"] == name.as_str())
    {
        return Err(fail(
            "InvalidDBSubnetGroupStateFault",
            format!(
                "Cannot delete the subnet group '{name}' because at least one database \
                     instance: {id} is still using it."
            ),
        ));
    }
    docs.remove(TABLE, &name);
    Ok(json!({}))
}
