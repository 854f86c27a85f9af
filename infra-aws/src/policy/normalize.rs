//! Documents compared by meaning.
//!
//! What means nothing in a document (IAM user guide, "Grammar of the IAM JSON policy language"): the order of
//! statements and of the values in a list, a list of one value or that value itself, white space, the order of keys,
//! `Principal: "*"` or `{"AWS": "*"}`, an account's id or the ARN of its root, an empty `Sid`, flags and numbers as
//! JSON's own or as text. IAM gives documents back URL-encoded.

use infra_core::state::Value;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value as Json, json};

/// A policy document in a form that is equal for all documents of the same meaning. What is not a document stays as
/// it is: for `#[field(normalize = …)]` on fields that hold one.
pub fn normalize(value: &Value) -> Value {
    text(value, |json| if json.is_object() { document(json) } else { json })
}

/// JSON text in canonical form: keys sorted, no white space. For JSON that is not a policy document of IAM.
pub fn normalize_json(value: &Value) -> Value {
    text(value, |json| json)
}

/// Whether two documents mean the same.
pub fn same(a: &str, b: &str) -> bool {
    normalize(&a.into()) == normalize(&b.into())
}

/// The document as text, without the URL encoding that IAM returns it in.
pub(crate) fn decoded(document: &str) -> String {
    let encoded = !document.trim_start().starts_with(['{', '[']) && document.contains('%');
    if encoded {
        percent_decode_str(document).decode_utf8_lossy().into_owned()
    } else {
        document.to_owned()
    }
}

/// What is wrong with a document, if anything is: no JSON, no statement, or too long (white space does not count).
pub(crate) fn problem(document: &str, max: usize) -> Option<String> {
    let json = match serde_json::from_str::<Json>(document) {
        Ok(json) => json,
        Err(error) => {
            return Some(format!(
                "expected a policy document, found text that is not JSON: {error}"
            ));
        }
    };
    let statements = match json.get("Statement") {
        Some(Json::Array(list)) => list.iter().collect(),
        Some(one @ Json::Object(_)) => vec![one],
        _ => return Some("expected a policy document with a `Statement`".to_owned()),
    };
    for (at, statement) in statements.iter().enumerate() {
        if !matches!(statement.get("Effect").and_then(Json::as_str), Some("Allow" | "Deny")) {
            return Some(format!("statement {at}: expected the effect Allow or Deny"));
        }
        if statement.get("Action").is_none() && statement.get("NotAction").is_none() {
            return Some(format!("statement {at}: expected an action"));
        }
    }
    let length = document.chars().filter(|c| !c.is_whitespace()).count();
    (length > max).then(|| format!("expected at most {max} characters, found {length}"))
}

/// Applies `f` to JSON text; secret stays secret, unknown unknown, and what is not JSON what it is.
fn text(value: &Value, f: impl FnOnce(Json) -> Json) -> Value {
    let Some(written) = value.as_str() else { return value.clone() };
    let Ok(json) = serde_json::from_str::<Json>(&decoded(written)) else { return value.clone() };
    let canonical = Value::String(sorted(f(json)).to_string());
    if matches!(value, Value::Secret(_)) { canonical.secret() } else { canonical }
}

/// The same JSON with sorted keys, whatever `serde_json` was built with.
fn sorted(json: Json) -> Json {
    match json {
        Json::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Json::Object(entries.into_iter().map(|(key, value)| (key, sorted(value))).collect())
        }
        Json::Array(list) => Json::Array(list.into_iter().map(sorted).collect()),
        other => other,
    }
}

fn document(json: Json) -> Json {
    let Json::Object(mut map) = json else { return json };
    // A document without a version is of the language's first one, which is not the same as ours.
    let missing = || "2008-10-17".into();
    map.entry("Version").or_insert_with(missing);
    if let Some(statements) = map.remove("Statement") {
        let statements = match statements {
            Json::Array(list) => list,
            one => vec![one],
        };
        let statements = statements.into_iter().map(|s| sorted(statement(s))).collect();
        map.insert("Statement".to_owned(), Json::Array(distinct(statements)));
    }
    Json::Object(map)
}

fn statement(json: Json) -> Json {
    let Json::Object(map) = json else { return json };
    let mut out = Map::new();
    for (key, value) in map {
        let value = match key.as_str() {
            "Action" | "NotAction" | "Resource" | "NotResource" => set(value),
            "Principal" | "NotPrincipal" => principal(value),
            "Condition" => each(value, |keys| each(keys, |values| set(as_text(values)))),
            "Sid" if value == "" => continue,
            _ => value,
        };
        out.insert(key, value);
    }
    Json::Object(out)
}

fn principal(value: Json) -> Json {
    if value == "*" {
        return json!({ "AWS": "*" });
    }
    let Json::Object(map) = value else { return value };
    let kind = |(kind, who): (String, Json)| {
        let who = if kind == "AWS" { each_value(who, account) } else { who };
        (kind, set(who))
    };
    Json::Object(map.into_iter().map(kind).collect())
}

/// An account's id for the ARN of its root: AWS writes the one as the other.
fn account(who: Json) -> Json {
    let id = who.as_str().and_then(|arn| {
        let (head, id) = arn.strip_suffix(":root")?.split_once(":iam::")?;
        head.starts_with("arn:").then(|| id.to_owned())
    });
    id.map_or(who, Json::String)
}

/// Conditions hold text: `true` and `"true"` are the same.
fn as_text(values: Json) -> Json {
    each_value(values, |value| match value {
        Json::Bool(_) | Json::Number(_) => Json::String(value.to_string()),
        other => other,
    })
}

fn each(map: Json, f: impl Fn(Json) -> Json) -> Json {
    match map {
        Json::Object(map) => Json::Object(map.into_iter().map(|(k, v)| (k, f(v))).collect()),
        other => other,
    }
}

fn each_value(values: Json, f: impl Fn(Json) -> Json) -> Json {
    match values {
        Json::Array(list) => Json::Array(list.into_iter().map(f).collect()),
        one => f(one),
    }
}

/// A list whose order means nothing: sorted, each value once, one value without a list around it.
fn set(values: Json) -> Json {
    let Json::Array(list) = values else { return values };
    let mut list = distinct(list);
    match (list.pop(), list.is_empty()) {
        (Some(only), true) => only,
        (popped, _) => {
            list.extend(popped);
            Json::Array(list)
        }
    }
}

fn distinct(mut list: Vec<Json>) -> Vec<Json> {
    list.sort_by_cached_key(Json::to_string);
    list.dedup();
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = r#"{
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "", "Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject"],
             "Resource": ["b", "a", "a"], "Condition": {"Bool": {"aws:SecureTransport": [true]}}},
            {"Effect": "Deny", "Principal": {"AWS": "arn:aws-cn:iam::123456789012:root"}, "Action": "*", "Resource": "*"}
        ]
    }"#;
    const B: &str = r#"{"Statement":[
        {"Resource":["*"],"Principal":{"AWS":["123456789012"]},"Effect":"Deny","Action":["*"]},
        {"Resource":["a","b"],"Principal":{"AWS":"*"},"Effect":"Allow","Action":"s3:GetObject",
         "Condition":{"Bool":{"aws:SecureTransport":"true"}}}],"Version":"2012-10-17"}"#;

    #[test]
    fn documents_of_one_meaning_are_equal() {
        assert!(same(A, B));
        assert_eq!(normalize(&normalize(&A.into())), normalize(&A.into()));
        let encoded = percent_encoding::utf8_percent_encode(B, percent_encoding::NON_ALPHANUMERIC);
        assert!(same(A, &encoded.to_string()));
    }

    #[test]
    fn documents_of_another_meaning_are_not() {
        for (from, to) in [
            ("s3:GetObject", "s3:PutObject"),
            ("\"Deny\"", "\"Allow\""),
            ("2012-10-17", "2008-10-17"),
            ("\"Resource\"", "\"NotResource\""),
            ("\"true\"", "\"false\""),
            ("123456789012", "123456789013"),
        ] {
            assert!(B.contains(from));
            assert!(!same(A, &B.replace(from, to)), "{from} and {to}");
        }
    }

    #[test]
    fn what_is_no_document_stays() {
        for value in ["", "plain", "50%", "12", "[1,2]"] {
            assert_eq!(normalize(&value.into()), value.into());
        }
        assert_eq!(normalize(&Value::Unknown), Value::Unknown);
        assert!(matches!(normalize(&Value::from(A).secret()), Value::Secret(_)));
        assert_eq!(
            normalize_json(&r#"{"b": [2, 1], "a": 1}"#.into()),
            r#"{"a":1,"b":[2,1]}"#.into()
        );
    }

    #[test]
    fn problems_are_named() {
        assert_eq!(problem(A, 1000), None);
        assert!(problem("{", 10).unwrap().contains("not JSON"));
        assert!(problem("{}", 10).unwrap().contains("`Statement`"));
        assert!(
            problem(r#"{"Statement":{"Effect":"allow","Action":"*"}}"#, 99)
                .unwrap()
                .contains("effect")
        );
        assert!(problem(B, 10).unwrap().starts_with("expected at most 10 characters"));
    }
}
