//! Secrets of a program, from sealed values that were found.

use std::collections::{BTreeMap, BTreeSet};

use infra_state::{Path, Segment, Urn};

use crate::{Resource as _, graph::Expr, secret::Secret};

/// What is shorter may stand in a text by chance.
const SHORTEST: usize = 8;

/// The secrets of a program that is taken over, with their values.
#[derive(Default)]
pub struct Secrets {
    by_text: BTreeMap<String, Urn>,
    names: BTreeSet<String>,
}

impl Secrets {
    /// A secret that the source has by itself (a random password), called `name`.
    pub fn given(&mut self, name: &str, text: &str) {
        if !self.by_text.contains_key(text) {
            self.insert(name, text);
        }
    }

    /// Names that are taken.
    pub fn avoid(&mut self, names: impl IntoIterator<Item = String>) {
        self.names.extend(names);
    }

    /// The secrets with their values.
    pub fn all(&self) -> impl Iterator<Item = (&Urn, &str)> {
        self.by_text.iter().map(|(text, urn)| (urn, text.as_str()))
    }

    /// The secret that has this value.
    pub(super) fn of(&self, text: &str) -> Option<Expr> {
        self.by_text.get(text).map(reference)
    }

    /// The only secret whose value is inside this text.
    pub(super) fn inside(&self, text: &str) -> Option<(&str, Expr)> {
        let mut found = self
            .by_text
            .iter()
            .filter(|(secret, _)| secret.len() >= SHORTEST && text.contains(secret.as_str()));
        let (secret, urn) = found.next()?;
        found.next().is_none().then(|| (secret.as_str(), reference(urn)))
    }

    /// A new secret for the field of an object, called after both.
    pub(super) fn new_one(&mut self, urn: &Urn, path: &Path, text: &str) -> Expr {
        let keys = path.0.iter().filter_map(|segment| match segment {
            Segment::Key(key) => Some(key.replace('_', "-")),
            _ => None,
        });
        let field = keys.collect::<Vec<_>>().join("-");
        reference(&self.insert(&format!("{}-{field}", urn.name()), text))
    }

    fn insert(&mut self, name: &str, text: &str) -> Urn {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        let name: String = name.chars().map(|c| if allowed(c) { c } else { '-' }).collect();
        let name = if Urn::new(Secret::KIND, &name).is_ok() { name } else { "secret".to_owned() };
        let mut number = 1;
        loop {
            let numbered = if number == 1 { name.clone() } else { format!("{name}-{number}") };
            number += 1;
            if self.names.contains(&numbered) {
                continue;
            }
            self.names.insert(numbered.clone());
            if let Ok(urn) = Urn::new(Secret::KIND, &numbered) {
                self.by_text.insert(text.to_owned(), urn.clone());
                return urn;
            }
        }
    }
}

fn reference(urn: &Urn) -> Expr {
    Expr::Reference { urn: urn.clone(), path: Path::field("value") }
}
