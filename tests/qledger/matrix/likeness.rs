//! Whether two worlds are the same but for ids, the random words of names, and times.
//!
//! What is random is not listed anywhere: it is what several undisturbed runs do not have in common.

use std::collections::{BTreeMap, BTreeSet};

use infra_core::Engine;
use serde_json::{Value, json};

use super::world::World;

/// From here on a word may be random; what is shorter comes up by chance in every world.
const RANDOM: usize = 6;

/// Everything in a world: objects by table, records by kind, what is left of the last deployment.
pub(super) type Content = BTreeMap<String, Vec<Value>>;

/// What is in the cloud and in the state.
pub(super) async fn content(world: &World, engine: &Engine) -> Content {
    let mut content = world.cloud.objects().unwrap();
    let view = engine.state.read().await.unwrap();
    let Some(view) = view else { return content };
    for record in view.snapshot.records.values() {
        let row = json!({
            "urn": record.urn,
            "status": record.status,
            "version": record.version,
            "has-id": record.id.is_some(),
            "inputs": record.inputs.to_json(),
            "outputs": record.outputs.to_json(),
            "provider": record.provider,
            "dependencies": record.dependencies,
            "options": record.options,
            "holds-data": record.holds_data,
        });
        content.entry(format!("state/{}", record.urn.kind())).or_default().push(row);
    }
    let exports = view.snapshot.exports.iter().map(|(name, value)| (name.clone(), value.to_json()));
    let left = json!({
        "open": view.snapshot.open.len(),
        "outcome": view.snapshot.outcome,
        "exports": exports.collect::<serde_json::Map<_, _>>(),
        "holder": view.holder.is_some(),
        "interrupted": view.interrupted,
    });
    content.insert("state".to_owned(), vec![left]);
    content
}

/// What undisturbed runs have in common.
pub(super) struct Likeness {
    /// Words that are in all of them.
    words: BTreeSet<String>,
    rows: BTreeMap<String, usize>,
    /// The values at each path, where they are the same in all of them; how many there are, where not.
    paths: BTreeMap<String, Result<Vec<String>, usize>>,
}

impl Likeness {
    /// Learns from several runs; they must have as many objects of each kind.
    pub(super) fn of(runs: &[Content]) -> Self {
        let words: Vec<BTreeSet<String>> = runs.iter().map(words).collect();
        let words = words.into_iter().reduce(|all, one| &all & &one).unwrap_or_default();
        let seen: Vec<_> = runs.iter().map(|run| leaves(run, &words)).collect();
        let (first, others) = seen.split_first().unwrap();
        let mut paths = BTreeMap::new();
        for (path, values) in first {
            let others: Vec<_> = others.iter().map(|other| other.get(path)).collect();
            if others.iter().all(|other| *other == Some(values)) {
                paths.insert(path.clone(), Ok(values.clone()));
            } else if others.iter().all(|other| other.is_some_and(|o| o.len() == values.len())) {
                paths.insert(path.clone(), Err(values.len()));
            }
        }
        let rows: Vec<_> = runs.iter().map(counts).collect();
        assert!(rows.iter().all(|row| *row == rows[0]), "undisturbed runs differ: {rows:#?}");
        Self { words, rows: rows[0].clone(), paths }
    }

    /// How a world differs from the undisturbed ones: a line for each difference.
    pub(super) fn differences(&self, content: &Content) -> Vec<String> {
        let mut found = Vec::new();
        let rows = counts(content);
        let tables: BTreeSet<_> = self.rows.keys().chain(rows.keys()).collect();
        for table in tables {
            let of = |rows: &BTreeMap<String, usize>| rows.get(table).copied().unwrap_or_default();
            if of(&self.rows) != of(&rows) {
                found.push(format!("{table}: {} instead of {}", of(&rows), of(&self.rows)));
            }
        }
        if !found.is_empty() {
            return found;
        }
        let leaves = leaves(content, &self.words);
        for (path, expected) in &self.paths {
            let values = leaves.get(path).map(Vec::as_slice).unwrap_or_default();
            match expected {
                Ok(expected) if expected != values => {
                    let (missing, more) = (without(expected, values), without(values, expected));
                    found.push(format!("{path}: {more:?} instead of {missing:?}"));
                }
                Err(expected) if *expected != values.len() => {
                    found.push(format!("{path}: {} values instead of {expected}", values.len()));
                }
                _ => {}
            }
        }
        found
    }

    /// How many values are compared one by one, and how many are only counted.
    pub(super) fn strength(&self) -> (usize, usize) {
        self.paths.values().fold((0, 0), |(compared, counted), values| match values {
            Ok(values) => (compared + values.len(), counted),
            Err(values) => (compared, counted + values),
        })
    }
}

fn counts(content: &Content) -> BTreeMap<String, usize> {
    content.iter().map(|(table, rows)| (table.clone(), rows.len())).collect()
}

/// What is in the one and not in the other, each as often as it is there more often.
fn without<'v>(values: &'v [String], others: &[String]) -> Vec<&'v String> {
    let mut others = others.to_vec();
    let missing = |value: &&String| match others.iter().position(|other| other == *value) {
        Some(at) => {
            others.swap_remove(at);
            false
        }
        None => true,
    };
    values.iter().filter(missing).collect()
}

fn words(content: &Content) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let mut texts = Vec::new();
    for row in content.values().flatten() {
        each(row, "", &mut |path, leaf| texts.extend([path.to_owned(), leaf]));
    }
    for text in texts {
        words.extend(split(&text).filter(|(_, word)| *word).map(|(part, _)| part.to_owned()));
    }
    words
}

/// The values at each path, in order.
fn leaves(content: &Content, words: &BTreeSet<String>) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (table, rows) in content {
        for row in rows {
            each(row, "", &mut |path, leaf| {
                let path = format!("{table}{}", masked(path, words));
                found.entry(path).or_default().push(masked(&leaf, words));
            });
        }
    }
    for values in found.values_mut() {
        values.sort();
    }
    found
}

/// Every value without parts, as text, with its path.
fn each(value: &Value, path: &str, leaf: &mut impl FnMut(&str, String)) {
    match value {
        Value::Object(map) => {
            // What is still going to happen, and when; the request that made something, which of several came first.
            let noted = |name: &str| matches!(name, "_timeline" | "_asked");
            for (name, value) in map.iter().filter(|(name, _)| !noted(name)) {
                each(value, &format!("{path}/{name}"), leaf);
            }
        }
        Value::Array(list) => {
            for value in list {
                each(value, &format!("{path}/[]"), leaf);
            }
        }
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            // A document in a document: a policy.
            Ok(inner @ Value::Object(_)) => each(&inner, &format!("{path}/json"), leaf),
            _ => leaf(path, untimed(text)),
        },
        Value::Number(number) => {
            let time = number.as_f64().is_some_and(|number| number > 1e9);
            leaf(path, if time { "~time".to_owned() } else { number.to_string() });
        }
        Value::Bool(_) | Value::Null => leaf(path, value.to_string()),
    }
}

fn untimed(text: &str) -> String {
    let time = text.parse::<jiff::Timestamp>().is_ok();
    if time { "~time".to_owned() } else { text.to_owned() }
}

/// The text in parts, and whether each is a word that may be random.
fn split(text: &str) -> impl Iterator<Item = (&str, bool)> {
    // A UUID is one word, whatever its parts look like.
    let uuid = text.len() == 36 && text.bytes().filter(|byte| *byte == b'-').count() == 4;
    let parts = if uuid {
        vec![text]
    } else {
        text.split_inclusive(|c: char| !c.is_ascii_alphanumeric())
            .flat_map(|part| {
                let word = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
                [word, &part[word.len()..]]
            })
            .filter(|part| !part.is_empty())
            .collect()
    };
    parts.into_iter().map(|part| {
        let word = part.len() >= RANDOM && part.starts_with(|c: char| c.is_ascii_alphanumeric());
        (part, word)
    })
}

/// The text with its random words hidden.
fn masked(text: &str, words: &BTreeSet<String>) -> String {
    let hide = |(part, word): (&str, bool)| {
        if word && !words.contains(part) { "~".to_owned() } else { part.to_owned() }
    };
    split(text).map(hide).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(rows: &[Value]) -> Content {
        [("ec2/vpc".to_owned(), rows.to_vec())].into()
    }

    fn vpc(id: &str, team: &str) -> Value {
        let policy = json!({"Resource": format!("arn:vpc/{id}")}).to_string();
        json!({"id": id, "tags": {"team": team}, "made": "2026-01-01T00:00:00Z", "policy": policy})
    }

    #[test]
    fn only_what_is_random_may_differ() {
        let learned = [
            content(&[vpc("vpc-0123456789", "ledger")]),
            content(&[vpc("vpc-abcdef0123", "ledger")]),
        ];
        let likeness = Likeness::of(&learned);
        let differences = |rows: &[Value]| likeness.differences(&content(rows));
        assert_eq!(differences(&[vpc("vpc-5555555555", "ledger")]), Vec::<String>::new());
        assert_eq!(
            differences(&[vpc("vpc-5555555555", "ledger"), vpc("vpc-6666666666", "ledger")]),
            ["ec2/vpc: 2 instead of 1"]
        );
        assert_eq!(
            differences(&[vpc("vpc-5555555555", "other")]),
            [r#"ec2/vpc/tags/team: ["other"] instead of ["ledger"]"#]
        );
        assert_eq!(
            differences(&[json!({"id": "vpc-5555555555", "tags": {"team": "ledger"}, "made": 1})])
                .len(),
            2
        );
    }
}
