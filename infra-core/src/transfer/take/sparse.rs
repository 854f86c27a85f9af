//! What a program has to say of an object: what differs from what is meant without saying it.

use std::collections::{BTreeMap, BTreeSet};

use infra_state::Value;

use crate::{
    graph::Expr,
    provider::{FieldSchema, Operation, Schema, Shape},
};

/// The fields of a live object that a program has to say. What the cloud would choose is still among them: [`prune`] takes
/// it out again once it is known what refers to other objects. `known` are fields that the source of the object knows,
/// `inherited` the tags that its provider sets.
pub fn sparse(
    schema: &Schema,
    live: &Value,
    known: &BTreeMap<String, Value>,
    inherited: &BTreeMap<String, Value>,
) -> BTreeMap<String, Value> {
    let mut fields = live.as_map().cloned().unwrap_or_default();
    for (name, value) in known {
        let nothing = fields.get(name).is_none_or(is_nothing);
        let Some(field) = schema.fields.iter().find(|field| field.name == name) else { continue };
        // What a read gives for a field that cannot be read back says nothing.
        if (nothing || field.write_only) && !is_nothing(value) {
            let value = value.clone();
            fields.insert(name.clone(), if field.secret { value.secret() } else { value });
        }
    }
    for field in schema.fields.iter().filter(|field| field.tags) {
        if let Some(Value::Map(tags)) = fields.get_mut(field.name) {
            tags.retain(|key, value| {
                let reserved = key.starts_with(Operation::TAG_PREFIX) || key.starts_with("aws:");
                !reserved && inherited.get(key).is_none_or(|inherited| !inherited.same(value))
            });
        }
    }
    without_defaults(&schema.fields, &mut fields);
    fields
}

/// Leaves out what the cloud would choose, unless it was known to the source, cannot be changed later, or says something
/// of other objects. What is an output too (the private address of a NAT gateway) is the object's own: another object
/// cannot have it.
pub fn prune(
    schema: &Schema,
    inputs: &mut BTreeMap<String, Expr>,
    known: &BTreeMap<String, Value>,
) {
    let is_own =
        |field: &FieldSchema| schema.outputs.iter().any(|output| output.name == field.name);
    let chosen: BTreeSet<_> = schema
        .fields
        .iter()
        .filter(|field| field.computed && !field.required && (!field.replace || is_own(field)))
        .map(|field| field.name)
        .collect();
    inputs.retain(|name, expr| {
        !chosen.contains(name.as_str()) || known.contains_key(name) || expr.literal().is_none()
    });
}

fn without_defaults(fields: &[FieldSchema], map: &mut BTreeMap<String, Value>) {
    let known: BTreeSet<_> = fields.iter().map(|field| field.name).collect();
    map.retain(|name, _| known.contains(name.as_str()));
    for field in fields {
        let Some(value) = map.get_mut(field.name) else { continue };
        inside(&field.shape, value);
        let meant = || {
            let default = field.default.as_ref()?;
            let spelled = |value: &Value| match field.normalize {
                Some(normalize) => normalize(&value.plain()),
                None => value.plain(),
            };
            Some(spelled(default).same(&spelled(value)))
        };
        let left_out = !field.required && (is_nothing(value) || meant().unwrap_or(false));
        // An empty list is something else than a default that is not empty.
        let emptied = is_empty(value) && field.default.as_ref().is_some_and(|it| !is_empty(it));
        if (left_out && !emptied) || matches!(value.revealed(), Value::Null) {
            map.remove(field.name);
        }
    }
}

fn inside(shape: &Shape, value: &mut Value) {
    match (shape, value) {
        (shape, Value::Secret(inner)) => inside(shape, inner),
        (Shape::List { of, .. }, Value::List(list)) => {
            for value in list {
                inside(of, value);
            }
        }
        (Shape::Map(of), Value::Map(map)) => map.values_mut().for_each(|value| inside(of, value)),
        (Shape::Struct(fields), Value::Map(map)) => without_defaults(fields, map),
        _ => {}
    }
}

/// Unset, or empty, which typed code cannot tell from unset.
fn is_nothing(value: &Value) -> bool {
    matches!(value.revealed(), Value::Null) || is_empty(value)
}

fn is_empty(value: &Value) -> bool {
    match value.revealed() {
        Value::List(list) => list.is_empty(),
        Value::Map(map) => map.is_empty(),
        _ => false,
    }
}
