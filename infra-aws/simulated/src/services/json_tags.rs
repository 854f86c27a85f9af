//! Tags as `[{"Key": …, "Value": …}]`, which most JSON services have.

use serde_json::{Value, json};

/// The tags a create call gives.
pub(super) fn given(asked: &Value) -> Value {
    let mut tags = json!([]);
    put(&mut tags, asked);
    tags
}

pub(super) fn put(tags: &mut Value, new: &Value) {
    let mut all = tags.as_array().cloned().unwrap_or_default();
    for tag in new.as_array().into_iter().flatten() {
        all.retain(|old| old["Key"] != tag["Key"]);
        all.push(json!({"Key": tag["Key"], "Value": tag["Value"].as_str().unwrap_or_default()}));
    }
    *tags = Value::Array(all);
}

pub(super) fn remove(tags: &mut Value, keys: &[String]) {
    if let Some(all) = tags.as_array_mut() {
        all.retain(|tag| !keys.iter().any(|key| tag["Key"] == key.as_str()));
    }
}

pub(super) fn value<'a>(tags: &'a Value, key: &str) -> Option<&'a str> {
    tags.as_array()?.iter().find(|tag| tag["Key"] == key)?["Value"].as_str()
}
