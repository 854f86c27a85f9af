//! Flow logs.

use serde_json::{Value, json};

use super::kind;
use crate::services::{Access, Service};
use crate::wire::{Outcome, fail, text, texts};

pub(super) fn create(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let resource_type = text(input, "ResourceType").unwrap_or("VPC");
    let owner = if resource_type == "VPC" { &kind::VPC } else { &kind::SUBNET };
    let resources = texts(input, "ResourceId");
    for resource in &resources {
        owner.find(access, resource)?;
    }
    let mut ids = Vec::new();
    for resource in resources {
        let same = access.docs(Service::Ec2).values("vpc-flow-log").any(|it| {
            it["resourceId"] == resource.as_str()
                && it["logGroupName"] == input["LogGroupName"]
                && it["logDestination"] == input["LogDestination"]
        });
        if same {
            return Err(fail(
                "FlowLogAlreadyExists",
                format!("There is an existing Flow Log with the same configuration for {resource}"),
            ));
        }
        let id = kind::FLOW_LOG.new_id();
        let log = json!({
            "flowLogId": id, "resourceId": resource, "flowLogStatus": "ACTIVE",
            "deliverLogsStatus": "SUCCESS", "creationTime": access.timestamp(),
            "trafficType": input["TrafficType"],
            "logDestinationType": text(input, "LogDestinationType").unwrap_or("cloud-watch-logs"),
            "logDestination": input["LogDestination"], "logGroupName": input["LogGroupName"],
            "deliverLogsPermissionArn": input["DeliverLogsPermissionArn"],
            "logFormat": input["LogFormat"],
            "maxAggregationInterval":
                text(input, "MaxAggregationInterval").unwrap_or("600"),
        });
        kind::FLOW_LOG.put(access, &id, log);
        ids.push(Value::String(id));
    }
    Ok(json!({"flowLogIdSet": ids, "clientToken": input["ClientToken"], "unsuccessful": []}))
}

pub(super) fn delete(access: &mut Access<'_>) -> Outcome {
    let mut unsuccessful = Vec::new();
    for id in texts(access.input(), "FlowLogId") {
        if access.docs(Service::Ec2).remove("vpc-flow-log", &id).is_none() {
            unsuccessful.push(json!({
                "resourceId": id, "error": {"code": kind::FLOW_LOG.missing, "message": id},
            }));
        }
    }
    Ok(json!({"unsuccessful": unsuccessful}))
}
