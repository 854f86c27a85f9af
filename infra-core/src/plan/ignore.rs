//! `ignore_changes`: what is not looked at keeps the value it had.

use std::collections::BTreeMap;

use infra_state::{Path, Record, Segment, Value};

use crate::provider::{Order, Schema, Shape};

/// `value` with the parts at `patterns` as they are in `kept`, or absent where they are absent there.
pub(crate) fn overlay(schema: &Schema, patterns: &[Path], kept: &Value, value: &Value) -> Value {
    let mut value = value.clone();
    let shape = Shape::Struct(schema.fields.clone());
    for pattern in patterns {
        put(Some(&shape), &pattern.0, Some(kept), &mut value);
    }
    value
}

/// The ignored parts that the object of an unfinished update has, and keeps: others may have changed them since. An
/// object whose making did not finish never gave an output, and gets what it was to be made with.
pub(crate) fn of_others(
    schema: &Schema,
    ignored: &[Path],
    recorded: &Record,
    live: &Value,
) -> Vec<Path> {
    if recorded.outputs.as_map().is_none_or(BTreeMap::is_empty) {
        return Vec::new();
    }
    let readable = |it: &Path| schema.field(it).is_none_or(|field| !field.write_only);
    let shows = |it: &Path| {
        let named = it.0.iter().take_while(|segment| **segment != Segment::Any);
        let value = Path(named.cloned().collect());
        value.get(live).is_some_and(|value| !matches!(value.revealed(), Value::Null))
    };
    ignored.iter().filter(|it| readable(it) && shows(it)).cloned().collect()
}

fn put(shape: Option<&Shape>, pattern: &[Segment], kept: Option<&Value>, value: &mut Value) {
    let Some((segment, rest)) = pattern.split_first() else {
        *value = kept.cloned().unwrap_or(Value::Null);
        return;
    };
    let kept = kept.map(Value::revealed);
    match value {
        Value::Secret(inner) => put(shape, pattern, kept, inner),
        Value::Map(map) => put_map(shape, segment, rest, kept.and_then(Value::as_map), map),
        Value::List(list) => put_list(shape, segment, rest, kept.and_then(Value::as_list), list),
        // Unknown as a whole, but the pattern says that a part of it does not matter: the rest of it may.
        _ => {}
    }
}

fn put_map(
    shape: Option<&Shape>,
    segment: &Segment,
    rest: &[Segment],
    kept: Option<&BTreeMap<String, Value>>,
    map: &mut BTreeMap<String, Value>,
) {
    let keys: Vec<String> = match segment {
        Segment::Key(key) => vec![key.clone()],
        Segment::Any => {
            map.keys().chain(kept.into_iter().flat_map(BTreeMap::keys)).cloned().collect()
        }
        Segment::Index(_) => return,
    };
    for key in keys {
        let inner = match shape {
            Some(Shape::Struct(fields)) => {
                fields.iter().find(|field| field.name == key).map(|field| &field.shape)
            }
            Some(Shape::Map(of)) => Some(&**of),
            _ => None,
        };
        let kept = kept.and_then(|kept| kept.get(&key));
        if rest.is_empty() {
            match kept {
                Some(kept) => drop(map.insert(key, kept.clone())),
                None => drop(map.remove(&key)),
            }
        } else if let Some(value) = map.get_mut(&key) {
            put(inner, rest, kept, value);
        }
    }
}

fn put_list(
    shape: Option<&Shape>,
    segment: &Segment,
    rest: &[Segment],
    kept: Option<&[Value]>,
    list: &mut Vec<Value>,
) {
    let (of, order) = match shape {
        Some(Shape::List { of, order }) => (Some(&**of), *order),
        _ => (None, Order::List),
    };
    if *segment == Segment::Any && rest.is_empty() {
        *list = kept.unwrap_or_default().to_vec();
        return;
    }
    for (at, value) in list.iter_mut().enumerate() {
        if *segment != Segment::Any && *segment != Segment::Index(at) {
            continue;
        }
        let counterpart = kept.and_then(|kept| match order {
            Order::Keyed(key) => {
                let wanted = value.get(key)?;
                kept.iter().find(|kept| kept.get(key).is_some_and(|key| key.same(wanted)))
            }
            _ => kept.get(at),
        });
        // An element that is new has nothing to keep.
        if counterpart.is_some() {
            put(of, rest, counterpart, value);
        }
    }
}
