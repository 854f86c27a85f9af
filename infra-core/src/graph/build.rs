//! From a filled stack to a checked graph.

use std::collections::BTreeMap;

use infra_state::{StackName, Urn};

use super::{Exports, Node};

/// What a program declares, checked: every reference exists, names are unique, every node has its provider, there is
/// no cycle.
#[derive(Clone, Default)]
pub struct Graph {
    /// The declared resources.
    pub nodes: BTreeMap<Urn, Node>,
    /// What is exported.
    pub exports: Exports,
    /// The resources in an order in which each comes after those it uses; the same for the same program.
    pub order: Vec<Urn>,
    /// The program and stack, for generated names.
    pub stack: Option<StackName>,
}
