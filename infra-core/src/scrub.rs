//! Keeps secrets out of messages, and knows them again in what a cloud echoes.

mod forms;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::{PoisonError, RwLock},
};

use infra_state::{Snapshot, Value};

use self::forms::{encoded, forms};
use crate::{
    graph::{Expr, Graph},
    panics::Panic,
};

/// What is too short to be told from ordinary text.
const SHORTEST: usize = 4;
/// So much of the beginning of a secret is one too: clouds cut off what they quote.
const BEGINNING: usize = 8;
/// What is longer is a document, and documents of a kind begin alike.
const DOCUMENT: usize = 512;

/// The secrets that a run has seen, in the forms in which they may turn up in what a cloud says. Longer ones first:
/// one secret may contain another.
#[derive(Default)]
pub(crate) struct Scrub(RwLock<BTreeSet<(Reverse<usize>, String)>>);

impl Scrub {
    /// Knows the secrets of this value.
    pub(crate) fn of(value: &Value) -> Self {
        let scrub = Self::default();
        scrub.learn(value);
        scrub
    }

    /// Remembers every secret part of `value`.
    pub(crate) fn learn(&self, value: &Value) {
        if !value.has_secret() {
            return;
        }
        let mut found = Vec::new();
        secrets(value, false, &mut found);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for secret in found {
            if known.contains(&(Reverse(secret.len()), secret.clone())) {
                continue;
            }
            known.extend(forms(&secret).into_iter().map(|form| (Reverse(form.len()), form)));
        }
    }

    /// Remembers the secrets of everything that is remembered.
    pub(crate) fn learn_snapshot(&self, snapshot: &Snapshot) {
        for record in snapshot.records.values() {
            self.learn(&record.inputs);
            self.learn(&record.outputs);
        }
        snapshot.exports.values().for_each(|value| self.learn(value));
    }

    /// Remembers the secrets that the program itself says, which may be only a part of a property.
    pub(crate) fn learn_graph(&self, graph: &Graph) {
        let inputs = graph.nodes.values().flat_map(|node| node.inputs.values());
        inputs.chain(graph.exports.values()).for_each(|expr| self.learn_expr(expr));
    }

    fn learn_expr(&self, expr: &Expr) {
        match expr {
            Expr::Literal(value) => self.learn(value),
            Expr::Reference { .. } => {}
            Expr::List(list) | Expr::Concat(list) => {
                for expr in list {
                    self.learn_expr(expr);
                }
            }
            Expr::Map(map) => map.values().for_each(|expr| self.learn_expr(expr)),
            Expr::Secret(of) => {
                of.literal().into_iter().for_each(|value| self.learn(&value.secret()));
                self.learn_expr(of);
            }
            Expr::Field(of, _)
            | Expr::Index(of, _)
            | Expr::Json(of)
            | Expr::Base64(of)
            | Expr::UrlEncode(of) => self.learn_expr(of),
            Expr::Opaque(opaque) => self.learn_expr(&opaque.input),
            Expr::Remembered(of) => {
                self.learn(&of.given);
                self.learn(&of.result);
                self.learn_expr(&of.input);
            }
        }
    }

    /// The text without the secrets.
    pub(crate) fn clean(&self, text: impl Into<String>) -> String {
        let mut text = text.into();
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for (_, secret) in known.iter() {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), "[secret]");
            }
        }
        let short = known.iter().filter(|(_, s)| (BEGINNING..=DOCUMENT).contains(&s.len()));
        without_beginnings(text, short.map(|(_, secret)| secret.as_str()))
    }

    /// What a caught panic says, without the secrets.
    pub(crate) fn panicked(&self, panic: &Panic) -> String {
        self.clean(panic.to_string())
    }
}

/// The text without beginnings of the secrets. Forms of one secret begin alike: the longest counts.
fn without_beginnings<'s>(mut text: String, secrets: impl Iterator<Item = &'s str>) -> String {
    let mut hidden = BTreeMap::<usize, usize>::new();
    for secret in secrets {
        // A letter of several bytes may stand across the end.
        let end = (BEGINNING..=secret.len()).find(|at| secret.is_char_boundary(*at));
        let Some(beginning) = end.and_then(|end| secret.get(..end)) else { continue };
        for (at, _) in text.match_indices(beginning) {
            let same = text[at..].chars().zip(secret.chars()).take_while(|(a, b)| a == b);
            let length = same.map(|(c, _)| c.len_utf8()).sum::<usize>();
            let end = hidden.entry(at).or_default();
            *end = (*end).max(at + length);
        }
    }
    let mut before = usize::MAX;
    for (at, end) in hidden.into_iter().rev() {
        // One that reaches into the next is one with it.
        let next = if end > before { before } else { end };
        text.replace_range(at..next, "[secret]");
        before = at;
    }
    text
}

/// Marks every text in `value` that a secret of `of` is part of: what a cloud echoes of a secret is one.
pub(crate) fn taint(value: &mut Value, of: &Value) {
    if !of.has_secret() {
        return;
    }
    let mut found = Vec::new();
    secrets(of, false, &mut found);
    let forms: BTreeSet<String> = found.iter().flat_map(|secret| encoded(secret)).collect();
    mark(value, &forms);
}

/// Every secret that a stack remembers.
pub(crate) struct Secrets(BTreeSet<String>);

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
        Self(found.iter().flat_map(|secret| encoded(secret)).collect())
    }

    /// Marks every text in `value` that one of them is part of.
    pub(crate) fn mark(&self, value: &mut Value) {
        if !self.0.is_empty() {
            mark(value, &self.0);
        }
    }
}

fn mark(value: &mut Value, secrets: &BTreeSet<String>) {
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
            "p%2fss%20%22word",
            "p%2Fss+%22word",
            "p/ss \\\"word",
            "p\\/ss \\\"word",
            "p/ss \\\\\\\"word",
            "p/ss &quot;word",
            "702f73732022776f7264",
            "702F73732022776F7264",
        ] {
            assert_eq!(scrub.clean(format!("bad <{form}> of root")), "bad <[secret]> of root");
        }
        assert_eq!(scrub.clean("abc is too short"), "abc is too short");
        assert_eq!(scrub.clean("it begins with p/ss \"wo…"), "it begins with [secret]…");
        scrub.learn(&Value::from("&X}}Y<0é\"{Z>%@}1").secret());
        assert_eq!(scrub.clean("it begins with &X}}Y<0é\"{Z"), "it begins with [secret]");
    }

    #[test]
    fn a_secret_inside_something_that_was_encoded_as_a_whole_is_found() {
        use base64::{Engine as _, engine::general_purpose::STANDARD};

        let scrub = Scrub::of(&Value::from("tr0ub4dor&3-horse").secret());
        for before in ["", "u", "us", "use"] {
            for after in ["", "@", "@x", "@xy"] {
                let text = STANDARD.encode(format!("{before}tr0ub4dor&3-horse{after}"));
                let clean = scrub.clean(text.clone());
                assert!(clean.contains("[secret]"), "{before:?} {after:?}: {text}");
                assert!(clean.len() < 24, "{clean} of {text}");
            }
        }
    }

    #[test]
    fn a_part_of_a_document_is_a_secret_too() {
        let document = r#"{"user":"root","password":"tr0ub4dor&3"}"#;
        let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----";
        let scrub = Scrub::of(&Value::List(vec![document.into(), key.into()]).secret());
        assert_eq!(scrub.clean("tr0ub4dor&3 is weak"), "[secret] is weak");
        assert_eq!(scrub.clean("line 2: MIIEvQIBADANBg?"), "line 2: [secret]?");
        assert_eq!(scrub.clean("root"), "root");
    }

    #[test]
    fn an_echoed_secret_is_marked() {
        let inputs = Value::from([("password", Value::from("geheim").secret())]);
        let mut outputs = Value::from([
            ("url", "db://root:geheim@x".into()),
            ("encoded", "eHhnZWhlaW14".into()),
            ("host", "x".into()),
        ]);
        taint(&mut outputs, &inputs);
        let expected = [
            ("url", Value::from("db://root:geheim@x").secret()),
            ("encoded", Value::from("eHhnZWhlaW14").secret()),
            ("host", "x".into()),
        ];
        assert_eq!(outputs, Value::from(expected));
    }
}
