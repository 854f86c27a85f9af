//! Taking fields out of an object.

use serde_json::{Map, Value};

use super::element::Element;
use super::set::Set;
use crate::schema::{Listed, Type};

/// The object without these fields, and without the items of lists that they name. An object or
/// list of which nothing is left goes too.
pub(super) fn remove(value: &Value, fields: &Set, of: &Type) -> Value {
    match value {
        Value::Object(entries) if !of.is_leaf() => {
            let mut rest = Map::new();
            for (name, value) in entries {
                let element = Element::Field(name.clone());
                if fields.has_member(&element) {
                    continue;
                }
                let value = match fields.child(&element) {
                    Some(under) => remove(value, under, of.field(name)),
                    None => value.clone(),
                };
                rest.insert(name.clone(), value);
            }
            if rest.is_empty() { Value::Null } else { Value::Object(rest) }
        }
        Value::Array(items) if !matches!(of.listed(), Listed::Atomic) => {
            let mut rest = Vec::new();
            for item in items {
                let Some(element) = Element::of(item, of) else {
                    rest.push(item.clone());
                    continue;
                };
                if fields.has_member(&element) {
                    continue;
                }
                rest.push(match fields.child(&element) {
                    Some(under) => remove(item, under, of.item()),
                    None => item.clone(),
                });
            }
            if rest.is_empty() { Value::Null } else { Value::Array(rest) }
        }
        other => other.clone(),
    }
}
