//! What would be taken over, as a value.

use std::{collections::BTreeMap, fmt};

use infra_state::{Path, Record, Urn, Value};

use crate::{
    graph::{Exports, Graph},
    transfer::{Declaration, take::Left},
};

/// What to take over.
#[derive(Clone, Debug, Default)]
pub struct TakeOptions {
    /// Only these: addresses of Terraform's, of resources, instances or modules. Empty: everything.
    pub only: Vec<String>,
}

/// One object that is taken over.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Its resource.
    pub urn: Urn,
    /// The cloud's id.
    pub id: String,
    /// What the source calls it.
    pub origin: String,
    /// The source says that it is broken, and would have replaced it.
    pub tainted: bool,
    /// Fields at which changes are ignored, because what they are meant to be cannot be told.
    pub ignored: Vec<Path>,
    /// Why the next `up` still does something about it.
    pub unfinished: Option<String>,
}

/// What would be taken over, before anything is written.
#[derive(Clone)]
pub struct Taking {
    /// What the program says: providers, secrets and objects, each after what it is made from.
    pub declarations: Vec<Declaration>,
    /// What it exports.
    pub exports: Exports,
    /// The objects, by urn.
    pub taken: Vec<Taken>,
    /// What is not taken over, and why.
    pub left: Vec<Left>,
    /// Secrets that were generated because nobody could tell the value: of which field.
    pub unknown_secrets: BTreeMap<Urn, String>,
    /// The graph of the declarations.
    pub graph: Graph,
    /// The records that would be written.
    pub records: Vec<Record>,
    /// What the exports come to.
    pub exported: BTreeMap<String, Value>,
}

impl fmt::Debug for Taking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Taking");
        shown.field("taken", &self.taken).field("left", &self.left).finish_non_exhaustive()
    }
}
