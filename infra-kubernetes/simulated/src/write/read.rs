//! Reading what was sent.

use serde_json::Value;

use super::options::{Validation, Write};
use crate::failure::{Failure, Outcome};
use crate::json::{at, text};
use crate::schema::decode;

/// A body in JSON or YAML.
pub(crate) fn parse(body: &[u8], yaml: bool) -> Outcome<Value> {
    if yaml {
        let text = String::from_utf8_lossy(body);
        return serde_saphyr::from_str(&text)
            .map_err(|error| Failure::bad_request(format!("error decoding YAML: {error}")));
    }
    serde_json::from_slice(body).map_err(|error| {
        Failure::bad_request(format!("couldn't get version/kind; json parse error: {error}"))
    })
}

impl Write<'_> {
    /// Reads an object of the kind: its type, its place, its fields.
    pub(super) fn read(&mut self, object: &mut Value) -> Outcome<()> {
        let kind = &self.kind;
        let (api_version, name) = (kind.api_version(), kind.kind.clone());
        if !object.is_object() || (at(object, "kind").is_null() && kind.custom) {
            return Err(Failure::bad_request(format!("Object 'Kind' is missing in '{object}'")));
        }
        for (field, expected) in [("apiVersion", &api_version), ("kind", &name)] {
            match at(object, field) {
                Value::Null => crate::json::put(object, field, expected.clone()),
                Value::String(given) if given == expected => {}
                Value::String(_) => {
                    let (given, of) = (text(object, "kind"), text(object, "apiVersion"));
                    return Err(Failure::bad_request(format!(
                        "the API version in the data ({of}, Kind={given}) does not match the expected API version ({api_version}, Kind={name})"
                    )));
                }
                _ => return Err(Failure::bad_request(format!("{field} must be a string"))),
            }
        }
        let read = decode(object, &kind.root, kind.custom);
        let version = &kind.version;
        if let Some(wrong) = read.wrong
            && !kind.custom
        {
            return Err(Failure::bad_request(format!(
                "{name} in version {version:?} cannot be handled as a {name}: {wrong}"
            )));
        }
        if !read.unknown.is_empty() {
            let unknown: Vec<_> =
                read.unknown.iter().map(|path| format!("unknown field {path:?}")).collect();
            match self.options.validation {
                Validation::Ignore => {}
                Validation::Warn => self.warnings.extend(unknown),
                Validation::Strict => {
                    return Err(Failure::bad_request(format!(
                        "{name} in version {version:?} cannot be handled as a {name}: strict decoding error: {}",
                        unknown.join(", ")
                    )));
                }
            }
        }
        self.place(object)
    }

    /// The namespace of the object is that of the call.
    fn place(&self, object: &mut Value) -> Outcome<()> {
        if !at(object, "metadata").is_object() {
            crate::json::object_at(object, "metadata");
        }
        if !self.kind.namespaced {
            crate::json::remove(object, "metadata.namespace");
            return Ok(());
        }
        let given = text(object, "metadata.namespace");
        if !given.is_empty() && given != self.namespace {
            return Err(Failure::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        crate::json::put(object, "metadata.namespace", self.namespace.clone());
        Ok(())
    }
}
