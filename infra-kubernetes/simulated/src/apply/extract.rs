//! Which fields an object sets, and whether it may.

use serde_json::Value;

use super::element::Element;
use super::set::Set;
use crate::schema::{Listed, Scalar, Type};

/// Every field that the object sets.
pub(super) fn extract(object: &Value, of: &Type) -> Set {
    let mut set = Set::default();
    walk(object, of, &mut Vec::new(), &mut set);
    set
}

fn walk(value: &Value, of: &Type, path: &mut Vec<Element>, set: &mut Set) {
    match value {
        Value::Object(fields) if !of.is_leaf() => {
            for (name, value) in fields {
                path.push(Element::Field(name.clone()));
                let under = of.field(name);
                walk(value, under, path, set);
                let empty = value.as_object().is_some_and(serde_json::Map::is_empty);
                if value.is_null() || empty || !of.declares(name) {
                    set.insert(path);
                }
                path.pop();
            }
        }
        Value::Array(items) if !matches!(of.listed(), Listed::Atomic) => {
            for item in items {
                let Some(element) = Element::of(item, of) else { continue };
                path.push(element);
                walk(item, of.item(), path, set);
                set.insert(path);
                path.pop();
            }
        }
        _ => set.insert(path),
    }
}

/// What an applied object has that its type does not allow; the API's own words.
pub(crate) fn check(object: &Value, of: &Type) -> Vec<String> {
    let mut errors = Vec::new();
    verify(object, of, "", &mut errors);
    errors
}

fn verify(value: &Value, of: &Type, path: &str, errors: &mut Vec<String>) {
    let mut wrong = |expected: &str| {
        let colon = if path.is_empty() { "" } else { ": " };
        errors.push(format!("{path}{colon}expected {expected}, got {}", shown(value)));
    };
    match (of.resolved(), value) {
        (_, Value::Null) | (Type::Any | Type::Named(_), _) => {}
        (Type::Struct(of), Value::Object(fields)) => {
            for (name, value) in fields {
                let path = format!("{path}.{name}");
                match of.fields.get(name) {
                    Some(field) => verify(value, field, &path, errors),
                    None if of.open => {}
                    None => errors.push(format!("{path}: field not declared in schema")),
                }
            }
        }
        (Type::Map { of, .. }, Value::Object(entries)) => {
            for (key, value) in entries {
                verify(value, of, &format!("{path}.{key}"), errors);
            }
        }
        (Type::List { of: item_type, listed }, Value::Array(items)) => {
            let mut seen = Vec::new();
            for (index, item) in items.iter().enumerate() {
                let element = Element::of(item, of);
                let place = match (&element, listed) {
                    (Some(element), _) => format!("{path}{element}"),
                    (None, Listed::Atomic | Listed::Set) => format!("{path}[{index}]"),
                    (None, Listed::Map(keys)) => {
                        let key = keys.first().map_or("", |(name, _)| name);
                        errors.push(format!(
                            "{path}: element {index}: associative list with keys has an element that omits key field {key:?} (and doesn't have default value)"
                        ));
                        continue;
                    }
                };
                if let Some(element) = element {
                    if seen.contains(&element) {
                        errors.push(format!("{path}: duplicate entries for key {element}"));
                    }
                    seen.push(element);
                }
                verify(item, item_type, &place, errors);
            }
        }
        (Type::Struct(_) | Type::Map { .. }, _) => wrong("map"),
        (Type::List { .. }, _) => wrong("list"),
        (Type::Scalar(scalar), value) => match scalar {
            Scalar::Text | Scalar::Bytes | Scalar::Time if !value.is_string() => wrong("string"),
            Scalar::Integer(_) | Scalar::Number if !value.is_number() => {
                wrong("numeric (int or float)");
            }
            Scalar::Boolean if !value.is_boolean() => wrong("boolean"),
            Scalar::IntOrText | Scalar::Quantity if value.is_object() || value.is_array() => {
                wrong("string or number");
            }
            _ => {}
        },
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(_) => "string".to_owned(),
        Value::Object(_) => "map".to_owned(),
        Value::Array(_) => "list".to_owned(),
        other => format!("&value.valueUnstructured{{Value:{other}}}"),
    }
}
