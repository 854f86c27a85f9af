//! Merge patches (RFC 7386).

use serde_json::{Map, Value};

/// The value with the patch: objects are merged, null takes away, all else replaces.
pub(crate) fn merge_patch(value: Value, patch: &Value) -> Value {
    let Value::Object(changes) = patch else { return patch.clone() };
    let mut fields = match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    for (name, change) in changes {
        if change.is_null() {
            fields.remove(name);
        } else {
            let old = fields.remove(name).unwrap_or(Value::Null);
            fields.insert(name.clone(), merge_patch(old, change));
        }
    }
    Value::Object(fields)
}
