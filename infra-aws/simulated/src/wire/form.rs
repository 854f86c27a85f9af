//! Form parameters (`Filter.1.Value.2=x`) as a JSON tree, and reading of lists from inputs.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

#[derive(Default)]
struct Node {
    text: Option<String>,
    children: BTreeMap<Key, Self>,
}

/// Numbers sort as numbers, so that element 10 follows 9.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Index(u32),
    Name(String),
}

/// `[("A.1.B", "x")]` becomes `{"A": [{"B": "x"}]}`; the `member` level of the query protocol
/// disappears.
pub(super) fn tree(pairs: &[(String, String)]) -> Value {
    let mut root = Node::default();
    for (name, value) in pairs {
        let mut node = &mut root;
        for part in name.split('.') {
            if part == "member" {
                continue;
            }
            let key = part.parse().map_or_else(|_| Key::Name(part.to_owned()), Key::Index);
            node = node.children.entry(key).or_default();
        }
        node.text = Some(value.clone());
    }
    value(root)
}

fn value(node: Node) -> Value {
    if node.children.is_empty() {
        return node.text.map_or(Value::Null, Value::String);
    }
    let all_numbers = node.children.keys().all(|key| matches!(key, Key::Index(_)));
    if all_numbers {
        return Value::Array(node.children.into_values().map(value).collect());
    }
    let mut fields = Map::new();
    for (key, child) in node.children {
        let name = match key {
            Key::Index(number) => number.to_string(),
            Key::Name(name) => name,
        };
        fields.insert(name, value(child));
    }
    Value::Object(fields)
}

/// The elements at `name`, whether the caller nested them (`Tags.Tag.1`) or not (`Tag.1`).
pub(crate) fn list<'a>(input: &'a Value, name: &str) -> Vec<&'a Value> {
    match &input[name] {
        Value::Array(items) => items.iter().collect(),
        Value::Object(fields) if fields.len() == 1 => match fields.values().next() {
            Some(Value::Array(items)) => items.iter().collect(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The strings at `name`.
pub(crate) fn texts(input: &Value, name: &str) -> Vec<String> {
    list(input, name).into_iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The string at `name`; empty counts as absent.
pub(crate) fn text<'a>(input: &'a Value, name: &str) -> Option<&'a str> {
    input[name].as_str().filter(|text| !text.is_empty())
}

/// A boolean, as JSON or as the text of a form.
pub(crate) fn flags(input: &Value, name: &str) -> Option<bool> {
    match &input[name] {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => Some(text.eq_ignore_ascii_case("true")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::tree;

    #[test]
    fn forms_become_trees() {
        let pairs = [
            ("Filter.1.Name", "vpc-id"),
            ("Filter.1.Value.10", "b"),
            ("Filter.1.Value.2", "a"),
            ("Tags.member.1.Key", "k"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(
            tree(&pairs),
            json!({"Filter": [{"Name": "vpc-id", "Value": ["a", "b"]}], "Tags": [{"Key": "k"}]})
        );
    }
}
