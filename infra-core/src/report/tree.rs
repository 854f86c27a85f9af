//! Resources by scope.

use std::{collections::BTreeMap, fmt::Write};

use super::paint::heading;

/// Lines under names like `net/vpc`, shown as a tree.
#[derive(Default)]
pub(super) struct Tree {
    scopes: BTreeMap<String, Self>,
    /// By the last part of the name, then by whatever tells apart what has the same name.
    leaves: BTreeMap<(String, String), Leaf>,
}

/// What stands at one name.
pub(super) struct Leaf {
    /// The sign before the name.
    pub(super) sign: String,
    /// What follows the name on its line.
    pub(super) rest: String,
    /// The lines below, indented by nothing.
    pub(super) below: String,
}

impl Tree {
    /// Puts a leaf at a name.
    pub(super) fn put(&mut self, name: &str, apart: &str, leaf: Leaf) {
        match name.split_once('/') {
            Some((scope, rest)) => {
                self.scopes.entry(scope.to_owned()).or_default().put(rest, apart, leaf);
            }
            None => drop(self.leaves.insert((name.to_owned(), apart.to_owned()), leaf)),
        }
    }

    /// The tree as lines.
    pub(super) fn write(&self, depth: usize, out: &mut String) {
        let indent = "  ".repeat(depth + 1);
        let width =
            self.leaves.keys().map(|(name, _)| name.chars().count()).max().unwrap_or(0).min(36);
        for ((name, _), leaf) in &self.leaves {
            let _ = writeln!(out, "{indent}{} {name:width$}  {}", leaf.sign, leaf.rest);
            for line in leaf.below.lines() {
                let _ = writeln!(out, "{indent}    {line}");
            }
        }
        for (scope, tree) in &self.scopes {
            let _ = writeln!(out, "{indent}{}", heading(&format!("{scope}/")));
            tree.write(depth + 1, out);
        }
    }
}
