//! Internet gateways.

use serde_json::{Value, json};

use super::interface;
use super::kind::{self, dependent};
use crate::services::{Access, Service};
use crate::wire::{Outcome, fail};

pub(super) fn create(access: &mut Access<'_>) -> Outcome {
    let id = kind::INTERNET_GATEWAY.new_id();
    let gateway = json!({
        "internetGatewayId": id, "ownerId": access.account(), "attachmentSet": [],
    });
    Ok(json!({"internetGateway": kind::INTERNET_GATEWAY.put(access, &id, gateway)}))
}

fn attached_to<'a>(gateway: &'a Value, vpc: &str) -> Option<&'a Value> {
    gateway["attachmentSet"].as_array()?.iter().find(|it| it["vpcId"] == vpc)
}

pub(super) fn attach(access: &mut Access<'_>) -> Outcome {
    let (id, gateway) = kind::INTERNET_GATEWAY.param(access, "InternetGatewayId")?;
    let (vpc, _) = kind::VPC.param(access, "VpcId")?;
    let taken = access
        .docs(Service::Ec2)
        .values("internet-gateway")
        .any(|other| attached_to(other, &vpc).is_some());
    let busy = gateway["attachmentSet"].as_array().is_some_and(|all| !all.is_empty());
    if busy || taken {
        return Err(fail(
            "Resource.AlreadyAssociated",
            format!("resource {id} is already attached to network {vpc}"),
        ));
    }
    kind::INTERNET_GATEWAY.edit(access, &id)?["attachmentSet"] =
        json!([{"vpcId": vpc, "state": "available"}]);
    Ok(json!({"return": true}))
}

/// Fails while something in the VPC has a public address.
pub(super) fn detach(access: &mut Access<'_>) -> Outcome {
    let (id, gateway) = kind::INTERNET_GATEWAY.param(access, "InternetGatewayId")?;
    let (vpc, _) = kind::VPC.param(access, "VpcId")?;
    if attached_to(&gateway, &vpc).is_none() {
        return Err(fail(
            "Gateway.NotAttached",
            format!("resource {id} is not attached to network {vpc}"),
        ));
    }
    if interface::interfaces(access).iter().any(|it| it.vpc == vpc && it.public) {
        return Err(fail(
            "DependencyViolation",
            format!(
                "Network {vpc} has some mapped public address(es). Please unmap those public \
                 address(es) before detaching the gateway."
            ),
        ));
    }
    kind::INTERNET_GATEWAY.edit(access, &id)?["attachmentSet"] = json!([]);
    Ok(json!({"return": true}))
}

pub(super) fn delete(access: &mut Access<'_>) -> Outcome {
    let (id, gateway) = kind::INTERNET_GATEWAY.param(access, "InternetGatewayId")?;
    if gateway["attachmentSet"].as_array().is_some_and(|all| !all.is_empty()) {
        return Err(dependent("internetGateway", &id, "attached"));
    }
    kind::INTERNET_GATEWAY.remove(access, &id);
    Ok(json!({"return": true}))
}
