//! Definitions of kinds, and their objects against the schema of the definition.

use regex::Regex;
use serde_json::Value;

use super::name;
use crate::failure::Cause;
use crate::json::{at, entries, flag, int, items, text};
use crate::kinds::Kind;

/// A `CustomResourceDefinition`.
pub(super) fn definition(object: &Value, causes: &mut Vec<Cause>) {
    let (group, plural) = (text(object, "spec.group"), text(object, "spec.names.plural"));
    let expected = format!("{plural}.{group}");
    if crate::json::name(object) != expected {
        let detail = "must be spec.names.plural+\".\"+spec.group";
        causes.push(Cause::invalid("metadata.name", at(object, "metadata.name"), detail));
    }
    if group.is_empty() {
        causes.push(Cause::required("spec.group", ""));
    } else if !group.contains('.') {
        let detail = "should be a domain with at least one dot";
        causes.push(Cause::invalid("spec.group", at(object, "spec.group"), detail));
    }
    for field in ["plural", "kind"] {
        if text(object, &format!("spec.names.{field}")).is_empty() {
            causes.push(Cause::required(format!("spec.names.{field}"), ""));
        }
    }
    if let Some(why) = name::label_1035(plural) {
        causes.push(Cause::invalid("spec.names.plural", at(object, "spec.names.plural"), &why));
    }
    if !matches!(text(object, "spec.scope"), "Cluster" | "Namespaced") {
        let allowed = &["Cluster", "Namespaced"];
        causes.push(Cause::unsupported("spec.scope", at(object, "spec.scope"), allowed));
    }
    let versions = items(object, "spec.versions");
    if versions.iter().filter(|it| flag(it, "storage")).count() != 1 {
        let detail = "must have exactly one version marked as storage version";
        causes.push(Cause::invalid("spec.versions", at(object, "spec.versions"), detail));
    }
    for (index, version) in versions.iter().enumerate() {
        let path = format!("spec.versions[{index}].schema.openAPIV3Schema");
        let schema = at(version, "schema.openAPIV3Schema");
        if schema.is_null() {
            causes.push(Cause::required(path, "schemas are required"));
        } else {
            structural(schema, &path, causes);
        }
    }
}

/// Every part of a schema has a type.
fn structural(schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    let any = flag(schema, "x-kubernetes-int-or-string")
        || flag(schema, "x-kubernetes-preserve-unknown-fields");
    if text(schema, "type").is_empty() && !any {
        let detail = "must not be empty for specified object fields";
        causes.push(Cause::required(format!("{path}.type"), detail));
    }
    for (name, of) in entries(schema, "properties") {
        structural(of, &format!("{path}.properties[{name}]"), causes);
    }
    if at(schema, "items").is_object() {
        structural(at(schema, "items"), &format!("{path}.items"), causes);
    }
}

/// An object of a custom kind.
pub(super) fn object(kind: &Kind, object: &Value, causes: &mut Vec<Cause>) {
    let schema = at(&kind.schema, "schema.openAPIV3Schema");
    for (name, of) in entries(schema, "properties") {
        if !matches!(name, "apiVersion" | "kind" | "metadata")
            && let Some(value) = object.get(name)
        {
            check(value, of, name, causes);
        }
    }
    required(object, schema, "", causes);
}

fn required(value: &Value, schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    for name in items(schema, "required").iter().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            let place = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            causes.push(Cause::required(place, ""));
        }
    }
}

fn check(value: &Value, schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    if value.is_null() {
        return;
    }
    if !has_type(value, schema) {
        let found = match value {
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_i64() => "integer",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
            Value::Null => "null",
        };
        let detail = format!("{path} in body must be of type {}: {found:?}", text(schema, "type"));
        causes.push(Cause::invalid(path, &Value::from(found), &detail));
        return;
    }
    let allowed = items(schema, "enum");
    if !allowed.is_empty() && !allowed.contains(value) {
        let allowed: Vec<_> = allowed.iter().filter_map(Value::as_str).collect();
        causes.push(Cause::unsupported(path, value, &allowed));
    }
    limits(value, schema, path, causes);
    combined(value, schema, path, causes);
    match value {
        Value::Object(fields) => {
            required(value, schema, path, causes);
            for (name, value) in fields {
                let of = at(schema, "properties").get(name);
                let of = of.or_else(|| schema.get("additionalProperties"));
                if let Some(of) = of.filter(|of| of.is_object()) {
                    check(value, of, &format!("{path}.{name}"), causes);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                check(item, at(schema, "items"), &format!("{path}[{index}]"), causes);
            }
        }
        _ => {}
    }
}

/// `allOf`, `anyOf`, `oneOf`, `not`, `pattern`.
fn combined(value: &Value, schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    for part in items(schema, "allOf") {
        check(value, part, path, causes);
    }
    let fits = |part: &Value| {
        let mut wrong = Vec::new();
        check(value, part, path, &mut wrong);
        wrong.is_empty()
    };
    let fitting = |field: &str| items(schema, field).iter().filter(|part| fits(part)).count();
    let mut wrong = |detail: String| causes.push(Cause::invalid(path, value, &detail));
    if !items(schema, "anyOf").is_empty() && fitting("anyOf") == 0 {
        wrong(format!("{path:?} must validate at least one schema (anyOf)"));
    }
    if !items(schema, "oneOf").is_empty() && fitting("oneOf") != 1 {
        let which = if fitting("oneOf") == 0 { "none valid" } else { "more than one valid" };
        wrong(format!("{path:?} must validate one and only one schema (oneOf). Found {which}"));
    }
    if at(schema, "not").is_object() && fits(at(schema, "not")) {
        wrong(format!("{path:?} must not validate the schema (not)"));
    }
    if let (Some(pattern), Some(text)) = (at(schema, "pattern").as_str(), value.as_str())
        && Regex::new(pattern).is_ok_and(|pattern| !pattern.is_match(text))
    {
        wrong(format!("{path} in body should match '{pattern}'"));
    }
}

fn has_type(value: &Value, schema: &Value) -> bool {
    if flag(schema, "x-kubernetes-int-or-string") {
        return value.is_string() || value.is_i64();
    }
    match text(schema, "type") {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}

fn limits(value: &Value, schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    let mut wrong = |detail: String| causes.push(Cause::invalid(path, value, &detail));
    if let Some(number) = value.as_f64() {
        if let Some(least) = at(schema, "minimum").as_f64().filter(|least| number < *least) {
            wrong(format!("{path} in body should be greater than or equal to {least}"));
        }
        if let Some(most) = at(schema, "maximum").as_f64().filter(|most| number > *most) {
            wrong(format!("{path} in body should be less than or equal to {most}"));
        }
    }
    let length = match value {
        Value::String(text) => Some((text.chars().count(), "Length", "chars long")),
        Value::Array(items) => Some((items.len(), "Items", "items")),
        _ => None,
    };
    if let Some((length, what, unit)) = length {
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        if let Some(least) = int(schema, &format!("min{what}")).filter(|least| length < *least) {
            wrong(format!("{path} in body should be at least {least} {unit}"));
        }
        if let Some(most) = int(schema, &format!("max{what}")).filter(|most| length > *most) {
            wrong(format!("{path} in body should be at most {most} {unit}"));
        }
    }
}
