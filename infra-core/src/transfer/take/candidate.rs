//! One object that may be taken over.

use std::collections::{BTreeMap, BTreeSet};

use infra_state::Value;

use super::super::{Member, refer::Sealed};

/// One object that may be taken over, before it was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidate {
    /// What the source calls it: an address of Terraform's, an id.
    pub origin: String,
    /// The scopes it is in, as the source calls them.
    pub scopes: Vec<String>,
    /// Its name, as the source calls it.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// The group of alike ones that it is of.
    pub member: Option<Member>,
    /// Fields that the source knows and that cannot be read back, or should be said.
    pub known: BTreeMap<String, Value>,
    /// What the source calls sensitive.
    pub sealed: Sealed,
    /// The source's name of it without keys, for `uses`.
    pub address: Option<String>,
    /// What it is made from, as the source knows: such names.
    pub uses: BTreeSet<String>,
    /// The configuration of its provider where that is not the default one, and what the source calls that.
    pub place: Option<(Value, Option<String>)>,
    /// The source says that it is broken and would be replaced.
    pub tainted: bool,
}

/// What was not taken over.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Left {
    /// What the source calls it.
    pub origin: String,
    /// The kind of reason.
    pub reason: Reason,
    /// Why, and what to do.
    pub why: String,
}

/// Why something is not taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Nothing here stands for it.
    Unmapped,
    /// There is no such object in the cloud.
    Missing,
    /// It waits to be deleted by the other tool.
    Deposed,
    /// It is another stack's, or somewhere this run does not reach.
    Elsewhere,
    /// It is a part of something that was taken, or of its values.
    Part,
}

impl Reason {
    /// In one word, for machines.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unmapped => "unmapped",
            Self::Missing => "missing",
            Self::Deposed => "deposed",
            Self::Elsewhere => "elsewhere",
            Self::Part => "part",
        }
    }
}
