//! How often a KMS key is rotated: the emulator keeps only whether.

use serde_json::{Value, json};

use crate::emulated;
use crate::services::{Access, Service};
use crate::wire::{Reply, text};

const TABLE: &str = "+rotation";

pub(super) fn answer(access: &mut Access<'_>) -> Reply {
    let call = access.call;
    let given = text(&call.input, "KeyId").unwrap_or_default();
    let key = given.rsplit('/').next().unwrap_or(given);
    let mut reply = emulated::call(access.world, call);
    if reply.status != 200 {
        return reply;
    }
    match call.operation.as_str() {
        "EnableKeyRotation" => {
            let days = call.input["RotationPeriodInDays"].as_u64().unwrap_or(365);
            access.docs(Service::Kms).put(TABLE, key, json!({"days": days}));
        }
        "GetKeyRotationStatus" => {
            let days = access.docs(Service::Kms).get(TABLE, key).map(|it| it["days"].clone());
            if let (Some(days), Ok(mut body)) = (days, serde_json::from_slice::<Value>(&reply.body))
                && body["KeyRotationEnabled"] == true
            {
                body["RotationPeriodInDays"] = days;
                reply.body = body.to_string().into();
            }
        }
        _ => {}
    }
    reply
}
