//! Label and field selectors of lists and watches.

use serde_json::Value;

use super::request::Request;
use crate::failure::{Failure, Outcome};
use crate::json::{at, name, namespace};

/// What a list is of.
#[derive(Clone, Debug, Default)]
pub(super) struct Selection {
    labels: Vec<Rule>,
    fields: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    key: String,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Missing,
}

impl Selection {
    pub(super) fn of(request: &Request) -> Outcome<Self> {
        let labels = rules(request.parameter("labelSelector"))?;
        let fields = rules(request.parameter("fieldSelector"))?;
        Ok(Self { labels, fields })
    }

    pub(super) fn takes(&self, object: &Value) -> bool {
        let labels = at(object, "metadata.labels");
        let labelled =
            self.labels.iter().all(|rule| rule.fits(labels.get(&rule.key).and_then(Value::as_str)));
        labelled && self.fields.iter().all(|rule| rule.fits(Some(&field(object, &rule.key))))
    }
}

/// A field by its path; what is missing is empty.
fn field(object: &Value, path: &str) -> String {
    match path {
        "metadata.name" => name(object).to_owned(),
        "metadata.namespace" => namespace(object).to_owned(),
        path => match at(object, path) {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        },
    }
}

impl Rule {
    fn fits(&self, value: Option<&str>) -> bool {
        match &self.test {
            Test::In(values) => value.is_some_and(|it| values.iter().any(|value| value == it)),
            Test::NotIn(values) => !value.is_some_and(|it| values.iter().any(|value| value == it)),
            Test::Exists => value.is_some(),
            Test::Missing => value.is_none(),
        }
    }
}

/// `a=b,c!=d,e in (f,g),!h`.
fn rules(text: &str) -> Outcome<Vec<Rule>> {
    let mut parts = Vec::new();
    let (mut depth, mut part) = (0, String::new());
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    parts.push(part);
    let parts = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty());
    parts.map(|part| rule(part).ok_or_else(|| unreadable(text))).collect()
}

fn unreadable(text: &str) -> Failure {
    Failure::bad_request(format!("unable to parse requirement: found {text:?}"))
}

fn rule(part: &str) -> Option<Rule> {
    let one = |key: &str, test: Test| Some(Rule { key: key.trim().to_owned(), test });
    let values = |text: &str| {
        let inner = text.trim().strip_prefix('(')?.strip_suffix(')')?;
        Some(inner.split(',').map(|it| it.trim().to_owned()).collect::<Vec<_>>())
    };
    if let Some((key, value)) = part.split_once("!=") {
        return one(key, Test::NotIn(vec![value.trim().to_owned()]));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return one(key, Test::In(vec![value.trim().to_owned()]));
    }
    if let Some((key, set)) = part.split_once(" notin ") {
        return one(key, Test::NotIn(values(set)?));
    }
    if let Some((key, set)) = part.split_once(" in ") {
        return one(key, Test::In(values(set)?));
    }
    match part.strip_prefix('!') {
        Some(key) => one(key, Test::Missing),
        None if part.contains(char::is_whitespace) => None,
        None => one(part, Test::Exists),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Selection, rules};

    #[test]
    fn selectors_are_read() {
        let object = json!({"metadata": {"name": "x", "labels": {"a": "b", "c": "d"}}});
        for (text, takes) in [
            ("a=b", true),
            ("a==b,c!=e", true),
            ("a in (x, b)", true),
            ("a notin (x,b)", false),
            ("a,!z", true),
            ("!a", false),
            ("z!=1", true),
        ] {
            let selection = Selection { labels: rules(text).unwrap(), fields: Vec::new() };
            assert_eq!(selection.takes(&object), takes, "{text}");
        }
        let named = Selection { labels: Vec::new(), fields: rules("metadata.name=x").unwrap() };
        assert!(named.takes(&object));
        assert!(rules("a b").is_err());
    }
}
