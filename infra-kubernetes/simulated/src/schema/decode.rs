//! An object as the API reads it: of the types it must have, without what the types do not have,
//! and with one form for each value.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::types::{Scalar, Struct, Type};
use super::{quantity, zero};

/// What came of reading an object.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    /// Fields that the type does not have, as paths.
    pub(crate) unknown: Vec<String>,
    /// The first thing that has the wrong type.
    pub(crate) wrong: Option<String>,
}

/// Reads an object in place. `custom`: values are kept as they are written.
pub(crate) fn decode(object: &mut Value, of: &Type, custom: bool) -> Decoded {
    let mut reader = Reader { decoded: Decoded::default(), custom, owner: String::new() };
    reader.value(object, of, &mut String::new());
    reader.decoded
}

struct Reader {
    decoded: Decoded,
    custom: bool,
    /// The struct that has the field, for messages.
    owner: String,
}

impl Reader {
    fn value(&mut self, value: &mut Value, of: &Type, path: &mut String) {
        if value.is_null() {
            return;
        }
        let length = path.len();
        match (of.resolved(), &mut *value) {
            (Type::Any | Type::Named(_), _) => {}
            (Type::Struct(of), Value::Object(fields)) => self.fields(fields, of, path),
            (Type::Map { of, .. }, Value::Object(entries)) => {
                for (key, entry) in entries.iter_mut() {
                    path.push('.');
                    path.push_str(key);
                    self.value(entry, of, path);
                    path.truncate(length);
                }
                if !self.custom {
                    entries.retain(|_, entry| !entry.is_null());
                }
            }
            (Type::List { of, .. }, Value::Array(items)) => {
                for (index, item) in items.iter_mut().enumerate() {
                    let _ = write!(path, "[{index}]");
                    self.value(item, of, path);
                    path.truncate(length);
                }
            }
            (Type::Scalar(scalar), value) => self.scalar(value, *scalar, path),
            (Type::Struct(of), found) => {
                let of = of.name.rsplit('.').next().unwrap_or_default().to_owned();
                self.wrong(found, path, &of);
            }
            (Type::Map { .. }, found) => self.wrong(found, path, "map[string]string"),
            (Type::List { .. }, found) => self.wrong(found, path, "[]"),
        }
    }

    fn fields(&mut self, fields: &mut Map<String, Value>, of: &Struct, path: &mut String) {
        let length = path.len();
        let owner = std::mem::replace(&mut self.owner, of.name.clone());
        fields.retain(|name, value| {
            if length > 0 {
                path.push('.');
            }
            path.push_str(name);
            let keep = match of.fields.get(name) {
                Some(field) => {
                    self.value(value, field, path);
                    if self.custom { !value.is_null() } else { !zero_of(of, name, field, value) }
                }
                None if of.open => true,
                None => {
                    self.decoded.unknown.push(path.clone());
                    false
                }
            };
            path.truncate(length);
            keep
        });
        self.owner = owner;
    }

    fn scalar(&mut self, value: &mut Value, scalar: Scalar, path: &str) {
        match (scalar, &*value) {
            (Scalar::Text | Scalar::Time, Value::String(_))
            | (Scalar::Number, Value::Number(_))
            | (Scalar::IntOrText, Value::Number(_) | Value::String(_))
            | (Scalar::Boolean, Value::Bool(_)) => {}
            (Scalar::Integer(bits), Value::Number(number)) => match whole(number) {
                Some(whole) if bits == 64 || i32::try_from(whole).is_ok() => {
                    *value = Value::from(whole);
                }
                _ => self.wrong(&value.clone(), path, &format!("int{bits}")),
            },
            (Scalar::Bytes, Value::String(text)) => {
                if STANDARD.decode(text).is_err() {
                    let at = text.bytes().position(|c| !is_base64(c)).unwrap_or(text.len());
                    self.note(format!("illegal base64 data at input byte {at}"));
                }
            }
            (Scalar::Quantity, Value::String(_) | Value::Number(_)) => {
                match quantity::canonical(value) {
                    Some(canonical) => *value = Value::from(canonical),
                    None => self.note(format!(
                        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$': {path}"
                    )),
                }
            }
            (scalar, found) => {
                let of = match scalar {
                    Scalar::Text => "string",
                    Scalar::Bytes => "[]byte",
                    Scalar::Time => "Time",
                    Scalar::Integer(32) => "int32",
                    Scalar::Integer(_) => "int64",
                    Scalar::Number => "float64",
                    Scalar::Boolean => "bool",
                    Scalar::IntOrText => "IntOrString",
                    Scalar::Quantity => "Quantity",
                };
                self.wrong(&found.clone(), path, of);
            }
        }
    }

    fn wrong(&mut self, found: &Value, path: &str, of: &str) {
        let found = match found {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let owner = self.owner.rsplit('.').next().unwrap_or_default().to_owned();
        self.note(format!(
            "json: cannot unmarshal {found} into Go struct field {owner}.{path} of type {of}"
        ));
    }

    fn note(&mut self, message: String) {
        self.decoded.wrong.get_or_insert(message);
    }
}

fn zero_of(of: &Struct, name: &str, field: &Type, value: &Value) -> bool {
    value.is_null()
        || (!of.required.iter().any(|it| it == name) && zero::is_dropped(name, field, value))
}

fn is_base64(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'=')
}

#[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
fn whole(number: &serde_json::Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        let float = number.as_f64()?;
        (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64)
    })
}
