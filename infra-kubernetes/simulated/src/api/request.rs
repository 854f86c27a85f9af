//! One request.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{HeaderName, Method};

use crate::write::{Options, Validation};

/// A request, read.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) raw_query: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) accept: String,
    pub(crate) content_type: String,
    pub(crate) user_agent: String,
    pub(crate) body: Bytes,
}

impl Request {
    pub(crate) fn read(parts: &http::request::Parts, body: Bytes) -> Self {
        let header = |name: HeaderName| {
            let value = parts.headers.get(name).and_then(|it| it.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let raw_query = parts.uri.query().unwrap_or_default().to_owned();
        let pairs = raw_query.split('&').filter(|pair| !pair.is_empty());
        let query = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        });
        Self {
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            query: query.collect(),
            raw_query,
            accept: header(ACCEPT),
            content_type: header(CONTENT_TYPE),
            user_agent: header(USER_AGENT),
            body,
        }
    }

    /// A parameter of the query, or nothing.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.query.iter().find(|(it, _)| it == name).map_or("", |(_, value)| value)
    }

    /// Whether a parameter is given and true.
    pub(crate) fn says(&self, name: &str) -> bool {
        let given = self.query.iter().find(|(it, _)| it == name);
        given.is_some_and(|(_, value)| matches!(value.as_str(), "true" | "1" | ""))
    }

    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `apply`, `delete`, `deletecollection`.
    pub(crate) fn verb(&self) -> &'static str {
        let place = super::path::Place::of(&self.path);
        let named = place.as_ref().is_none_or(|place| place.name.is_some());
        match self.method.as_str() {
            "GET" | "HEAD" if self.says("watch") => "watch",
            "GET" | "HEAD" if named => "get",
            "GET" | "HEAD" => "list",
            "POST" => "create",
            "PUT" => "update",
            "PATCH" if self.content_type.starts_with("application/apply-patch") => "apply",
            "PATCH" => "patch",
            "DELETE" if named => "delete",
            "DELETE" => "deletecollection",
            _ => "other",
        }
    }

    /// What the query says about writing.
    pub(crate) fn options(&self) -> Options {
        let agent = self.user_agent.split('/').next().unwrap_or_default();
        let manager = match (self.parameter("fieldManager"), agent) {
            ("", "") => "unknown",
            ("", agent) => agent,
            (given, _) => given,
        };
        Options {
            manager: manager.to_owned(),
            dry_run: self.parameter("dryRun") == "All",
            force: self.says("force"),
            validation: match self.parameter("fieldValidation") {
                "Strict" => Validation::Strict,
                "Ignore" => Validation::Ignore,
                _ => Validation::Warn,
            },
        }
    }
}

fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned()
}
