//! One declared resource.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::Location,
    sync::Arc,
    time::Duration,
};

use infra_state::{Options, Path, Urn, Value};

use super::Expr;
use crate::provider::Driver;

/// What a node is for the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Created, updated and deleted.
    Managed,
    /// Looked up, never changed.
    Lookup,
    /// A connection to a cloud that other nodes are made through.
    Provider,
}

/// One declared resource: what it is and how to treat it.
#[derive(Clone)]
pub struct Node {
    /// Its name and kind.
    pub urn: Urn,
    /// What it is for the engine.
    pub role: Role,
    /// Its kind's driver.
    pub driver: Arc<dyn Driver>,
    /// Its declared fields; what the program left out is absent.
    pub inputs: BTreeMap<String, Expr>,
    /// The provider it is made through: given, inherited from a scope, or (until the graph is built) none.
    pub provider: Option<Urn>,
    /// How to treat it.
    pub options: NodeOptions,
    /// Where in the program it was declared.
    pub at: &'static Location<'static>,
}

/// The options of a declared resource.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "independent options")]
pub struct NodeOptions {
    /// May not be deleted or replaced.
    pub protect: bool,
    /// Deleting it only forgets it.
    pub retain_on_delete: bool,
    /// Made after these, whatever its fields say.
    pub depends_on: BTreeSet<Urn>,
    /// Changes at these paths are not looked at.
    pub ignore_changes: Vec<Path>,
    /// Changes at these paths replace it.
    pub replace_on_changes: Vec<Path>,
    /// When it is replaced the old object goes first.
    pub delete_before_replace: bool,
    /// Names it had before: urns, or names of the same kind.
    pub aliases: Vec<String>,
    /// Limits that differ from the kind's.
    pub create_timeout: Option<Duration>,
    /// Limits that differ from the kind's.
    pub update_timeout: Option<Duration>,
    /// Limits that differ from the kind's.
    pub delete_timeout: Option<Duration>,
    /// Instead of making it, take over the object with this id.
    pub import: Option<String>,
    /// If an object with its name exists already, take it over instead of failing.
    pub adopt: bool,
    /// The policies that it may violate, each with the reason why.
    pub allow: BTreeMap<String, String>,
}

/// What a program exports.
pub type Exports = BTreeMap<String, Expr>;

/// One mistake of a program, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong and what was expected.
    pub message: String,
    /// The resource it is about, if it is about one.
    pub urn: Option<Urn>,
    /// Where in the program.
    pub at: Option<&'static Location<'static>>,
}

impl Node {
    /// A literal field's value, if the program gave one.
    pub fn literal(&self, field: &str) -> Option<Value> {
        self.inputs.get(field).and_then(Expr::literal)
    }

    /// The options that outlive the declaration.
    pub fn recorded_options(&self) -> Options {
        Options {
            protect: self.options.protect,
            retain_on_delete: self.options.retain_on_delete,
            delete_timeout: self.options.delete_timeout.map(|limit| limit.as_secs()),
            declared: Some(self.line()),
        }
    }

    /// Whether a record says something else about how to treat the resource. That its line moved is nothing else.
    pub(crate) fn treats_otherwise(&self, recorded: &Options) -> bool {
        let declared = recorded.declared.clone();
        *recorded != Options { declared, ..self.recorded_options() }
    }

    /// Where the program declares it: `src/db.rs:12`.
    pub fn line(&self) -> String {
        format!("{}:{}", self.at.file(), self.at.line())
    }
}
