//! Secrets of a program, from sealed values that were found.

use std::collections::{BTreeMap, BTreeSet};

use infra_state::{Path, Segment, Urn};

use super::texts::{SHORTEST, Texts};
use crate::{Resource as _, graph::Expr, secret::Secret};

/// The secrets of a program that is taken over, with their values.
#[derive(Default)]
pub struct Secrets {
    by_text: BTreeMap<String, Urn>,
    /// All that are long enough to be looked for inside of texts.
    texts: Texts,
    /// Those that nobody writes by chance: wherever such a text stands, it is this secret.
    telling: BTreeSet<String>,
    names: BTreeSet<String>,
}

impl Secrets {
    /// A secret that the source has by itself (a random password), called `name`.
    pub fn given(&mut self, name: &str, text: &str) {
        if !self.by_text.contains_key(text) {
            self.insert(name, text);
        }
        self.tells(text);
    }

    /// Names that are taken.
    pub fn avoid(&mut self, names: impl IntoIterator<Item = String>) {
        self.names.extend(names);
    }

    /// The secrets with their values.
    pub fn all(&self) -> impl Iterator<Item = (&Urn, &str)> {
        self.by_text.iter().map(|(text, urn)| (urn, text.as_str()))
    }

    /// The secret that this text in clear holds although it must not, by name.
    pub fn leak(&self, text: &str) -> Option<&Urn> {
        let inside = self.texts.inside(text, |_| true).into_iter();
        self.by_text.get(inside.filter(|secret| self.telling.contains(*secret)).min()?)
    }

    /// The secrets inside of this text that are ones wherever they stand; the longest first.
    pub(super) fn telling(&self, text: &str) -> Vec<(&str, Expr)> {
        let inside = self.texts.inside(text, |_| true).into_iter();
        inside
            .filter(|secret| self.telling.contains(*secret))
            .filter_map(|secret| Some((secret, reference(self.by_text.get(secret)?))))
            .collect()
    }

    fn tells(&mut self, text: &str) {
        if text.len() >= SHORTEST {
            self.telling.insert(text.to_owned());
        }
    }

    /// The secret that has this value.
    pub(super) fn of(&self, text: &str) -> Option<Expr> {
        self.by_text.get(text).map(reference)
    }

    /// The only secret whose value is inside this text.
    pub(super) fn inside(&self, text: &str) -> Option<(&str, Expr)> {
        let found = self.texts.inside(text, |_| true);
        let [secret] = found[..] else { return None };
        Some((secret, reference(self.by_text.get(secret)?)))
    }

    /// A new secret for the field of an object, called after both.
    pub(super) fn new_one(&mut self, urn: &Urn, path: &Path, text: &str) -> Expr {
        let keys = path.0.iter().filter_map(|segment| match segment {
            Segment::Key(key) => Some(key.replace('_', "-")),
            _ => None,
        });
        let field = keys.collect::<Vec<_>>().join("-");
        if is_password(&field) || is_random(text) {
            self.tells(text);
        }
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
                self.texts.insert(text);
                return urn;
            }
        }
    }
}

/// Whether what is called so is a password, whatever it looks like. A parameter's sealed value may be a region.
fn is_password(field: &str) -> bool {
    ["password", "secret", "token", "private-key"].iter().any(|word| field.contains(word))
}

/// Whether nobody makes such a text up: it is long, mixed, and no host, path or ARN.
fn is_random(text: &str) -> bool {
    let has = |is: fn(&char) -> bool| text.chars().any(|c| is(&c));
    text.len() >= 16
        && has(char::is_ascii_digit)
        && has(char::is_ascii_uppercase)
        && has(char::is_ascii_lowercase)
        && !text.contains([':', '/', '.', ' '])
}

fn reference(urn: &Urn) -> Expr {
    Expr::Reference { urn: urn.clone(), path: Path::field("value") }
}
