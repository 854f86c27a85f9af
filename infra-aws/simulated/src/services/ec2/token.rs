//! Client tokens: the same call twice is one object.

use serde_json::{Value, json};

use crate::services::{Access, Service};
use crate::wire::{Outcome, fail, text};
use crate::world;

const TABLE: &str = "+tokens";
const DAY: u64 = 86_400_000;

/// What a create call answers with: the field, its table and id.
const CREATED: [(&str, &str, &str, &str); 6] = [
    ("CreateNatGateway", "natGateway", "natgateway", "natGatewayId"),
    ("CreateRouteTable", "routeTable", "route-table", "routeTableId"),
    ("CreateVpcEndpoint", "vpcEndpoint", "vpc-endpoint", "vpcEndpointId"),
    ("CreateLaunchTemplate", "launchTemplate", "launch-template", "launchTemplateId"),
    ("CreateLaunchTemplateVersion", "launchTemplateVersion", "", ""),
    ("RunInstances", "instancesSet", "", ""),
];

/// Runs the call unless its token was seen: then the object of the first call is the answer, as
/// it is now; with other parameters it is an error.
pub(super) fn once(
    access: &mut Access<'_>,
    operate: impl FnOnce(&mut Access<'_>) -> Outcome,
) -> Outcome {
    let input = access.input();
    let Some(token) = text(input, "ClientToken") else { return operate(access) };
    let id = format!("{}/{token}", access.call.operation);
    let mut asked = input.clone();
    if let Some(fields) = asked.as_object_mut() {
        fields.remove("ClientToken");
    }
    if let Some(seen) = access.docs(Service::Ec2).get(TABLE, &id).cloned() {
        if seen["asked"] != asked {
            return Err(fail(
                "IdempotentParameterMismatch",
                format!("The client token '{token}' was used with other parameters"),
            ));
        }
        return Ok(current(access, seen["reply"].clone()));
    }
    let mut reply = operate(access)?;
    if let Some((_, field, ..)) =
        CREATED.iter().find(|(operation, ..)| *operation == access.call.operation)
        && reply[*field].is_object()
    {
        reply[*field]["clientToken"] = json!(token);
    }
    let mut seen = json!({"asked": asked, "reply": reply});
    world::plan(&mut seen, &[(access.now + DAY, Value::Null)]);
    access.docs(Service::Ec2).put(TABLE, &id, seen);
    Ok(reply)
}

fn current(access: &mut Access<'_>, mut reply: Value) -> Value {
    let created = CREATED.iter().find(|(operation, ..)| *operation == access.call.operation);
    if let Some((_, field, table, id)) = created
        && let Some(id) = reply[*field][*id].as_str()
        && let Some(now) = access.docs(Service::Ec2).get(table, id)
    {
        reply[*field] = now.clone();
    }
    reply
}
