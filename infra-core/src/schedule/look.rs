//! What is started.

use sha2::{Digest as _, Sha256};

/// What is started: this program with these arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// What it looks at, `shop/prod`; of a fleet the place of its states.
    pub of: String,
    /// A name for units and objects, made of small letters, digits and `-`.
    pub name: String,
    /// What it is started with, `drift` first.
    pub arguments: Vec<String>,
}

/// A file to be installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub text: String,
}

impl Look {
    /// A look at `of` with these arguments.
    pub fn new(of: impl Into<String>, arguments: impl IntoIterator<Item = String>) -> Self {
        let of = of.into();
        let fits = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let word: String = of.chars().map(fits).collect();
        let words: Vec<_> = word.split('-').filter(|word| !word.is_empty()).collect();
        // A CronJob's jobs add up to 11 characters, and 63 are the most.
        let mut name = format!("drift-{}", words.join("-"));
        name.truncate(43);
        // Different stacks may be written alike in these letters.
        let hash = Sha256::digest(of.as_bytes());
        let name =
            format!("{}-{:02x}{:02x}{:02x}", name.trim_end_matches('-'), hash[0], hash[1], hash[2]);
        Self { of, name, arguments: arguments.into_iter().collect() }
    }
}
