//! Reading and writing JSON objects by dotted paths: `spec.template.metadata`.

use serde_json::{Map, Value};

static NULL: Value = Value::Null;

/// What is there, or null.
pub(crate) fn at<'a>(object: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(object, |value, field| value.get(field).unwrap_or(&NULL))
}

/// The text there, or nothing.
pub(crate) fn text<'a>(object: &'a Value, path: &str) -> &'a str {
    at(object, path).as_str().unwrap_or_default()
}

/// The whole number there.
pub(crate) fn int(object: &Value, path: &str) -> Option<i64> {
    at(object, path).as_i64()
}

/// Whether there is `true`.
pub(crate) fn flag(object: &Value, path: &str) -> bool {
    at(object, path).as_bool().unwrap_or_default()
}

/// The items of the list there.
pub(crate) fn items<'a>(object: &'a Value, path: &str) -> &'a [Value] {
    at(object, path).as_array().map_or(&[], Vec::as_slice)
}

/// The entries of the object there.
pub(crate) fn entries<'a>(
    object: &'a Value,
    path: &str,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    at(object, path).as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

/// The object there, made if it is missing.
pub(crate) fn object_at<'a>(object: &'a mut Value, path: &str) -> &'a mut Map<String, Value> {
    let mut place = object;
    for field in path.split('.').filter(|field| !field.is_empty()) {
        place = as_object(place).entry(field).or_insert(Value::Null);
    }
    as_object(place)
}

/// The value as an object; what is none becomes an empty one.
pub(crate) fn as_object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(fields) => fields,
        _ => unreachable!("it was just made an object"),
    }
}

/// The list there, if there is one.
pub(crate) fn items_mut<'a>(
    object: &'a mut Value,
    path: &str,
) -> impl Iterator<Item = &'a mut Value> {
    let mut place = Some(object);
    for field in path.split('.') {
        place = place.and_then(|value| value.get_mut(field));
    }
    place.and_then(Value::as_array_mut).into_iter().flatten()
}

/// Sets what is there.
pub(crate) fn put(object: &mut Value, path: &str, value: impl Into<Value>) {
    let (parent, field) = path.rsplit_once('.').unwrap_or(("", path));
    object_at(object, parent).insert(field.to_owned(), value.into());
}

/// Sets what is not there yet.
pub(crate) fn put_new(object: &mut Value, path: &str, value: impl Into<Value>) {
    if at(object, path).is_null() {
        put(object, path, value);
    }
}

/// Takes away what is there.
pub(crate) fn remove(object: &mut Value, path: &str) -> Option<Value> {
    let (parent, field) = path.rsplit_once('.').map_or((None, path), |(up, at)| (Some(up), at));
    let mut place = object;
    for step in parent.into_iter().flat_map(|parent| parent.split('.')) {
        place = place.get_mut(step)?;
    }
    place.as_object_mut()?.remove(field)
}

/// The name of an object.
pub(crate) fn name(object: &Value) -> &str {
    text(object, "metadata.name")
}

/// The namespace of an object, or nothing.
pub(crate) fn namespace(object: &Value) -> &str {
    text(object, "metadata.namespace")
}

/// The uid of an object.
pub(crate) fn uid(object: &Value) -> &str {
    text(object, "metadata.uid")
}
