//! Strategic merge patches: lists whose items have a merge key are merged by it.

use serde_json::{Map, Value};

use crate::json::text;
use crate::schema::{Listed, Scalar, Type};

/// The value with the patch.
pub(crate) fn strategic_patch(value: Value, patch: &Value, of: &Type) -> Value {
    match (value, patch) {
        (Value::Object(fields), Value::Object(changes)) => {
            Value::Object(object(fields, changes, of))
        }
        (_, Value::Object(changes)) => Value::Object(object(Map::new(), changes, of)),
        (Value::Array(old), Value::Array(new)) => list(old, new, of),
        (_, patch) => patch.clone(),
    }
}

fn object(
    mut fields: Map<String, Value>,
    changes: &Map<String, Value>,
    of: &Type,
) -> Map<String, Value> {
    match changes.get("$patch").and_then(Value::as_str) {
        Some("replace") => {
            let mut new = changes.clone();
            new.remove("$patch");
            return new;
        }
        Some("delete") => return Map::new(),
        _ => {}
    }
    if let Some(Value::Array(kept)) = changes.get("$retainKeys") {
        fields.retain(|name, _| kept.iter().any(|it| it == name));
    }
    for (name, change) in changes {
        if let Some(list) = name.strip_prefix("$deleteFromPrimitiveList/") {
            let gone = change.as_array().cloned().unwrap_or_default();
            if let Some(Value::Array(items)) = fields.get_mut(list) {
                items.retain(|item| !gone.contains(item));
            }
        } else if !name.starts_with('$') {
            if change.is_null() {
                fields.remove(name);
            } else {
                let old = fields.remove(name).unwrap_or(Value::Null);
                fields.insert(name.clone(), strategic_patch(old, change, of.field(name)));
            }
        }
    }
    for (name, order) in changes {
        if let (Some(list), Some(order)) =
            (name.strip_prefix("$setElementOrder/"), order.as_array())
            && let Some(Value::Array(items)) = fields.get_mut(list)
        {
            let key = merge_key(of.field(list));
            let place = |item: &Value| {
                order.iter().position(|it| match key {
                    Some(key) => it.get(key) == item.get(key),
                    None => it == item,
                })
            };
            items.sort_by_key(|item| place(item).unwrap_or(usize::MAX));
        }
    }
    fields
}

/// The field by which strategic patches merge a list: the first of its keys.
fn merge_key(of: &Type) -> Option<&str> {
    match of.listed() {
        Listed::Map(keys) => keys.first().map(|(name, _)| name.as_str()),
        _ => None,
    }
}

fn list(mut old: Vec<Value>, new: &[Value], of: &Type) -> Value {
    if let Some(at) = new.iter().position(|it| text(it, "$patch") == "replace") {
        let mut new = new.to_vec();
        new.remove(at);
        return Value::Array(new);
    }
    if matches!(of.listed(), Listed::Set) && matches!(of.item(), Type::Scalar(Scalar::Text)) {
        for item in new {
            if !old.contains(item) {
                old.push(item.clone());
            }
        }
        return Value::Array(old);
    }
    let Some(key) = merge_key(of) else { return Value::Array(new.to_vec()) };
    for change in new {
        let at = old.iter().position(|item| item.get(key) == change.get(key));
        match (text(change, "$patch"), at) {
            ("delete", Some(at)) => {
                old.remove(at);
            }
            ("delete", None) => {}
            (_, Some(at)) => {
                let item = std::mem::take(&mut old[at]);
                old[at] = strategic_patch(item, change, of.item());
            }
            (_, None) => old.push(strategic_patch(Value::Null, change, of.item())),
        }
    }
    Value::Array(old)
}
