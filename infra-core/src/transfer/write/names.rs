//! Names in a Rust program: from any text, valid, readable and distinct.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Words that cannot be names of variables, functions or fields.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield", "_", "union",
];

/// The text in snake case, of ASCII letters, digits and `_`; may be empty, a keyword, or begin with a digit.
pub(super) fn snake(text: &str) -> String {
    let mut words = String::new();
    let mut before = ' ';
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            if c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
                words.push('_');
            }
            words.push(c.to_ascii_lowercase());
        } else if !words.is_empty() && !words.ends_with('_') {
            words.push('_');
        }
        before = c;
    }
    words.trim_end_matches('_').to_owned()
}

/// The same in camel case, for a type.
pub(super) fn camel(snake: &str) -> String {
    let word = |word: &str| {
        let mut chars = word.chars();
        chars.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(chars).collect::<String>()
    };
    snake.split('_').map(word).collect()
}

/// A name of a field or function as it stands in a program: a keyword is written raw.
pub(super) fn raw(name: &str) -> String {
    if KEYWORDS.contains(&name) { format!("r#{name}") } else { name.to_owned() }
}

/// The names that are taken in one namespace.
#[derive(Clone, Default)]
pub(super) struct Names {
    own: BTreeSet<String>,
    /// Those that were taken when these were cloned: a function may have thousands.
    around: Arc<BTreeSet<String>>,
    /// With which number the next of several that would be called alike is tried.
    next: BTreeMap<String, u64>,
}

impl Names {
    /// These are taken.
    pub(super) fn taken<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let own = names.into_iter().map(str::to_owned).collect();
        Self { own, ..Self::default() }
    }

    /// From here on these are cloned without copying them.
    pub(super) fn settled(mut self) -> Self {
        let mut around = Arc::unwrap_or_clone(self.around);
        around.append(&mut self.own);
        Self { around: Arc::new(around), ..Self::default() }
    }

    fn is_free(&self, name: &str) -> bool {
        !self.own.contains(name) && !self.around.contains(name)
    }

    /// A name that is free, and taken from now on: the text itself, else with `kind` after it, else with a number.
    pub(super) fn pick(&mut self, text: &str, kind: &str) -> String {
        let (plain, kind) = (snake(text), snake(kind));
        let kind = if kind.is_empty() { "it".to_owned() } else { kind };
        let longer = match plain.as_str() {
            "" => kind.clone(),
            digits if digits.starts_with(|c: char| c.is_ascii_digit()) => format!("{kind}_{plain}"),
            plain if plain.ends_with(&kind) => plain.to_owned(),
            plain => format!("{plain}_{kind}"),
        };
        let short = [plain, longer.clone()].into_iter();
        let name = short
            .filter(|name| is_name(name))
            .find(|name| self.is_free(name))
            .unwrap_or_else(|| self.numbered(&longer, &format!("{longer}_")));
        self.own.insert(name.clone());
        name
    }

    /// The same for a type.
    pub(super) fn pick_type(&mut self, name: &str) -> String {
        let plain = camel(name);
        let other = [plain.clone(), format!("{plain}Outputs")].into_iter();
        let name = other.into_iter().find(|name| self.is_free(name));
        let name = name.unwrap_or_else(|| self.numbered(&plain, &plain));
        self.own.insert(name.clone());
        name
    }

    /// The first that is free with a number after it. What was given before is never free again.
    fn numbered(&mut self, of: &str, before: &str) -> String {
        let mut number = self.next.get(of).copied().unwrap_or(2);
        while !self.is_free(&format!("{before}{number}")) {
            number += 1;
        }
        self.next.insert(of.to_owned(), number + 1);
        format!("{before}{number}")
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase()) && !KEYWORDS.contains(&text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_read_as_the_resources_do() {
        let mut names = Names::taken(["stack"]);
        assert_eq!(names.pick("private-a", "Subnet"), "private_a");
        assert_eq!(names.pick("private/a", "Subnet"), "private_a_subnet");
        assert_eq!(names.pick("private.a", "Subnet"), "private_a_subnet_2");
        assert_eq!(names.pick("stack", "Vpc"), "stack_vpc");
        assert_eq!(names.pick("type", "Vpc"), "type_vpc");
        assert_eq!(names.pick("10.0.0.0/8", "Route"), "route_10_0_0_0_8");
        assert_eq!(names.pick("übersicht", "NatGateway"), "bersicht");
        assert_eq!(names.pick("🚀", "NatGateway"), "nat_gateway");
        assert_eq!(names.pick("webServer", ""), "web_server");
        assert_eq!(camel("nat_gateway"), "NatGateway");
    }

    proptest! {
        #[test]
        fn whatever_things_are_called_their_names_are_valid_and_distinct(
            things in proptest::collection::vec(("\\PC{0,12}", "[A-Z][a-z]{0,8}"), 0..40),
        ) {
            let mut names = Names::taken(["stack"]);
            let mut seen = BTreeSet::new();
            for (text, kind) in &things {
                let name = names.pick(text, kind);
                prop_assert!(syn::parse_str::<syn::Ident>(&name).is_ok(), "{name:?}");
                prop_assert!(name != "stack" && seen.insert(name.clone()), "{name:?} twice");
                let ty = camel(&name);
                prop_assert!(syn::parse_str::<syn::Ident>(&ty).is_ok(), "{ty:?}");
            }
        }
    }
}
