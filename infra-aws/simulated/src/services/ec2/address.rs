//! Elastic addresses.

use serde_json::json;

use super::kind::{self, need};
use crate::services::access::hex;
use crate::services::{Access, Service};
use crate::wire::{Outcome, fail, text};

pub(super) fn allocate(access: &mut Access<'_>) -> Outcome {
    let id = kind::ADDRESS.new_id();
    let bytes = u32::from_str_radix(&hex(6), 16).unwrap_or(0);
    // TEST-NET-like: the second /8 that AWS itself never hands out.
    let ip = format!("198.18.{}.{}", (bytes >> 8) & 255, bytes & 255);
    let address = json!({
        "allocationId": id, "publicIp": ip, "domain": "vpc",
        "networkBorderGroup": access.region(), "publicIpv4Pool": "amazon",
    });
    let address = kind::ADDRESS.put(access, &id, address);
    Ok(json!({
        "allocationId": id, "publicIp": ip, "domain": "vpc",
        "networkBorderGroup": address["networkBorderGroup"], "publicIpv4Pool": "amazon",
    }))
}

pub(super) fn associate(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let (id, address) = kind::ADDRESS.param(access, "AllocationId")?;
    let instance = text(input, "InstanceId");
    if let Some(instance) = instance {
        kind::INSTANCE.find(access, instance)?;
    }
    if !address["associationId"].is_null() && text(input, "AllowReassociation") != Some("true") {
        return Err(fail(
            "Resource.AlreadyAssociated",
            format!("resource {id} is already associated"),
        ));
    }
    let association = format!("eipassoc-{}", hex(17));
    let address = kind::ADDRESS.edit(access, &id)?;
    address["associationId"] = json!(association);
    address["instanceId"] = json!(instance);
    address["networkInterfaceId"] = json!(text(input, "NetworkInterfaceId"));
    Ok(json!({"return": true, "associationId": association}))
}

pub(super) fn disassociate(access: &mut Access<'_>) -> Outcome {
    let association = need(access.input(), "AssociationId")?;
    let docs = access.docs(Service::Ec2);
    let found = docs
        .all("elastic-ip")
        .find(|(_, it)| it["associationId"] == association)
        .map(|(id, it)| (id.to_owned(), it["_nat"].clone()));
    let Some((id, nat)) = found else {
        return Err(fail(
            "InvalidAssociationID.NotFound",
            format!("The association ID '{association}' does not exist"),
        ));
    };
    if !nat.is_null() {
        return Err(fail("AuthFailure", "You do not have permission to access this address."));
    }
    free(access, &id);
    Ok(json!({"return": true}))
}

/// Takes the association off.
pub(super) fn free(access: &mut Access<'_>, id: &str) {
    if let Some(address) = access.docs(Service::Ec2).edit("elastic-ip", id)
        && let Some(fields) = address.as_object_mut()
    {
        for field in
            ["associationId", "instanceId", "networkInterfaceId", "privateIpAddress", "_nat"]
        {
            fields.remove(field);
        }
    }
}

pub(super) fn release(access: &mut Access<'_>) -> Outcome {
    let (id, address) = kind::ADDRESS.param(access, "AllocationId")?;
    if !address["associationId"].is_null() {
        return Err(fail(
            "InvalidIPAddress.InUse",
            format!("Address {} is in use.", address["publicIp"].as_str().unwrap_or_default()),
        ));
    }
    kind::ADDRESS.remove(access, &id);
    Ok(json!({"return": true}))
}
