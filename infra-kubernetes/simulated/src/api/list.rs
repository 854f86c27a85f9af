//! Lists, in parts if asked.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::convert::shown;
use super::request::Request;
use super::select::Selection;
use crate::cluster::Turn;
use crate::failure::{Failure, Outcome};
use crate::kinds::Kind;
use crate::store::Key;

/// The objects of a kind in a namespace, or in all of them.
pub(super) fn found(
    turn: &Turn<'_>,
    kind: &Kind,
    namespace: Option<&str>,
    selection: &Selection,
) -> Vec<(Key, Arc<Value>)> {
    let all = turn.store.all(&kind.table());
    let within = all.filter(|((of, _), _)| namespace.is_none_or(|it| it == of));
    let taken = within.filter(|(_, record)| selection.takes(&record.object));
    taken.map(|(key, record)| (key.clone(), Arc::clone(&record.object))).collect()
}

/// `GET` of many.
pub(super) fn list(
    turn: &Turn<'_>,
    request: &Request,
    kind: &Kind,
    namespace: Option<&str>,
) -> Outcome<Value> {
    let selection = Selection::of(request)?;
    let mut objects = found(turn, kind, namespace, &selection);
    let mut metadata = json!({"resourceVersion": turn.store.revision().to_string()});
    if let Some((revision, last)) = resumed(request.parameter("continue"))? {
        objects.retain(|(key, _)| *key > last);
        metadata["resourceVersion"] = json!(revision);
    }
    let limit: usize = request.parameter("limit").parse().unwrap_or(0);
    if limit > 0 && objects.len() > limit {
        metadata["remainingItemCount"] = json!(objects.len() - limit);
        objects.truncate(limit);
        if let Some((last, _)) = objects.last() {
            let revision = metadata["resourceVersion"].clone();
            let token = json!({"v": revision, "ns": last.0, "name": last.1}).to_string();
            metadata["continue"] = json!(URL_SAFE_NO_PAD.encode(token));
        }
    }
    let items: Vec<_> = objects
        .iter()
        .map(|(_, object)| {
            let mut object = shown(kind, object);
            if !kind.custom {
                // The type is said once, by the list.
                crate::json::remove(&mut object, "apiVersion");
                crate::json::remove(&mut object, "kind");
            }
            object
        })
        .collect();
    Ok(json!({
        "kind": format!("{}List", kind.kind), "apiVersion": kind.api_version(),
        "metadata": metadata, "items": items,
    }))
}

fn resumed(token: &str) -> Outcome<Option<(String, Key)>> {
    if token.is_empty() {
        return Ok(None);
    }
    let wrong = || Failure::bad_request("continue key is not valid");
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| wrong())?;
    let read: Value = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
    let text = |field: &str| crate::json::text(&read, field).to_owned();
    Ok(Some((text("v"), (text("ns"), text("name")))))
}
