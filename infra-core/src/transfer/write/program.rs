//! What a program's text is written from.

use std::{collections::BTreeMap, fmt};

use infra_state::Urn;

use crate::{graph::Exports, transfer::Declaration};

/// What a program's text is written from.
#[derive(Clone, Default)]
pub struct Program {
    /// Its name, which `App::new` takes: the state that was written is found by it.
    pub name: String,
    /// Where it comes from, as it stands after "from": `the Terraform state terraform.tfstate`.
    pub source: String,
    /// How the clouds are plugged in: what [`Connector::plugged`](crate::provider::Connector::plugged) says.
    pub plugs: Vec<String>,
    /// What it declares: resources, providers, lookups, secrets. Their order means nothing.
    pub declarations: Vec<Declaration>,
    /// What it exports.
    pub exports: Exports,
    /// What somebody who reads a declaration should know: written above it.
    pub notes: BTreeMap<Urn, Vec<String>>,
    /// What could not be taken over, and why: listed at the end.
    pub missing: Vec<(String, String)>,
}

/// A program cannot be written: something in it has no form in Rust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwritable {
    /// Of what: a urn, or `the export "name"`.
    pub of: String,
    /// Where in it.
    pub path: String,
    /// Why.
    pub why: String,
}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { of, path, why } = self;
        if path.is_empty() {
            write!(f, "{of} cannot be written in Rust: {why}")
        } else {
            write!(f, "`{path}` of {of} cannot be written in Rust: {why}")
        }
    }
}

impl std::error::Error for Unwritable {}
