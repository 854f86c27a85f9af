//! The table of the built-in types, made once from the generated ones.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::keys;
use super::types::{Listed, Scalar, Struct, Type};
use crate::json::{at, entries, flag, items, text};

static DOCUMENT: LazyLock<BTreeMap<String, Value>> = LazyLock::new(generate);
static TYPES: LazyLock<HashMap<String, Type>> = LazyLock::new(|| {
    let all = DOCUMENT.iter();
    all.map(|(name, schema)| (name.clone(), definition(name, schema))).collect()
});

/// All built-in types by name.
pub(crate) fn types() -> &'static HashMap<String, Type> {
    &TYPES
}

/// Their JSON schemas by name, with what says how lists are merged.
pub(crate) fn document() -> &'static BTreeMap<String, Value> {
    &DOCUMENT
}

fn generate() -> BTreeMap<String, Value> {
    let settings = SchemaSettings::default().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = SchemaGenerator::new(settings);
    crate::kinds::register(&mut generator);
    let mut document: BTreeMap<_, _> = generator.take_definitions(false).into_iter().collect();
    for (name, schema) in &mut document {
        extend(name, schema);
    }
    document
}

/// Writes into a schema how its lists and objects are merged.
fn extend(name: &str, schema: &mut Value) {
    if keys::is_atomic(name) {
        schema["x-kubernetes-map-type"] = json!("atomic");
    }
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for (field, property) in properties {
        if let Some(keys) = keys::keys(name, field) {
            property["x-kubernetes-list-type"] = json!("map");
            property["x-kubernetes-list-map-keys"] = json!(keys);
        } else if keys::is_set(name, field) {
            property["x-kubernetes-list-type"] = json!("set");
        } else if keys::is_atomic_map(name, field) {
            property["x-kubernetes-map-type"] = json!("atomic");
        } else if property["type"] == "array" {
            property["x-kubernetes-list-type"] = json!("atomic");
        }
        if let Some(listed) = property.get("$ref").cloned()
            && property.as_object().is_some_and(|fields| fields.len() > 1)
        {
            // In OpenAPI 3.0 nothing may stand beside a reference.
            crate::json::remove(property, "$ref");
            property["allOf"] = json!([{"$ref": listed}]);
        }
    }
}

fn definition(name: &str, schema: &Value) -> Type {
    if name.ends_with(".resource.Quantity") {
        return Type::Scalar(Scalar::Quantity);
    }
    if schema.get("properties").is_some() {
        return Type::Struct(Struct {
            name: name.to_owned(),
            fields: entries(schema, "properties")
                .map(|(field, property)| (field.to_owned(), field_type(property)))
                .collect(),
            required: strings(items(schema, "required")),
            atomic: keys::is_atomic(name),
            open: false,
        });
    }
    field_type(schema)
}

fn strings(values: &[Value]) -> Vec<String> {
    values.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn field_type(schema: &Value) -> Type {
    let reference = at(schema, "$ref").as_str().or_else(|| match items(schema, "allOf") {
        [one] => at(one, "$ref").as_str(),
        _ => None,
    });
    if let Some(reference) = reference {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return Type::Named(name.to_owned());
    }
    if flag(schema, "x-kubernetes-int-or-string") {
        return Type::Scalar(Scalar::IntOrText);
    }
    let atomic = text(schema, "x-kubernetes-map-type") == "atomic";
    match (text(schema, "type"), text(schema, "format")) {
        ("string", "byte") => Type::Scalar(Scalar::Bytes),
        ("string", "date-time") => Type::Scalar(Scalar::Time),
        ("string", _) => Type::Scalar(Scalar::Text),
        ("integer", "int64") => Type::Scalar(Scalar::Integer(64)),
        ("integer", _) => Type::Scalar(Scalar::Integer(32)),
        ("number", _) => Type::Scalar(Scalar::Number),
        ("boolean", _) => Type::Scalar(Scalar::Boolean),
        ("array", _) => {
            Type::List { of: Box::new(field_type(at(schema, "items"))), listed: listed(schema) }
        }
        ("object", _) => match schema.get("additionalProperties") {
            Some(of) => Type::Map { of: Box::new(field_type(of)), atomic },
            None => Type::Any,
        },
        _ => Type::Any,
    }
}

fn listed(schema: &Value) -> Listed {
    match text(schema, "x-kubernetes-list-type") {
        "map" => {
            let keys = strings(items(schema, "x-kubernetes-list-map-keys"));
            let default = |key: &str| (key == "protocol").then(|| json!("TCP"));
            Listed::Map(keys.into_iter().map(|key| (key.clone(), default(&key))).collect())
        }
        "set" => Listed::Set,
        _ => Listed::Atomic,
    }
}
