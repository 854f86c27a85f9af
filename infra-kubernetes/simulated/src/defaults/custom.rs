//! Definitions of kinds, and their objects.

use serde_json::Value;

use crate::json::{at, entries, put_new, text};

/// A `CustomResourceDefinition` itself.
pub(super) fn definition(object: &mut Value) {
    put_new(object, "spec.conversion.strategy", "None");
    let kind = text(object, "spec.names.kind").to_owned();
    if !kind.is_empty() {
        put_new(object, "spec.names.singular", kind.to_lowercase());
        put_new(object, "spec.names.listKind", format!("{kind}List"));
    }
}

/// Fills an object of a custom kind from the `default`s of its schema.
pub(super) fn fill(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(fields) => {
            for (name, of) in entries(schema, "properties") {
                if let Some(default) = of.get("default")
                    && fields.get(name).is_none_or(Value::is_null)
                {
                    fields.insert(name.to_owned(), default.clone());
                }
                if let Some(value) = fields.get_mut(name) {
                    fill(value, of);
                }
            }
            if let Some(of) = schema.get("additionalProperties").filter(|it| it.is_object()) {
                fields.values_mut().for_each(|value| fill(value, of));
            }
        }
        Value::Array(items) => {
            let of = at(schema, "items");
            for item in items {
                fill(item, of);
            }
        }
        _ => {}
    }
}
