//! JSON patches (RFC 6902).

use serde_json::Value;

use crate::json::{at, text};

/// The value with all operations of the patch, or why there is none.
pub(crate) fn json_patch(mut value: Value, patch: &Value) -> Result<Value, String> {
    let Some(operations) = patch.as_array() else {
        return Err("a JSON patch is a list of operations".to_owned());
    };
    for operation in operations {
        step(&mut value, operation)?;
    }
    Ok(value)
}

fn step(value: &mut Value, operation: &Value) -> Result<(), String> {
    let path = text(operation, "path");
    let given = at(operation, "value").clone();
    let missing = |path: &str| format!("the path {path:?} does not exist");
    match text(operation, "op") {
        "add" => add(value, path, given),
        "remove" => remove(value, path).map(drop),
        "replace" => {
            let place = if path.is_empty() { Some(value) } else { value.pointer_mut(path) };
            *place.ok_or_else(|| missing(path))? = given;
            Ok(())
        }
        "test" => match value.pointer(path) {
            Some(found) if *found == given => Ok(()),
            _ => Err(format!("testing value {path} failed")),
        },
        "copy" => {
            let from = text(operation, "from");
            let found = value.pointer(from).cloned().ok_or_else(|| missing(from))?;
            add(value, path, found)
        }
        "move" => {
            let found = remove(value, text(operation, "from"))?;
            add(value, path, found)
        }
        other => Err(format!("unknown operation {other:?}")),
    }
}

fn parent<'a>(value: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), String> {
    let (up, last) = path.rsplit_once('/').ok_or_else(|| format!("{path:?} is no path"))?;
    let place = value.pointer_mut(up).ok_or_else(|| format!("the path {up:?} does not exist"))?;
    Ok((place, last.replace("~1", "/").replace("~0", "~")))
}

fn add(value: &mut Value, path: &str, given: Value) -> Result<(), String> {
    if path.is_empty() {
        *value = given;
        return Ok(());
    }
    let (place, last) = parent(value, path)?;
    match place {
        Value::Object(fields) => {
            fields.insert(last, given);
        }
        Value::Array(items) if last == "-" => items.push(given),
        Value::Array(items) => {
            let index = last.parse().ok().filter(|index| *index <= items.len());
            items.insert(index.ok_or_else(|| format!("{path:?} is not in the list"))?, given);
        }
        _ => return Err(format!("the path {path:?} does not exist")),
    }
    Ok(())
}

fn remove(value: &mut Value, path: &str) -> Result<Value, String> {
    let missing = || format!("the path {path:?} does not exist");
    let (place, last) = parent(value, path)?;
    match place {
        Value::Object(fields) => fields.remove(&last).ok_or_else(missing),
        Value::Array(items) => {
            let index: Option<usize> = last.parse().ok().filter(|index| *index < items.len());
            Ok(items.remove(index.ok_or_else(missing)?))
        }
        _ => Err(missing()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::json_patch;

    #[test]
    fn operations_follow_each_other() {
        let patch = json!([
            {"op": "test", "path": "/a/b", "value": [1]},
            {"op": "add", "path": "/a/b/-", "value": 2},
            {"op": "copy", "from": "/a/b", "path": "/a/x~1y"},
            {"op": "move", "from": "/a/b/0", "path": "/c"},
            {"op": "replace", "path": "/a/b/0", "value": 3},
        ]);
        let value = json_patch(json!({"a": {"b": [1]}}), &patch).unwrap();
        assert_eq!(value, json!({"a": {"b": [3], "x/y": [1, 2]}, "c": 1}));
        assert!(json_patch(json!({}), &json!([{"op": "remove", "path": "/a"}])).is_err());
        assert!(json_patch(json!({}), &json!([{"op": "test", "path": "/a", "value": 1}])).is_err());
    }
}
