//! The four kinds of patches.

use std::sync::Arc;

use serde_json::Value;

use super::create::apply_new;
use super::options::Write;
use super::update::{apply_over, found, replace};
use crate::apply;
use crate::failure::{Failure, Outcome};
use crate::json::{self, put, text};
use crate::patch::{json_patch, merge_patch, strategic_patch};

/// What a patch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patch {
    Json,
    Merge,
    Strategic,
    Apply,
}

/// `PATCH`. Whether the object was made is the second answer.
pub(crate) fn patch(
    write: &mut Write<'_>,
    name: &str,
    how: Patch,
    patch: Value,
) -> Outcome<(Value, bool)> {
    if how == Patch::Apply {
        return applied(write, name, patch);
    }
    let old = found(write, name)?;
    let mut live = Value::clone(&old);
    put(&mut live, "apiVersion", write.kind.api_version());
    let patched = match how {
        Patch::Merge => merge_patch(live, &patch),
        Patch::Json => json_patch(live, &patch).map_err(|why| {
            Failure::new(
                422,
                "Invalid",
                format!("the server rejected our request due to an error in our request: {why}"),
            )
        })?,
        Patch::Strategic | Patch::Apply => {
            if write.kind.custom {
                return Err(Failure::new(
                    415,
                    "UnsupportedMediaType",
                    "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
                ));
            }
            strategic_patch(live, &patch, &write.kind.root)
        }
    };
    replace(write, name, patched).map(|object| (object, false))
}

fn applied(write: &mut Write<'_>, name: &str, mut config: Value) -> Outcome<(Value, bool)> {
    let kind = Arc::clone(&write.kind);
    let (given_version, given_kind) = (text(&config, "apiVersion"), text(&config, "kind"));
    if given_version.is_empty() || given_kind.is_empty() {
        return Err(Failure::bad_request(
            "error decoding YAML: Object 'Kind' or 'apiVersion' is missing in the applied object",
        ));
    }
    if given_version != kind.api_version() || given_kind != kind.kind {
        return Err(Failure::bad_request(format!(
            "the API version in the data ({given_version}) does not match the expected API version ({})",
            kind.api_version()
        )));
    }
    let given = json::name(&config);
    if !given.is_empty() && given != name {
        return Err(Failure::bad_request(format!(
            "the name of the object ({given}) does not match the name on the URL ({name})"
        )));
    }
    let given = json::namespace(&config);
    if kind.namespaced && !given.is_empty() && given != write.namespace {
        return Err(Failure::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    if !json::items(&config, "metadata.managedFields").is_empty() {
        return Err(Failure::bad_request("metadata.managedFields must be nil"));
    }
    put(&mut config, "metadata.name", name);
    if kind.namespaced {
        put(&mut config, "metadata.namespace", write.namespace.clone());
    }
    json::remove(&mut config, "metadata.managedFields");
    json::remove(&mut config, "metadata.creationTimestamp");
    let errors = apply::check(&config, &kind.root);
    if !errors.is_empty() {
        let place = if kind.namespaced {
            format!("{}/{name}", write.namespace)
        } else {
            format!("/{name}")
        };
        let all = match errors.as_slice() {
            [one] => one.clone(),
            many => format!("errors:\n  {}", many.join("\n  ")),
        };
        let of = format!("{}, Kind={}", kind.api_version(), kind.kind);
        return Err(Failure::new(
            500,
            "",
            format!("failed to create typed patch object ({place}; {of}): {all}"),
        ));
    }
    match write.store.get(&kind.table(), &write.namespace, name).cloned() {
        Some(old) => apply_over(write, &old, &config).map(|object| (object, false)),
        None if write.subresource.is_empty() => {
            apply_new(write, &config).map(|object| (object, true))
        }
        None => Err(Failure::not_found(&kind, name)),
    }
}
