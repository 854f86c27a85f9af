//! STS: who am I, and becoming somebody else.

use serde_json::json;

use super::access::{hex, timestamp};
use super::{Access, Service};
use crate::wire::{Outcome, fail, key_of_account, text};

const SESSIONS: &str = "sessions";

pub(crate) fn answer(access: &mut Access<'_>) -> Outcome {
    match access.call.operation.as_str() {
        "GetCallerIdentity" => Ok(identity(access)),
        "AssumeRole" | "AssumeRoleWithWebIdentity" => assume(access),
        "GetSessionToken" => {
            let arn = identity(access)["Arn"].clone();
            let account = access.account().to_owned();
            Ok(json!({"Credentials": credentials(access, &account, &json!({"Arn": arn}))}))
        }
        "DecodeAuthorizationMessage" => Ok(json!({"DecodedMessage": "{}"})),
        other => Err(fail("InvalidAction", format!("no STS operation {other}"))),
    }
}

fn identity(access: &mut Access<'_>) -> serde_json::Value {
    let account = access.account().to_owned();
    let key = access.call.access_key.clone();
    let session = access.docs(Service::Sts).get(SESSIONS, &key).cloned();
    session.unwrap_or_else(|| {
        json!({
            "Account": account,
            "Arn": format!("arn:aws:iam::{account}:user/embedded"),
            "UserId": "AIDAEMBEDDEDAWSUSER00",
        })
    })
}

/// The ARN of who calls.
pub(crate) fn caller(access: &mut Access<'_>) -> String {
    identity(access)["Arn"].as_str().unwrap_or_default().to_owned()
}

/// The role need not exist: an account that was never used is empty, and trust between accounts
/// is not what is simulated here.
fn assume(access: &mut Access<'_>) -> Outcome {
    let input = access.input().clone();
    let role = text(&input, "RoleArn").unwrap_or_default();
    let session = text(&input, "RoleSessionName").unwrap_or("session");
    let parts: Vec<&str> = role.splitn(6, ':').collect();
    let (account, name) = match parts[..] {
        ["arn", _, "iam", "", account, resource] if account.len() == 12 => {
            (account, resource.rsplit('/').next().unwrap_or(resource))
        }
        _ => {
            return Err(fail("ValidationError", format!("{role} is not the ARN of a role")));
        }
    };
    let id = format!("AROA{}", hex(17).to_uppercase());
    let who = json!({
        "Account": account,
        "Arn": format!("arn:aws:sts::{account}:assumed-role/{name}/{session}"),
        "UserId": format!("{id}:{session}"),
    });
    let credentials = credentials(access, account, &who);
    Ok(json!({
        "Credentials": credentials,
        "AssumedRoleUser": {"AssumedRoleId": who["UserId"], "Arn": who["Arn"]},
        "PackedPolicySize": 0,
    }))
}

fn credentials(
    access: &mut Access<'_>,
    account: &str,
    who: &serde_json::Value,
) -> serde_json::Value {
    let random = u32::from_str_radix(&hex(7), 16).unwrap_or(0);
    let key = key_of_account(account, random);
    let id = crate::world::CellId::new(account, access.region(), Service::Sts);
    access.world.cell(&id).docs.put(SESSIONS, &key, who.clone());
    json!({
        "AccessKeyId": key,
        "SecretAccessKey": hex(40),
        "SessionToken": hex(64),
        "Expiration": timestamp(access.now + 3_600_000),
    })
}
