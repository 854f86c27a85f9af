//! What is wanted of a resource: its declared fields, completed.

use std::collections::BTreeMap;

use infra_state::{Instance, Segment, Urn, Value};

use super::name;
use crate::{
    Error, Result,
    graph::{Graph, Mistake, Node},
    provider::{FieldSchema, Shape},
};

/// The field of a provider that holds the tags every object made through it gets.
pub const DEFAULT_TAGS: &str = "default_tags";

/// The wanted inputs of a node: its expressions evaluated with what is known of the outputs they use, defaults filled
/// in, names generated, the provider's default tags merged, and everything in the cloud's spelling.
///
/// The planner and the worker both call this, so that what was confirmed is what is done. `recorded` are the inputs of
/// the existing object `instance`: it keeps the name that was generated for it. The result is sparse: what is not set
/// is absent.
pub fn resolve<'v>(
    graph: &Graph,
    node: &Node,
    outputs: &dyn Fn(&Urn) -> Option<&'v Value>,
    instance: &Instance,
    recorded: Option<&Value>,
) -> Result<Value> {
    let schema = node.driver.schema();
    let eval = |owner: &Node, field: &str| match owner.inputs.get(field) {
        Some(expr) => {
            expr.eval(outputs).map(Some).map_err(|e| failed(owner, field, &e.to_string()))
        }
        None => Ok(None),
    };
    let mut wanted = BTreeMap::new();
    for field in node.inputs.keys() {
        // An optional output that turns out to be absent leaves the field unset.
        let value = eval(node, field)?.filter(|value| !matches!(value.revealed(), Value::Null));
        wanted.extend(value.map(|value| (field.clone(), value)));
    }
    for field in &schema.fields {
        if let Some(rule) = &field.name_rule
            && !wanted.contains_key(field.name)
        {
            let name = if let Some(recorded) = recorded {
                recorded.get(field.name).cloned()
            } else {
                let stack = graph.stack.as_ref();
                Some(name::generated(rule, stack, &node.urn, instance).into())
            };
            wanted.extend(name.map(|name| (field.name.to_owned(), name)));
        }
        if field.tags
            && let Some(provider) = node.provider.as_ref().and_then(|urn| graph.nodes.get(urn))
            && let Some(defaults) = eval(provider, DEFAULT_TAGS)?
        {
            let tags = merged(defaults, wanted.remove(field.name));
            wanted.extend(tags.map(|tags| (field.name.to_owned(), tags)));
        }
    }
    complete_fields(&schema.fields, &mut wanted);
    Ok(Value::Map(wanted))
}

/// Fills in defaults, normalises, and drops what is null: unset is absent.
pub(crate) fn complete_fields(fields: &[FieldSchema], map: &mut BTreeMap<String, Value>) {
    for field in fields {
        match map.get_mut(field.name) {
            Some(value) if matches!(value.revealed(), Value::Null) => drop(map.remove(field.name)),
            Some(value) => complete_value(&field.shape, value),
            None => {}
        }
        if let Some(default) = &field.default
            && !map.contains_key(field.name)
        {
            map.insert(field.name.to_owned(), default.clone());
        }
        if let Some(normalize) = field.normalize
            && let Some(value) = map.get_mut(field.name)
        {
            *value = normalized(normalize, value);
        }
    }
}

fn complete_value(shape: &Shape, value: &mut Value) {
    match (shape, value) {
        (shape, Value::Secret(inner)) => complete_value(shape, inner),
        (Shape::List { of, .. }, Value::List(list)) if has_fields(of) => {
            for value in list {
                complete_value(of, value);
            }
        }
        (Shape::Map(of), Value::Map(map)) if has_fields(of) => {
            for value in map.values_mut() {
                complete_value(of, value);
            }
        }
        (Shape::Struct(fields), Value::Map(map)) => complete_fields(fields, map),
        _ => {}
    }
}

fn has_fields(shape: &Shape) -> bool {
    match shape {
        Shape::Scalar | Shape::Any => false,
        Shape::List { of, .. } | Shape::Map(of) => has_fields(of),
        Shape::Struct(_) => true,
    }
}

/// The value in the cloud's spelling; as it is where a part is unknown, secret where a part is.
pub(super) fn normalized(normalize: fn(&Value) -> Value, value: &Value) -> Value {
    if value.has_unknown() {
        value.clone()
    } else if value.has_secret() {
        normalize(&value.plain()).secret()
    } else {
        normalize(value)
    }
}

/// The resource's own tags win over the provider's. Which tags there are is unknown where either is.
fn merged(defaults: Value, own: Option<Value>) -> Option<Value> {
    match (defaults, own) {
        (Value::Map(mut tags), Some(Value::Map(own))) => {
            tags.extend(own);
            Some(Value::Map(tags))
        }
        (Value::Unknown, _) | (_, Some(Value::Unknown)) => Some(Value::Unknown),
        (Value::Map(tags), None) if !tags.is_empty() => Some(Value::Map(tags)),
        (Value::Map(tags), Some(own)) if tags.is_empty() => Some(own),
        // Secret as a whole: the defaults are inside the secret then.
        (Value::Map(tags), Some(Value::Secret(own))) => {
            merged(Value::Map(tags), Some(*own)).map(Value::secret)
        }
        (_, own) => own,
    }
}

fn failed(node: &Node, field: &str, why: &str) -> Error {
    let at = Segment::Key(field.to_owned());
    let field = infra_state::Path(vec![at]);
    let message = format!("`{field}`: {why}");
    Error::program(vec![Mistake { message, urn: Some(node.urn.clone()), at: Some(node.at) }])
}
