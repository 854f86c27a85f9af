//! What resources are called in a Terraform configuration.

use std::collections::{BTreeMap, BTreeSet};

use infra_state::Urn;

/// Names for our urns, distinct for each of Terraform's types.
#[derive(Clone, Default)]
pub struct Names {
    used: BTreeMap<String, BTreeSet<String>>,
    given: BTreeMap<Urn, String>,
}

impl Names {
    /// A name for `urn` that none of `types` has yet.
    pub fn give(&mut self, urn: &Urn, types: &[&str]) -> String {
        let name = self.fresh(urn.name(), types);
        self.given.insert(urn.clone(), name.clone());
        name
    }

    /// A name like `text` that none of `types` has yet.
    pub fn fresh(&mut self, text: &str, types: &[&str]) -> String {
        let base = identifier(text);
        let is_used = |name: &String| {
            types.iter().any(|of| self.used.get(*of).is_some_and(|used| used.contains(name)))
        };
        let mut name = base.clone();
        let mut number = 2;
        while is_used(&name) {
            name = format!("{base}_{number}");
            number += 1;
        }
        for of in types {
            self.used.entry((*of).to_owned()).or_default().insert(name.clone());
        }
        name
    }

    /// What is not written: nothing may refer to it.
    pub fn forget(&mut self, urn: &Urn) {
        self.given.remove(urn);
    }

    /// Names for variables: none that Terraform has a meaning of its own for.
    pub fn variables() -> Self {
        let own = [
            "count",
            "depends_on",
            "for_each",
            "lifecycle",
            "locals",
            "providers",
            "source",
            "version",
        ];
        let used = own.map(str::to_owned).into();
        Self { used: [("variable".to_owned(), used)].into(), given: BTreeMap::new() }
    }

    /// The name that `urn` was given.
    pub fn of(&self, urn: &Urn) -> Option<&str> {
        self.given.get(urn).map(String::as_str)
    }
}

/// A name as Terraform allows it.
pub fn identifier(text: &str) -> String {
    let name: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() {
        format!("_{name}")
    } else {
        name
    }
}
