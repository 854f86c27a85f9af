//! What is done to objects.

use std::sync::Arc;

use http::Response;
use serde_json::{Value, json};

use super::convert::{is_first_scaler, second_scaler, shown};
use super::list::{found, list};
use super::path::Place;
use super::reply::{json, plain};
use super::request::Request;
use super::select::Selection;
use super::shape::Shape;
use super::{eviction, log, protobuf, scale};
use crate::body::Body;
use crate::cluster::Turn;
use crate::failure::{Cause, Failure, Outcome};
use crate::kinds::Kind;
use crate::write::{self, DeleteOptions, Patch, Write, parse};

/// Carries out one call on objects.
pub(super) fn carry_out(
    turn: &mut Turn<'_>,
    request: &Request,
    place: &Place,
    kind: Arc<Kind>,
) -> Outcome<Response<Body>> {
    let namespace = place.namespace.clone().unwrap_or_default();
    let name = place.name.as_deref();
    let method = request.method.as_str();
    match (place.subresource.as_str(), method, name) {
        ("log", "GET", Some(name)) if kind.is("", "Pod") => {
            return log::log(turn, request, &namespace, name).map(|text| plain(200, text));
        }
        ("eviction", "POST", Some(name)) if kind.is("", "Pod") => {
            return eviction::evict(turn, &kind, &namespace, name).map(|it| json(201, &it, &[]));
        }
        ("scale", _, Some(name)) if kind.scale => {
            return scale::scale(turn, request, &kind, &namespace, name)
                .map(|it| json(200, &it, &[]));
        }
        ("token", "POST", Some(_)) if kind.is("", "ServiceAccount") => {
            let status = json!({"token": "simulated", "expirationTimestamp": crate::time::stamp(turn.now + 3_600_000)});
            let token = json!({"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "metadata": {}, "spec": {"audiences": [], "expirationSeconds": 3600}, "status": status});
            return Ok(json(201, &token, &[]));
        }
        ("finalize", "PUT", Some(_)) if kind.is("", "Namespace") => {}
        ("status", _, Some(_)) if kind.status => {}
        ("", ..) => {}
        _ => return Ok(plain(404, "404 page not found\n".to_owned())),
    }
    let shape = Shape::of(&request.accept);
    match (method, name) {
        ("GET" | "HEAD", Some(name)) => {
            let found = turn.store.get(&kind.table(), &namespace, name);
            let found = found.ok_or_else(|| Failure::not_found(&kind, name))?;
            let object = shape.one(&kind, shown(&kind, found), turn.now);
            Ok(json(200, &object, &[]))
        }
        ("GET" | "HEAD", None) => {
            let within = place.namespace.as_deref();
            let listed = list(turn, request, &kind, within)?;
            Ok(json(200, &shape.many(&kind, listed, turn.now), &[]))
        }
        ("DELETE", None) => delete_all(turn, request, place, &kind),
        _ => change(turn, request, place, kind, namespace),
    }
}

fn writer<'a>(
    turn: &'a mut Turn<'_>,
    request: &Request,
    kind: Arc<Kind>,
    namespace: String,
    status: bool,
) -> Write<'a> {
    Write {
        store: turn.store,
        kind,
        namespace,
        subresource: if status { "status" } else { "" },
        options: request.options(),
        now: turn.now,
        warnings: Vec::new(),
    }
}

fn change(
    turn: &mut Turn<'_>,
    request: &Request,
    place: &Place,
    kind: Arc<Kind>,
    namespace: String,
) -> Outcome<Response<Body>> {
    let shown_as = Arc::clone(&kind);
    let kind = if is_first_scaler(&kind) {
        turn.store.kind("autoscaling", "v2", &kind.plural).unwrap_or(kind)
    } else {
        kind
    };
    if kind.namespaced && place.namespace.is_none() {
        return Err(Failure::not_allowed());
    }
    let mut write = writer(turn, request, kind, namespace, place.subresource == "status");
    let apply = request.content_type.starts_with("application/apply-patch");
    let yaml = apply && !request.body.trim_ascii_start().starts_with(b"{")
        || request.content_type.ends_with("/yaml");
    let mut body = if request.body.is_empty() {
        Value::Null
    } else if request.content_type.contains("protobuf") {
        protobuf::read(&request.body)?
    } else {
        parse(&request.body, yaml)?
    };
    if is_first_scaler(&shown_as) {
        second_scaler(&mut body);
    }
    let (code, object) = match (request.method.as_str(), place.name.as_deref()) {
        ("POST", None) => (201, write::create(&mut write, body)?),
        ("PUT", Some(_)) if place.subresource == "finalize" => finalize(&mut write, &body)?,
        ("PUT", Some(name)) => {
            if crate::json::name(&body) != name {
                return Err(Failure::bad_request(format!(
                    "the name of the object ({}) does not match the name on the URL ({name})",
                    crate::json::name(&body)
                )));
            }
            (200, write::replace(&mut write, name, body)?)
        }
        ("PATCH", Some(name)) => {
            let how = how(request)?;
            if how == Patch::Apply && request.parameter("fieldManager").is_empty() {
                let cause = Cause::required("fieldManager", "is required for apply patch");
                return Err(Failure::invalid_options(&[cause]));
            }
            if how != Patch::Apply && request.says("force") {
                let cause = Cause::forbidden("force", "may not be specified for non-apply patch");
                return Err(Failure::invalid_options(&[cause]));
            }
            let (object, made) = write::patch(&mut write, name, how, body)?;
            (if made { 201 } else { 200 }, object)
        }
        ("DELETE", Some(name)) => {
            (200, write::delete(&mut write, name, &delete_options(request, &body))?)
        }
        _ => return Err(Failure::not_allowed()),
    };
    let warnings = std::mem::take(&mut write.warnings);
    if crate::json::text(&object, "kind") == "Status" {
        return Ok(json(code, &object, &warnings));
    }
    let shape = Shape::of(&request.accept);
    let object = shape.one(&shown_as, shown(&shown_as, &object), turn.now);
    Ok(json(code, &object, &warnings))
}

/// Who deletes a namespace by hand takes its finalizers.
fn finalize(write: &mut Write<'_>, body: &Value) -> Outcome<(u16, Value)> {
    let name = crate::json::name(body).to_owned();
    write::replace(write, &name, body.clone()).map(|object| (200, object))
}

fn delete_options(request: &Request, body: &Value) -> DeleteOptions {
    let mut options = DeleteOptions::of(body);
    if options.policy.is_empty() {
        request.parameter("propagationPolicy").clone_into(&mut options.policy);
    }
    if let Ok(grace) = request.parameter("gracePeriodSeconds").parse() {
        options.grace = options.grace.or(Some(grace));
    }
    options
}

fn how(request: &Request) -> Outcome<Patch> {
    let kind = request.content_type.split(';').next().unwrap_or_default().trim();
    match kind {
        "application/json-patch+json" => Ok(Patch::Json),
        "application/merge-patch+json" => Ok(Patch::Merge),
        "application/strategic-merge-patch+json" => Ok(Patch::Strategic),
        "application/apply-patch+yaml" | "application/apply-patch+json" => Ok(Patch::Apply),
        other => Err(Failure::new(
            415,
            "UnsupportedMediaType",
            format!(
                "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml (found {other:?})"
            ),
        )),
    }
}

fn delete_all(
    turn: &mut Turn<'_>,
    request: &Request,
    place: &Place,
    kind: &Arc<Kind>,
) -> Outcome<Response<Body>> {
    let selection = Selection::of(request)?;
    let objects = found(turn, kind, place.namespace.as_deref(), &selection);
    let body = if request.body.is_empty() { Value::Null } else { parse(&request.body, false)? };
    let options = delete_options(request, &body);
    let mut items = Vec::new();
    for ((namespace, name), object) in objects {
        let mut write = writer(turn, request, Arc::clone(kind), namespace, false);
        write::delete(&mut write, &name, &options)?;
        items.push(shown(kind, &object));
    }
    let listed = json!({
        "kind": format!("{}List", kind.kind), "apiVersion": kind.api_version(),
        "metadata": {"resourceVersion": turn.store.revision().to_string()}, "items": items,
    });
    Ok(json(200, &listed, &[]))
}
