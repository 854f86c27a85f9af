//! JSON documents as XML, and small XML documents as JSON.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// How the elements of a list are called, by the list's own name.
fn item_name(list: &str, default: &'static str) -> &'static str {
    match list {
        "DBInstances" => "DBInstance",
        "DBSnapshots" => "DBSnapshot",
        "DBSubnetGroups" => "DBSubnetGroup",
        "DBParameterGroups" => "DBParameterGroup",
        "DBEngineVersions" => "DBEngineVersion",
        "DBClusters" => "DBCluster",
        "Subnets" if default == "rds" => "Subnet",
        "Parameters" if default == "rds" => "Parameter",
        "VpcSecurityGroups" => "VpcSecurityGroupMembership",
        "DBInstanceAutomatedBackups" => "DBInstanceAutomatedBackup",
        "DBInstanceAutomatedBackupsReplications" => "DBInstanceAutomatedBackupsReplication",
        "TagList" => "Tag",
        "OrderableDBInstanceOptions" => "OrderableDBInstanceOption",
        "AvailabilityZones" if default == "rds" => "AvailabilityZone",
        "PendingMaintenanceActions" => "ResourcePendingMaintenanceActions",
        "Attributes" if default == "sns" => "entry",
        _ if default == "rds" || default == "sns" => "member",
        _ => default,
    }
}

/// Writes `value` as the element(s) `name`. Keys that begin with `_` are the model's own.
pub(crate) fn element(out: &mut String, name: &str, value: &Value, item: &'static str) {
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            let _ = write!(out, "<{name}>");
            for (key, field) in fields.iter().filter(|(key, _)| !key.starts_with('_')) {
                element(out, key, field, item);
            }
            let _ = write!(out, "</{name}>");
        }
        // S3 and Route53 style: the list is not wrapped.
        Value::Array(items) if item.is_empty() => {
            for each in items {
                element(out, name, each, item);
            }
        }
        Value::Array(items) => {
            let _ = write!(out, "<{name}>");
            for each in items {
                element(out, item_name(name, item), each, item);
            }
            let _ = write!(out, "</{name}>");
        }
        Value::String(text) => {
            let _ = write!(out, "<{name}>{}</{name}>", escape(text));
        }
        Value::Bool(flag) => {
            let _ = write!(out, "<{name}>{flag}</{name}>");
        }
        Value::Number(number) => {
            let _ = write!(out, "<{name}>{number}</{name}>");
        }
    }
}

pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#xD;"),
            other => out.push(other),
        }
    }
    out
}

fn unescape(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#34;", "\"")
        .replace("&apos;", "'")
        .replace("&#39;", "'")
        .replace("&#xD;", "\r")
        .replace("&#xA;", "\n")
        .replace("&amp;", "&")
}

/// The content of the root element: repeated children become arrays, attributes are dropped
/// except that an empty element is an empty string. Enough for what SDKs send and emulators
/// answer.
pub(crate) fn parse(text: &str) -> Value {
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        rest = &rest[start..];
        if rest.starts_with("<?") || rest.starts_with("<!") {
            let end = rest.find('>').map_or(rest.len(), |end| end + 1);
            rest = &rest[end..];
        } else {
            break;
        }
    }
    content(&mut rest).map_or(Value::Null, |(_, value)| value)
}

/// One element at the start of `rest`, which moves past it.
fn content(rest: &mut &str) -> Option<(String, Value)> {
    let start = rest.find('<')?;
    let end = start + rest[start..].find('>')?;
    let tag = &rest[start + 1..end];
    if tag.starts_with('/') {
        return None;
    }
    let closed = tag.ends_with('/');
    let name = tag.trim_end_matches('/').split_whitespace().next()?.to_owned();
    *rest = &rest[end + 1..];
    if closed {
        return Some((name, Value::String(String::new())));
    }
    let mut fields = Map::new();
    loop {
        let open = rest.find('<')?;
        if rest[open..].starts_with("</") {
            let text = unescape(&rest[..open]);
            let close = open + rest[open..].find('>')?;
            *rest = &rest[close + 1..];
            let value = if fields.is_empty() { Value::String(text) } else { Value::Object(fields) };
            return Some((name, value));
        }
        let (key, value) = content(rest)?;
        match fields.get_mut(&key) {
            None => {
                fields.insert(key, value);
            }
            Some(Value::Array(items)) => items.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{element, parse};

    #[test]
    fn there_and_back() {
        let mut out = String::new();
        element(&mut out, "r", &json!({"a": "x<y", "_b": 1, "set": [{"k": 1}, {"k": 2}]}), "item");
        assert_eq!(
            out,
            "<r><a>x&lt;y</a><set><item><k>1</k></item><item><k>2</k></item></set></r>"
        );
        assert_eq!(
            parse(&format!("<?xml version=\"1.0\"?>{out}")),
            json!({"a": "x<y", "set": {"item": [{"k": "1"}, {"k": "2"}]}})
        );
    }
}
