//! Gateways and the addresses they have.

use serde_json::json;

use super::object::Object;
use super::planter::{Planter, Result, specification};
use crate::services::Service;

pub(super) fn internet(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let id = object.id()?;
    let input = json!({"TagSpecification": specification("internet-gateway", object)});
    let made = planter.call(Service::Ec2, "CreateInternetGateway", input)?;
    planter.rename(&made["internetGateway"]["internetGatewayId"], id);
    if let Some(vpc) = object.text("vpc_id") {
        let input = json!({"InternetGatewayId": id, "VpcId": vpc});
        planter.call(Service::Ec2, "AttachInternetGateway", input)?;
    }
    Ok(())
}

/// What holds it (a NAT gateway, an instance) comes later and takes it.
pub(super) fn address(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let id = object.id()?;
    let input = json!({"Domain": "vpc", "TagSpecification": specification("elastic-ip", object)});
    let made = planter.call(Service::Ec2, "AllocateAddress", input)?;
    planter.rename(&made["allocationId"], id);
    let said = json!({"publicIp": object.attributes["public_ip"]});
    planter.set(Service::Ec2, "elastic-ip", id, said);
    Ok(())
}

pub(super) fn nat(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let id = object.id()?;
    let input = json!({
        "SubnetId": object.need("subnet_id")?, "AllocationId": object.text("allocation_id"),
        "ConnectivityType": object.text("connectivity_type"),
        "TagSpecification": specification("natgateway", object),
    });
    let made = planter.call(Service::Ec2, "CreateNatGateway", input)?;
    let first = &made["natGateway"]["natGatewayAddressSet"][0];
    planter.rename(&made["natGateway"]["natGatewayId"], id);
    for (made, attribute) in [
        (&first["networkInterfaceId"], "network_interface_id"),
        (&first["associationId"], "association_id"),
    ] {
        if let Some(wanted) = object.text(attribute) {
            planter.rename(made, wanted);
        }
    }
    let nat = planter.find(Service::Ec2, "natgateway", |it| it["natGatewayId"] == id);
    let mut addresses = nat.unwrap_or_default()["natGatewayAddressSet"].clone();
    if let Some(ip) = object.text("private_ip").filter(|_| addresses[0].is_object()) {
        addresses[0]["privateIp"] = json!(ip);
    }
    planter.set(Service::Ec2, "natgateway", id, json!({"natGatewayAddressSet": addresses}));
    Ok(())
}
