//! `scale`: how many replicas, whatever the kind.

use std::sync::Arc;

use serde_json::{Value, json};

use super::request::Request;
use crate::cluster::Turn;
use crate::failure::{Failure, Outcome};
use crate::json::{self, at, entries, int, put, text};
use crate::kinds::Kind;
use crate::patch::{json_patch, merge_patch};
use crate::write::{self, Write, parse};

/// Reads or sets the scale of an object.
pub(super) fn scale(
    turn: &mut Turn<'_>,
    request: &Request,
    kind: &Arc<Kind>,
    namespace: &str,
    name: &str,
) -> Outcome<Value> {
    let found = turn.store.get(&kind.table(), namespace, name).cloned();
    let object = found.ok_or_else(|| Failure::not_found(kind, name))?;
    let now = scale_of(kind, &object);
    let wanted = match request.method.as_str() {
        "GET" => return Ok(now),
        "PUT" => parse(&request.body, false)?,
        "PATCH" if request.content_type.starts_with("application/json-patch") => {
            json_patch(now, &parse(&request.body, false)?).map_err(Failure::bad_request)?
        }
        "PATCH" => merge_patch(now, &parse(&request.body, request.content_type.contains("yaml"))?),
        _ => return Err(Failure::not_allowed()),
    };
    let version = text(&wanted, "metadata.resourceVersion");
    if !version.is_empty() && version != text(&object, "metadata.resourceVersion") {
        return Err(Failure::modified(kind, name));
    }
    let path = replicas_path(kind);
    let mut changed = Value::clone(&object);
    put(&mut changed, "apiVersion", kind.api_version());
    put(&mut changed, &path, int(&wanted, "spec.replicas").unwrap_or(0));
    let mut write = Write {
        store: turn.store,
        kind: Arc::clone(kind),
        namespace: namespace.to_owned(),
        subresource: "",
        options: request.options(),
        now: turn.now,
        warnings: Vec::new(),
    };
    write.subresource = "scale";
    let object = write::replace(&mut write, name, changed)?;
    Ok(scale_of(kind, &object))
}

fn replicas_path(kind: &Kind) -> String {
    match text(&kind.schema, "subresources.scale.specReplicasPath") {
        "" => "spec.replicas".to_owned(),
        path => path.trim_start_matches('.').to_owned(),
    }
}

fn scale_of(kind: &Kind, object: &Value) -> Value {
    let labels = entries(object, "spec.selector.matchLabels");
    let labels: Vec<_> = labels
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": json::name(object), "namespace": json::namespace(object), "uid": json::uid(object),
            "resourceVersion": at(object, "metadata.resourceVersion"),
            "creationTimestamp": at(object, "metadata.creationTimestamp"),
        },
        "spec": {"replicas": int(object, &replicas_path(kind)).unwrap_or(0)},
        "status": {"replicas": int(object, "status.replicas").unwrap_or(0), "selector": labels.join(",")},
    })
}
