//! Describe calls: ids, filters, pages.

use serde_json::{Map, Value, json};

use super::kind::Kind;
use crate::services::{Access, Service};
use crate::wire::{Failure, Outcome, fail, list, text, texts};

/// The plain describe call of a kind.
pub(super) fn set(access: &mut Access<'_>, kind: &Kind) -> Outcome {
    let all: Vec<Value> = access.docs(Service::Ec2).values(kind.table).cloned().collect();
    let found = select(access, kind, all)?;
    page(access.input(), kind.set, found)
}

/// Those of `all` that the call's ids and filters mean. An unknown id fails the call.
pub(super) fn select(
    access: &mut Access<'_>,
    kind: &Kind,
    all: Vec<Value>,
) -> Result<Vec<Value>, Failure> {
    let input = access.input();
    let (now, lag) = (access.now, access.lag);
    let all: Vec<Value> = all
        .into_iter()
        .filter(|document| lag == 0 || document["_born"].as_u64().unwrap_or(0) + lag <= now)
        .collect();
    let ids = texts(input, kind.param);
    for id in &ids {
        if !all.iter().any(|document| document[kind.id] == id.as_str()) {
            return Err(kind.not_found(id));
        }
    }
    let filters = filters(input);
    Ok(all
        .into_iter()
        .filter(|document| {
            (ids.is_empty() || ids.iter().any(|id| document[kind.id] == id.as_str()))
                && filters.iter().all(|(name, values)| holds(kind, document, name, values))
        })
        .collect())
}

/// One page of the reply, if the caller wants pages.
pub(super) fn page(input: &Value, set: &str, found: Vec<Value>) -> Outcome {
    let start: usize = match text(input, "NextToken") {
        None => 0,
        Some(token) => {
            token.parse().map_err(|_| fail("InvalidNextToken", "The token is invalid."))?
        }
    };
    let size = text(input, "MaxResults").and_then(|size| size.parse().ok()).unwrap_or(usize::MAX);
    let end = start.saturating_add(size).min(found.len());
    let mut reply = Map::new();
    if end < found.len() {
        reply.insert("nextToken".to_owned(), json!(end.to_string()));
    }
    let shown = found.into_iter().skip(start).take(end.saturating_sub(start)).collect();
    reply.insert(set.to_owned(), Value::Array(shown));
    Ok(Value::Object(reply))
}

pub(super) fn filters(input: &Value) -> Vec<(String, Vec<String>)> {
    list(input, "Filter")
        .into_iter()
        .filter_map(|filter| Some((text(filter, "Name")?.to_owned(), texts(filter, "Value"))))
        .collect()
}

fn holds(kind: &Kind, document: &Value, name: &str, values: &[String]) -> bool {
    let tags = document["tagSet"].as_array().map(Vec::as_slice).unwrap_or_default();
    if let Some(key) = name.strip_prefix("tag:") {
        return tags.iter().any(|tag| {
            tag["key"] == key && tag["value"].as_str().is_some_and(|value| any(values, value))
        });
    }
    if name == "tag-key" {
        return tags.iter().any(|tag| tag["key"].as_str().is_some_and(|key| any(values, key)));
    }
    let path = kind
        .filters
        .iter()
        .find(|(filter, _)| *filter == name)
        .map_or_else(|| camel(name), |(_, path)| (*path).to_owned());
    at(document, &path).iter().any(|found| any(values, found))
}

/// The texts at a dotted path, through lists.
fn at(document: &Value, path: &str) -> Vec<String> {
    let (head, rest) = path.split_once('.').unwrap_or((path, ""));
    match &document[head] {
        Value::Array(items) => items
            .iter()
            .flat_map(|item| if rest.is_empty() { leaf(item) } else { at(item, rest) })
            .collect(),
        Value::Object(_) if !rest.is_empty() => at(&document[head], rest),
        other => leaf(other),
    }
}

fn leaf(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Bool(_) | Value::Number(_) => vec![value.to_string()],
        _ => Vec::new(),
    }
}

/// `vpc-id` is `vpcId`.
fn camel(name: &str) -> String {
    let mut out = String::new();
    let mut upper = false;
    for character in name.chars() {
        if character == '-' {
            upper = true;
        } else if upper {
            out.extend(character.to_uppercase());
            upper = false;
        } else {
            out.push(character);
        }
    }
    out
}

fn any(patterns: &[String], text: &str) -> bool {
    patterns.iter().any(|pattern| like(pattern.as_bytes(), text.as_bytes()))
}

/// `*` and `?` as EC2 filters have them.
fn like(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.first(), text.first()) {
        (None, None) => true,
        (Some(b'*'), _) => {
            like(&pattern[1..], text) || (!text.is_empty() && like(pattern, &text[1..]))
        }
        (Some(b'?'), Some(_)) => like(&pattern[1..], &text[1..]),
        (Some(a), Some(b)) if a == b => like(&pattern[1..], &text[1..]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::kind;
    use super::{holds, like};

    #[test]
    fn filters_find_by_tag_path_and_pattern() {
        let table = json!({
            "vpcId": "vpc-1", "associationSet": [{"subnetId": "subnet-1", "main": false}],
            "tagSet": [{"key": "Name", "value": "prod-a"}],
        });
        let holds =
            |name: &str, value: &str| holds(&kind::ROUTE_TABLE, &table, name, &[value.to_owned()]);
        assert!(holds("vpc-id", "vpc-1"));
        assert!(holds("tag:Name", "prod-*"));
        assert!(holds("tag-key", "Name"));
        assert!(holds("association.subnet-id", "subnet-1"));
        assert!(holds("association.main", "false"));
        assert!(!holds("association.subnet-id", "subnet-2"));
        assert!(like(b"a?c*", b"abcdef") && !like(b"a?c", b"abcd"));
    }
}
