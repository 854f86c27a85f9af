//! Keeps secrets out of messages.

use std::{
    cmp::Reverse,
    collections::BTreeSet,
    sync::{PoisonError, RwLock},
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use infra_state::{Snapshot, Value};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// What is too short to be told from ordinary text.
const SHORTEST: usize = 4;

/// The secrets that a run has seen, in the forms in which they may turn up in what a cloud says. Longer ones first:
/// one secret may contain another.
#[derive(Default)]
pub(crate) struct Scrub(RwLock<BTreeSet<(Reverse<usize>, String)>>);

impl Scrub {
    /// Remembers every secret part of `value`.
    pub(crate) fn learn(&self, value: &Value) {
        if !value.has_secret() {
            return;
        }
        let mut found = Vec::new();
        secrets(value, false, &mut found);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut add = |form: String| {
            known.insert((Reverse(form.len()), form));
        };
        for secret in found {
            add(STANDARD.encode(&secret));
            add(STANDARD_NO_PAD.encode(&secret));
            add(URL_SAFE_NO_PAD.encode(&secret));
            add(utf8_percent_encode(&secret, NON_ALPHANUMERIC).to_string());
            // Inside JSON.
            add(serde_json::Value::from(secret.as_str()).to_string().trim_matches('"').to_owned());
            add(secret);
        }
    }

    /// The text without the secrets.
    pub(crate) fn clean(&self, text: impl Into<String>) -> String {
        let mut text = text.into();
        for (_, secret) in self.0.read().unwrap_or_else(PoisonError::into_inner).iter() {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), "[secret]");
            }
        }
        text
    }
}

/// Marks every text in `value` that a secret of `of` is part of: what a cloud echoes of a secret is one.
pub(crate) fn taint(value: &mut Value, of: &Value) {
    if !of.has_secret() {
        return;
    }
    let mut found = Vec::new();
    secrets(of, false, &mut found);
    mark(value, &found);
}

/// Every secret that a stack remembers.
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let mut found = Vec::new();
        for record in snapshot.records.values() {
            for value in [&record.inputs, &record.outputs] {
                if value.has_secret() {
                    secrets(value, false, &mut found);
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        Self(found)
    }

    /// Marks every text in `value` that one of them is part of.
    pub(crate) fn mark(&self, value: &mut Value) {
        if !self.0.is_empty() {
            mark(value, &self.0);
        }
    }
}

fn mark(value: &mut Value, secrets: &[String]) {
    match value {
        Value::String(text) if secrets.iter().any(|secret| text.contains(secret.as_str())) => {
            *value = std::mem::take(value).secret();
        }
        Value::List(list) => list.iter_mut().for_each(|value| mark(value, secrets)),
        Value::Map(map) => map.values_mut().for_each(|value| mark(value, secrets)),
        _ => {}
    }
}

fn secrets(value: &Value, inside: bool, found: &mut Vec<String>) {
    match value {
        Value::Secret(inner) => secrets(inner, true, found),
        Value::List(list) => list.iter().for_each(|value| secrets(value, inside, found)),
        Value::Map(map) => map.values().for_each(|value| secrets(value, inside, found)),
        Value::String(text) if inside && text.len() >= SHORTEST => found.push(text.clone()),
        Value::Number(number) if inside && number.to_string().len() >= SHORTEST => {
            found.push(number.to_string());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_form_of_a_secret_gets_through() {
        let scrub = Scrub::default();
        let map = Value::from([
            ("user", "root".into()),
            ("password", Value::from("p/ss \"word").secret()),
        ]);
        scrub.learn(&map);
        scrub.learn(&Value::from("abc").secret());
        for form in [
            "p/ss \"word",
            "cC9zcyAid29yZA==",
            "cC9zcyAid29yZA",
            "p%2Fss%20%22word",
            "p/ss \\\"word",
        ] {
            assert_eq!(scrub.clean(format!("bad <{form}> of root")), "bad <[secret]> of root");
        }
        assert_eq!(scrub.clean("abc is too short"), "abc is too short");
    }

    #[test]
    fn an_echoed_secret_is_marked() {
        let inputs = Value::from([("password", Value::from("geheim").secret())]);
        let mut outputs = Value::from([("url", "db://root:geheim@x".into()), ("host", "x".into())]);
        taint(&mut outputs, &inputs);
        let expected = [("url", Value::from("db://root:geheim@x").secret()), ("host", "x".into())];
        assert_eq!(outputs, Value::from(expected));
    }
}
