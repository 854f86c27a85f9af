//! The type of a custom resource, from the schema of its definition.

use serde_json::Value;

use super::types::{Listed, Scalar, Struct, Type};
use crate::json::{at, entries, flag, items, text};

/// The type of the objects of one version; without a schema everything is kept.
pub(crate) fn custom_type(schema: &Value) -> Type {
    let mut root = match inline(schema) {
        Type::Struct(root) => root,
        _ => Struct { open: true, ..Struct::default() },
    };
    root.fields.insert("apiVersion".to_owned(), Type::Scalar(Scalar::Text));
    root.fields.insert("kind".to_owned(), Type::Scalar(Scalar::Text));
    let metadata = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
    root.fields.insert("metadata".to_owned(), Type::Named(metadata.to_owned()));
    Type::Struct(root)
}

fn inline(schema: &Value) -> Type {
    let open = flag(schema, "x-kubernetes-preserve-unknown-fields");
    if flag(schema, "x-kubernetes-int-or-string") {
        return Type::Scalar(Scalar::IntOrText);
    }
    if flag(schema, "x-kubernetes-embedded-resource") {
        return Type::Any;
    }
    match text(schema, "type") {
        "string" => Type::Scalar(Scalar::Text),
        "integer" => Type::Scalar(Scalar::Integer(64)),
        "number" => Type::Scalar(Scalar::Number),
        "boolean" => Type::Scalar(Scalar::Boolean),
        "array" => Type::List { of: Box::new(inline(at(schema, "items"))), listed: listed(schema) },
        "object" => object(schema, open),
        _ => Type::Any,
    }
}

fn object(schema: &Value, open: bool) -> Type {
    let atomic = text(schema, "x-kubernetes-map-type") == "atomic";
    if let Some(of) = schema.get("additionalProperties").filter(|of| of.is_object()) {
        return Type::Map { of: Box::new(inline(of)), atomic };
    }
    if schema.get("properties").is_none() && open {
        return Type::Any;
    }
    let required = items(schema, "required").iter().filter_map(Value::as_str);
    Type::Struct(Struct {
        name: String::new(),
        fields: entries(schema, "properties")
            .map(|(name, of)| (name.to_owned(), inline(of)))
            .collect(),
        required: required.map(str::to_owned).collect(),
        atomic,
        open,
    })
}

fn listed(schema: &Value) -> Listed {
    match text(schema, "x-kubernetes-list-type") {
        "map" => {
            let item = at(schema, "items.properties");
            let keys = items(schema, "x-kubernetes-list-map-keys").iter();
            let keys = keys.filter_map(Value::as_str).map(|key| {
                let default = item.get(key).and_then(|of| of.get("default")).cloned();
                (key.to_owned(), default)
            });
            Listed::Map(keys.collect())
        }
        "set" => Listed::Set,
        _ => Listed::Atomic,
    }
}
