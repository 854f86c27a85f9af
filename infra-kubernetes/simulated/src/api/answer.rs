//! What a request is about.

use std::sync::Arc;

use http::Response;
use serde_json::json;

use super::path::Place;
use super::reply::{json, plain, refusal};
use super::request::Request;
use super::review::review;
use super::{discovery, openapi, verbs, watch};
use crate::body::Body;
use crate::cluster::Core;
use crate::failure::Failure;
use crate::write::parse;

/// Answers one request.
pub(crate) fn answer(core: &Arc<Core>, request: &Request) -> Response<Body> {
    if request.method == http::Method::POST
        && let Ok(body) = parse(&request.body, false)
        && let Some(answer) = review(&request.path, body)
    {
        return json(201, &answer, &[]);
    }
    if let Some(place) = Place::of(&request.path) {
        let kind = core.turn(|turn| turn.store.kind(&place.group, &place.version, &place.plural));
        return match kind {
            Err(failure) => refusal(&failure),
            Ok(None) => plain(404, "404 page not found\n".to_owned()),
            Ok(Some(kind)) if request.verb() == "watch" => {
                watch::watch(core, request, &place, kind)
                    .unwrap_or_else(|failure| refusal(&failure))
            }
            Ok(Some(kind)) => {
                let turned = core.turn(|turn| verbs::carry_out(turn, request, &place, kind));
                turned.and_then(|it| it).unwrap_or_else(|failure| refusal(&failure))
            }
        };
    }
    let found = match request.path.trim_end_matches('/') {
        "/version" => Some(discovery::version(&core.settings.version)),
        "/healthz" | "/livez" | "/readyz" => return plain(200, "ok".to_owned()),
        // An empty document: kubectl asks for it where the third version does not know a kind.
        "/openapi/v2" => return plain(200, String::new()),
        "/openapi/v3" => core.turn(|turn| openapi::index(&turn.store.kinds())).ok(),
        path if path.starts_with("/openapi/v3/") => {
            core.turn(|turn| openapi::of(path, &turn.store.kinds())).ok().flatten()
        }
        path => core.turn(|turn| discovery::discover(path, &turn.store.kinds())).ok().flatten(),
    };
    if let Some(found) = found {
        return json(200, &found, &[]);
    }
    let message = "the server could not find the requested resource";
    let mut failure = Failure::new(404, "NotFound", message);
    failure.details = Some(json!({}));
    refusal(&failure)
}
