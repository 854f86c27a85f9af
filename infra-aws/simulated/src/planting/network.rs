//! VPCs and subnets.

use serde_json::{Value, json};

use super::object::Object;
use super::planter::{Planter, Result, specification};
use crate::services::Service;

/// With the default group, main table and default network ACL that the state knows it by.
pub(super) fn vpc(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let id = object.id()?;
    let input = json!({
        "CidrBlock": object.need("cidr_block")?, "InstanceTenancy": object.text("instance_tenancy"),
        "TagSpecification": specification("vpc", object),
    });
    let made = planter.call(Service::Ec2, "CreateVpc", input)?;
    planter.rename(&made["vpc"]["vpcId"], id);
    let of_vpc = |it: &Value| it["vpcId"] == id;
    let default = |it: &Value| it["vpcId"] == id && it["groupName"] == "default";
    let group = planter.find(Service::Ec2, "security-group", default).unwrap_or_default();
    let table = planter.find(Service::Ec2, "route-table", of_vpc).unwrap_or_default();
    let acl = planter.find(Service::Ec2, "network-acl", of_vpc).unwrap_or_default();
    let companions = [
        (&group["groupId"], "default_security_group_id"),
        (&table["routeTableId"], "default_route_table_id"),
        (&acl["networkAclId"], "default_network_acl_id"),
    ];
    for (made, attribute) in companions {
        if let Some(wanted) = object.text(attribute) {
            planter.rename(made, wanted);
        }
    }
    for (attribute, parameter) in
        [("enable_dns_support", "EnableDnsSupport"), ("enable_dns_hostnames", "EnableDnsHostnames")]
    {
        if let Some(on) = object.attributes[attribute].as_bool() {
            let input = json!({"VpcId": id, parameter: {"Value": on}});
            planter.call(Service::Ec2, "ModifyVpcAttribute", input)?;
        }
    }
    Ok(())
}

pub(super) fn subnet(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let id = object.id()?;
    let input = json!({
        "VpcId": object.need("vpc_id")?, "CidrBlock": object.need("cidr_block")?,
        "AvailabilityZone": object.text("availability_zone"),
        "TagSpecification": specification("subnet", object),
    });
    let made = planter.call(Service::Ec2, "CreateSubnet", input)?;
    planter.rename(&made["subnet"]["subnetId"], id);
    let said = json!({
        "mapPublicIpOnLaunch": object.attributes["map_public_ip_on_launch"],
        "availabilityZoneId": object.attributes["availability_zone_id"],
    });
    planter.set(Service::Ec2, "subnet", id, said);
    Ok(())
}
