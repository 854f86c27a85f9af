//! NAT gateways: pending, available, deleting, deleted and still visible for an hour.

use serde_json::{Value, json};

use super::interface::interface_id;
use super::kind::{self, need};
use crate::services::access::hex;
use crate::services::{Access, Service};
use crate::settings::Wait;
use crate::wire::{Outcome, fail, text};
use crate::world;

pub(super) fn create(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let regional = text(input, "AvailabilityMode") == Some("regional");
    let (subnet_id, vpc_id) = if regional {
        let (vpc, _) = kind::VPC.param(access, "VpcId")?;
        (Value::Null, json!(vpc))
    } else {
        let (subnet_id, subnet) = kind::SUBNET.param(access, "SubnetId")?;
        (json!(subnet_id), subnet["vpcId"].clone())
    };
    let private = text(input, "ConnectivityType") == Some("private");
    let id = kind::NAT_GATEWAY.new_id();
    let done = access.after(Wait::NatAvailable);
    let mut addresses = json!([]);
    if !private && !regional {
        let allocation = need(input, "AllocationId")?;
        let address = kind::ADDRESS.find(access, allocation)?;
        if !address["associationId"].is_null() {
            return Err(fail(
                "Resource.AlreadyAssociated",
                format!("Elastic IP address [{allocation}] is already associated"),
            ));
        }
        let association = format!("eipassoc-{}", hex(17));
        let eni = interface_id(&id, "");
        addresses = json!([{
            "allocationId": allocation, "publicIp": address["publicIp"], "isPrimary": true,
            "networkInterfaceId": eni, "associationId": association, "status": "associating",
        }]);
        let address = kind::ADDRESS.edit(access, allocation)?;
        address["associationId"] = json!(association);
        address["networkInterfaceId"] = json!(eni);
        address["_nat"] = json!(id);
    }
    let mut available = addresses.clone();
    for address in available.as_array_mut().into_iter().flatten() {
        address["status"] = json!("succeeded");
        address["privateIp"] = json!("10.0.0.4");
    }
    let mut nat = json!({
        "natGatewayId": id,
        "subnetId": subnet_id,
        "vpcId": vpc_id,
        "state": "pending",
        "availabilityMode": if regional { "regional" } else { "zonal" },
        "connectivityType": if private { "private" } else { "public" },
        "createTime": access.timestamp(),
        "natGatewayAddressSet": addresses,
    });
    let ready = json!({"state": "available", "natGatewayAddressSet": available});
    world::plan(&mut nat, &[(done, ready)]);
    Ok(json!({"natGateway": kind::NAT_GATEWAY.put(access, &id, nat)}))
}

/// The address stays associated until the gateway is gone; routes to it stay and go blackhole.
pub(super) fn delete(access: &mut Access<'_>) -> Outcome {
    let (id, nat) = kind::NAT_GATEWAY.param(access, "NatGatewayId")?;
    if nat["state"] == "deleted" {
        return Err(kind::NAT_GATEWAY.not_found(&id));
    }
    if nat["state"] != "deleting" {
        let gone = access.after(Wait::NatDeleted);
        let forgotten = gone + Wait::Remains.millis(access.durations);
        let at = access.timestamp();
        let nat = kind::NAT_GATEWAY.edit(access, &id)?;
        nat["state"] = json!("deleting");
        nat["deleteTime"] = json!(at);
        world::plan(nat, &[(gone, json!({"state": "deleted"})), (forgotten, Value::Null)]);
        let docs = access.docs(Service::Ec2);
        for address in docs.ids("elastic-ip") {
            if docs.get("elastic-ip", &address).is_some_and(|it| it["_nat"] == id.as_str())
                && let Some(address) = docs.edit("elastic-ip", &address)
            {
                let free = json!({
                    "associationId": null, "networkInterfaceId": null, "_nat": null,
                });
                world::plan(address, &[(gone, free)]);
            }
        }
    }
    Ok(json!({"natGatewayId": id}))
}
