//! Multi-Region keys: one key in several regions, of which one is the primary. The emulator knows one region only, and
//! makes a replica beside its primary under another id. (KMS developer guide, "Multi-Region keys".)

use serde_json::{Value, json};

use super::key_rotation;
use crate::services::{Access, Service};
use crate::settings::Wait;
use crate::wire::{ApiCall, Failure, Outcome, Reply, fail, render, render_failure, text};
use crate::world::{self, CellId};

/// `{primary, state}` by key id, in the region of a replica.
const REPLICA: &str = "+replica";
const KEYS: &str = "keys";

pub(super) fn answer(access: &mut Access<'_>) -> Reply {
    let call = access.call;
    let id = key_id(access);
    let replica = access.docs(Service::Kms).get(REPLICA, &id).cloned();
    match (call.operation.as_str(), replica) {
        ("ReplicateKey", _) => {
            let outcome = replicate(access, &id);
            render(call, outcome)
        }
        ("GetKeyRotationStatus", Some(replica)) => {
            let region = text(&replica, "primary").unwrap_or_default().to_owned();
            in_region(access, &ApiCall { region, ..call.clone() }, key_rotation::answer)
        }
        ("EnableKeyRotation" | "DisableKeyRotation" | "RotateKeyOnDemand", Some(_)) => {
            let message = format!("{id} is a replica key; rotate its primary key.");
            render_failure(call, &fail("UnsupportedOperationException", message))
        }
        _ => {
            let reply = key_rotation::answer(access);
            completed(access, reply)
        }
    }
}

fn key_id(access: &Access<'_>) -> String {
    let given = text(access.input(), "KeyId").unwrap_or_default();
    given.rsplit('/').next().unwrap_or(given).to_owned()
}

/// The same world, seen by another call.
fn in_region(
    access: &mut Access<'_>,
    call: &ApiCall,
    answer: impl FnOnce(&mut Access<'_>) -> Reply,
) -> Reply {
    let (now, durations, lag) = (access.now, access.durations, access.lag);
    answer(&mut Access { world: &mut *access.world, call, now, durations, lag })
}

fn cell(access: &Access<'_>, region: &str) -> CellId {
    CellId::new(access.account(), region, Service::Kms)
}

/// The regions that hold the key: the primary's, and the replicas'.
fn regions(access: &Access<'_>, id: &str) -> (Option<String>, Vec<String>) {
    let (mut primary, mut replicas) = (None, Vec::new());
    let ids = access.world.ids();
    for of in ids.filter(|of| of.account == access.account() && of.service == Service::Kms) {
        let Some(docs) = access.world.docs(of).filter(|docs| docs.has(KEYS, id)) else { continue };
        if docs.has(REPLICA, id) {
            replicas.push(of.region.clone());
        } else {
            primary = Some(of.region.clone());
        }
    }
    (primary, replicas)
}

fn replicate(access: &mut Access<'_>, id: &str) -> Outcome {
    let input = access.input();
    let key = access.docs(Service::Kms).get(KEYS, id).cloned();
    let key = key.ok_or_else(|| {
        let arn = arn(access, access.region(), id);
        fail("NotFoundException", format!("Key '{arn}' does not exist"))
    })?;
    let source = key["arn"].as_str().unwrap_or_default();
    if key["multi_region"] != true || access.docs(Service::Kms).has(REPLICA, id) {
        let message = format!("{source} is not a multi-Region primary key.");
        return Err(fail("UnsupportedOperationException", message));
    }
    check_usable(&key, source)?;
    let region = text(input, "ReplicaRegion").unwrap_or_default().to_owned();
    if region.is_empty() {
        return Err(fail("ValidationException", "ReplicaRegion must not be empty"));
    }
    let there = cell(access, &region);
    if access.world.docs(&there).is_some_and(|docs| docs.has(KEYS, id)) {
        let message = format!("Key {} already exists", arn(access, &region, id));
        return Err(fail("AlreadyExistsException", message));
    }
    let tags: serde_json::Map<_, _> = input["Tags"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|tag| Some((tag["TagKey"].as_str()?.to_owned(), tag["TagValue"].clone())))
        .collect();
    let mut replica = key.clone();
    replica["arn"] = json!(arn(access, &region, id));
    replica["region"] = json!(region);
    replica["description"] = json!(text(input, "Description").unwrap_or_default());
    replica["creation_date"] = json!(access.timestamp());
    replica["key_rotation_enabled"] = json!(false);
    replica["tags"] = Value::Object(tags);
    let mut note = json!({"primary": access.region(), "state": "Creating"});
    world::plan(&mut note, &[(access.after(Wait::KeyReplicated), json!({"state": null}))]);
    let policy = input["Policy"].clone();
    let place = access.world.cell(&there);
    place.docs.put(KEYS, id, replica);
    place.docs.put(REPLICA, id, note);
    if policy.is_string() {
        place.docs.put("key_policies", id, policy.clone());
    }
    // The emulator reads the documents again.
    place.emulator = None;
    let metadata = described(access, &region, id);
    Ok(json!({
        "ReplicaKeyMetadata": metadata, "ReplicaPolicy": policy, "ReplicaTags": input["Tags"],
    }))
}

fn check_usable(key: &Value, arn: &str) -> Result<(), Failure> {
    match key["key_state"].as_str() {
        Some("Disabled") => Err(fail("DisabledException", format!("{arn} is disabled."))),
        Some("PendingDeletion") => {
            Err(fail("KMSInvalidStateException", format!("{arn} is pending deletion.")))
        }
        _ => Ok(()),
    }
}

fn arn(access: &Access<'_>, region: &str, id: &str) -> String {
    format!("arn:aws:kms:{region}:{}:key/{id}", access.account())
}

/// What KMS says about the key in that region.
fn described(access: &mut Access<'_>, region: &str, id: &str) -> Value {
    let mut call = ApiCall {
        operation: "DescribeKey".to_owned(),
        region: region.to_owned(),
        input: json!({"KeyId": id}),
        body: json!({"KeyId": id}).to_string().into(),
        ..access.call.clone()
    };
    let target = http::HeaderValue::from_static("TrentService.DescribeKey");
    call.headers.insert("x-amz-target", target);
    let reply = in_region(access, &call, answer);
    let mut body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    body["KeyMetadata"].take()
}

/// What the emulator leaves out of its replies about a key that may be in several regions.
fn completed(access: &mut Access<'_>, mut reply: Reply) -> Reply {
    let operation = access.call.operation.as_str();
    if reply.status != 200
        || !matches!(operation, "CreateKey" | "DescribeKey" | "ScheduleKeyDeletion")
    {
        return reply;
    }
    let Ok(mut body) = serde_json::from_slice::<Value>(&reply.body) else { return reply };
    if operation == "ScheduleKeyDeletion" {
        let id = key_id(access);
        let (primary, replicas) = regions(access, &id);
        body["PendingWindowInDays"] =
            json!(access.input()["PendingWindowInDays"].as_u64().unwrap_or(30));
        if primary.as_deref() == Some(access.region()) && !replicas.is_empty() {
            body["KeyState"] = json!("PendingReplicaDeletion");
            body["DeletionDate"] = Value::Null;
        }
    } else if body["KeyMetadata"]["MultiRegion"] == true {
        complete(access, &mut body["KeyMetadata"]);
    }
    reply.body = without_nulls(body).to_string().into();
    reply
}

fn complete(access: &mut Access<'_>, metadata: &mut Value) {
    let id = text(metadata, "KeyId").unwrap_or_default().to_owned();
    let (primary, replicas) = regions(access, &id);
    let key = |region: &String| json!({"Arn": arn(access, region, &id), "Region": region});
    let own = access.region().to_owned();
    let is_primary = primary.as_ref() == Some(&own);
    metadata["MultiRegionConfiguration"] = json!({
        "MultiRegionKeyType": if is_primary { "PRIMARY" } else { "REPLICA" },
        "PrimaryKey": key(primary.as_ref().unwrap_or(&own)),
        "ReplicaKeys": replicas.iter().map(key).collect::<Vec<_>>(),
    });
    let state = text(metadata, "KeyState").unwrap_or_default();
    if state == "PendingDeletion" && is_primary && !replicas.is_empty() {
        // Its window begins when the last replica is gone.
        metadata["KeyState"] = json!("PendingReplicaDeletion");
        metadata["DeletionDate"] = Value::Null;
    } else if state == "Enabled" {
        let note = access.docs(Service::Kms).get(REPLICA, &id);
        if note.is_some_and(|note| note["state"] == "Creating") {
            metadata["KeyState"] = json!("Creating");
            metadata["Enabled"] = json!(false);
        }
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(fields.map(|(key, value)| (key, without_nulls(value))).collect())
        }
        other => other,
    }
}
