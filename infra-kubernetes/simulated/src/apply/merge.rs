//! Laying an applied object over the living one.

use serde_json::{Map, Value};

use super::element::Element;
use crate::schema::{Listed, Type};

/// The living object with what the applied one sets.
pub(super) fn merge(live: &Value, applied: &Value, of: &Type) -> Value {
    match (live, applied) {
        (Value::Object(old), Value::Object(new)) if !of.is_leaf() => {
            let mut merged = old.clone();
            for (name, value) in new {
                let value = match old.get(name) {
                    Some(was) => merge(was, value, of.field(name)),
                    None => value.clone(),
                };
                merged.insert(name.clone(), value);
            }
            Value::Object(merged)
        }
        (Value::Array(old), Value::Array(new)) if !matches!(of.listed(), Listed::Atomic) => {
            Value::Array(merge_items(old, new, of))
        }
        _ => applied.clone(),
    }
}

/// The order of the applied list, with what only the living one has where it was.
fn merge_items(old: &[Value], new: &[Value], of: &Type) -> Vec<Value> {
    let keyed = |items: &[Value]| -> Vec<(Element, Value)> {
        items.iter().filter_map(|item| Some((Element::of(item, of)?, item.clone()))).collect()
    };
    let (old, new) = (keyed(old), keyed(new));
    let find = |items: &[(Element, Value)], element: &Element| {
        items.iter().find(|(it, _)| it == element).map(|(_, value)| value.clone())
    };
    let mut shared = new.iter().map(|(it, _)| it).filter(|it| find(&old, it).is_some());
    let mut next_shared = shared.next();
    let mut merged: Vec<Value> = Vec::new();
    let mut done: Vec<&Element> = Vec::new();
    let (mut at_old, mut at_new) = (0, 0);
    while at_old < old.len() || at_new < new.len() {
        if let (Some((left, _)), Some((right, _))) = (old.get(at_old), new.get(at_new))
            && left != right
            && find(&new, left).is_some()
            && next_shared.is_some_and(|next| next != left)
        {
            at_old += 1;
            continue;
        }
        if let Some((left, item)) = old.get(at_old)
            && new.get(at_new).is_none_or(|(right, _)| right != left)
        {
            if find(&new, left).is_none() {
                merged.push(item.clone());
                at_old += 1;
                continue;
            } else if done.contains(&left) {
                at_old += 1;
            }
        }
        if let Some((right, item)) = new.get(at_new) {
            if old.get(at_old).is_some_and(|(left, _)| left == right) {
                at_old += 1;
            }
            done.push(right);
            merged.push(match find(&old, right) {
                Some(was) => merge(&was, item, of.item()),
                None => item.clone(),
            });
            at_new += 1;
            if next_shared == Some(right) {
                next_shared = shared.next();
            }
        } else if let Some((left, _)) = old.get(at_old)
            && done.contains(&left)
        {
            at_old += 1;
        }
    }
    merged
}

/// Takes away what is null.
pub(super) fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            drop_nulls(fields);
            fields.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

fn drop_nulls(fields: &mut Map<String, Value>) {
    fields.retain(|_, value| !value.is_null());
}
