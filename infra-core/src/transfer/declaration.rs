//! What a program would have said of an object.

use std::{collections::BTreeMap, sync::Arc};

use infra_state::Urn;

use crate::{
    graph::{Expr, NodeOptions},
    provider::Driver,
};

/// What a program would have said of an object: from it the record and the program's text are made.
#[derive(Clone)]
pub struct Declaration {
    /// Its name and kind; scopes are the parts of the name, `vpc/private-0`.
    pub urn: Urn,
    /// Its kind's driver.
    pub driver: Arc<dyn Driver>,
    /// The declared fields: literals, and references to the outputs of other declarations.
    pub inputs: BTreeMap<String, Expr>,
    /// The provider, where it is not the default one.
    pub provider: Option<Urn>,
    /// How the engine is to treat it.
    pub options: NodeOptions,
    /// The cloud's id of the object; `None` for what has none (a provider).
    pub id: Option<String>,
    /// Where it comes from, for a comment: `module.vpc.aws_subnet.private[0]`.
    pub origin: Option<String>,
    /// The group of alike declarations that it is one of: written as a loop where they differ by key only.
    pub member: Option<Member>,
}

/// One of several that were made by `count` or `for_each`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Member {
    /// Which group: the address without the key, `module.vpc.aws_subnet.private`.
    pub group: String,
    /// Its key: a number of `count`, any text of `for_each`.
    pub key: Key,
}

/// What tells the members of a group apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// `count`.
    Index(usize),
    /// `for_each`.
    Name(String),
}
