//! Subnets.

use serde_json::json;

use super::cidr::Cidr;
use super::interface;
use super::kind::{self, dependent, need};
use super::place;
use crate::services::{Access, Service};
use crate::settings::Wait;
use crate::wire::{Outcome, fail, text};
use crate::world;

pub(super) fn create(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let (vpc_id, vpc) = kind::VPC.param(access, "VpcId")?;
    let asked = need(input, "CidrBlock")?;
    let cidr = Cidr::parse(asked).ok_or_else(|| {
        fail(
            "InvalidParameterValue",
            format!("Value ({asked}) for parameter cidrBlock is invalid."),
        )
    })?;
    let inside = vpc["cidrBlock"].as_str().and_then(Cidr::parse);
    if !inside.is_some_and(|vpc| vpc.contains(cidr)) || !(16..=28).contains(&cidr.prefix) {
        return Err(fail("InvalidSubnet.Range", format!("The CIDR '{cidr}' is invalid.")));
    }
    let overlapping = access.docs(Service::Ec2).values("subnet").any(|subnet| {
        subnet["vpcId"] == vpc_id.as_str()
            && subnet["cidrBlock"]
                .as_str()
                .and_then(Cidr::parse)
                .is_some_and(|it| it.overlaps(cidr))
    });
    if overlapping {
        return Err(fail(
            "InvalidSubnet.Conflict",
            format!("The CIDR '{cidr}' conflicts with another subnet"),
        ));
    }
    let zones = place::zone_names(access.region());
    let zone = match (text(input, "AvailabilityZone"), text(input, "AvailabilityZoneId")) {
        (Some(name), _) => zones.iter().find(|(zone, _)| zone == name),
        (None, Some(id)) => zones.iter().find(|(_, zone_id)| zone_id == id),
        (None, None) => zones.first(),
    };
    let Some((zone, zone_id)) = zone else {
        return Err(fail(
            "InvalidParameterValue",
            "Value for parameter availabilityZone is invalid. Subnets can currently only be \
             created in the following availability zones.",
        ));
    };
    let id = kind::SUBNET.new_id();
    let account = access.account();
    let mut subnet = json!({
        "subnetId": id,
        "subnetArn": format!("arn:aws:ec2:{}:{account}:subnet/{id}", access.region()),
        "vpcId": vpc_id,
        "ownerId": account,
        "state": "pending",
        "cidrBlock": cidr.to_string(),
        "availabilityZone": zone,
        "availabilityZoneId": zone_id,
        "availableIpAddressCount": cidr.usable(),
        "defaultForAz": false,
        "mapPublicIpOnLaunch": false,
        "assignIpv6AddressOnCreation": false,
        "enableDns64": false,
        "ipv6Native": false,
        "ipv6CidrBlockAssociationSet": [],
        "privateDnsNameOptionsOnLaunch": {
            "hostnameType": "ip-name", "enableResourceNameDnsARecord": false,
            "enableResourceNameDnsAAAARecord": false,
        },
    });
    let done = access.after(Wait::VpcAvailable);
    world::plan(&mut subnet, &[(done, json!({"state": "available"}))]);
    Ok(json!({"subnet": kind::SUBNET.put(access, &id, subnet)}))
}

/// Parameter and field of what is on or off.
const FLAGS: [(&str, &str); 4] = [
    ("MapPublicIpOnLaunch", "mapPublicIpOnLaunch"),
    ("AssignIpv6AddressOnCreation", "assignIpv6AddressOnCreation"),
    ("EnableDns64", "enableDns64"),
    ("EnableLniAtDeviceIndex", "enableLniAtDeviceIndex"),
];

/// One attribute a call.
pub(super) fn modify(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let (id, _) = kind::SUBNET.param(access, "SubnetId")?;
    let mut changes = Vec::new();
    for (parameter, field) in FLAGS {
        if !input[parameter].is_null() {
            changes.push((field, input[parameter]["Value"] == "true"));
        }
    }
    let options = [
        ("EnableResourceNameDnsARecordOnLaunch", "enableResourceNameDnsARecord"),
        ("EnableResourceNameDnsAAAARecordOnLaunch", "enableResourceNameDnsAAAARecord"),
    ];
    let host_type = text(input, "PrivateDnsHostnameTypeOnLaunch");
    let given: Vec<_> = options.iter().filter(|(name, _)| !input[*name].is_null()).collect();
    if changes.len() + given.len() + usize::from(host_type.is_some()) != 1 {
        return Err(fail(
            "InvalidParameterCombination",
            "Exactly one attribute can be modified in a call",
        ));
    }
    let subnet = kind::SUBNET.edit(access, &id)?;
    for (field, value) in changes {
        subnet[field] = value.into();
    }
    for (parameter, field) in given {
        subnet["privateDnsNameOptionsOnLaunch"][*field] =
            (input[*parameter]["Value"] == "true").into();
    }
    if let Some(host_type) = host_type {
        subnet["privateDnsNameOptionsOnLaunch"]["hostnameType"] = host_type.into();
    }
    Ok(json!({"return": true}))
}

pub(super) fn delete(access: &mut Access<'_>) -> Outcome {
    let (id, _) = kind::SUBNET.param(access, "SubnetId")?;
    if let Some(user) = interface::interfaces(access).into_iter().find(|it| it.subnet == id) {
        return Err(dependent("subnet", &id, &user.description));
    }
    // The association with a route table goes with the subnet.
    let docs = access.docs(Service::Ec2);
    for table in docs.ids("route-table") {
        let uses = docs.get("route-table", &table).is_some_and(|table| {
            table["associationSet"]
                .as_array()
                .is_some_and(|all| all.iter().any(|it| it["subnetId"] == id.as_str()))
        });
        if uses
            && let Some(table) = docs.edit("route-table", &table)
            && let Some(all) = table["associationSet"].as_array_mut()
        {
            all.retain(|it| it["subnetId"] != id.as_str());
        }
    }
    kind::SUBNET.remove(access, &id);
    Ok(json!({"return": true}))
}
