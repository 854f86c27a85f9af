//! Updates: what a change of a cluster, node group or add-on is followed by.

use serde_json::{Value, json};

use super::route::missing;
use crate::services::{Access, Service};
use crate::settings::Wait;
use crate::wire::Outcome;
use crate::world;

const TABLE: &str = "update";

/// A new update, successful when `wait` is over.
pub(super) fn begin(
    access: &mut Access<'_>,
    owner: &str,
    update_type: &str,
    params: &[(&str, String)],
    wait: Wait,
) -> Value {
    let id = uuid::Uuid::new_v4().to_string();
    let params: Vec<Value> =
        params.iter().map(|(name, value)| json!({"type": name, "value": value})).collect();
    let mut update = json!({
        "id": id, "status": "InProgress", "type": update_type, "params": params,
        "createdAt": access.epoch(), "errors": [], "_owner": owner,
        "_token": access.input()["clientRequestToken"],
    });
    world::plan(&mut update, &[(access.after(wait), json!({"status": "Successful"}))]);
    access.docs(Service::Eks).put(TABLE, &id, update.clone());
    update
}

/// The update an earlier call with the same token began.
pub(super) fn repeated(access: &mut Access<'_>, owner: &str) -> Option<Value> {
    let token = access.input()["clientRequestToken"].as_str()?;
    let updates = access.docs(Service::Eks);
    let found = updates.values(TABLE).find(|it| it["_owner"] == owner && it["_token"] == token);
    found.map(|update| json!({"update": update}))
}

pub(super) fn describe(access: &mut Access<'_>, cluster: &str, id: &str) -> Outcome {
    let update = access.docs(Service::Eks).get(TABLE, id);
    let of_cluster = |it: &&Value| {
        it["_owner"].as_str().is_some_and(|owner| owner.split('/').next() == Some(cluster))
    };
    update
        .filter(of_cluster)
        .map(|update| json!({"update": update}))
        .ok_or_else(|| missing("update", id))
}

pub(super) fn list(access: &mut Access<'_>, cluster: &str) -> Outcome {
    let item = access.call.query("nodegroupName").or_else(|| access.call.query("addonName"));
    let owner = item.map_or_else(|| cluster.to_owned(), |item| format!("{cluster}/{item}"));
    let ids: Vec<&str> = access
        .docs(Service::Eks)
        .all(TABLE)
        .filter(|(_, it)| it["_owner"] == owner.as_str())
        .map(|(id, _)| id)
        .collect();
    Ok(json!({"updateIds": ids}))
}
