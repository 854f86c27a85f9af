//! What `state rebuild` found, for the person who must agree to it.

use std::collections::{BTreeMap, BTreeSet};

use infra_state::{Lineage, Path, StackName, Urn};

/// How an object is remembered from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AsFound {
    /// As the resource's object.
    Current,
    /// As the resource's object, which is not finished: the next `up` finishes it.
    Incomplete,
    /// As one that another took the place of: the next `up` deletes it.
    Deposed,
    /// As one of a resource that the program does not declare: the next `up` deletes it.
    Unknown,
    /// Not at all: it is of a resource that the program does not declare, and somebody said `--forget-unknown`.
    Forgotten,
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundObject {
    /// The resource.
    pub urn: Urn,
    /// The cloud's id.
    pub id: String,
    /// How it is remembered.
    pub as_found: AsFound,
    /// Where it is not what the program declares: the next plan shows the change.
    pub differs: Vec<Path>,
}

/// Where the value of a secret is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretFrom {
    /// From these fields, which all tell the same.
    Places(BTreeSet<String>),
    /// It is a new one, because somebody said so.
    Rotated,
}

/// What was found, and what is about to be written. No secret is in it.
#[derive(Clone, Debug)]
pub struct Found {
    /// The stack.
    pub stack: StackName,
    /// Its lineage, as its objects have it.
    pub lineage: Lineage,
    /// Every object, in the order of the urns.
    pub objects: Vec<FoundObject>,
    /// Declared resources that have no object, and why none was found: the next `up` makes one.
    pub missing: BTreeMap<Urn, String>,
    /// Resources that are missing and may be one of those that are unknown, under a new name.
    pub renamed: BTreeMap<Urn, Vec<Urn>>,
    /// The generated secrets.
    pub secrets: BTreeMap<Urn, SecretFrom>,
    /// How many lookups were asked again: they may tell something newer than before.
    pub lookups: usize,
    /// The objects of other lives of the stack, which are left alone.
    pub others: BTreeMap<Lineage, usize>,
    /// What looks like the stack's and does not say what it is: kind and id. It is left alone.
    pub strange: Vec<(String, String)>,
    /// Kinds that the program does not use and that could not be asked for, and why.
    pub unasked: Vec<(String, String)>,
}

impl Found {
    /// How many objects are remembered in this way.
    pub fn count(&self, as_found: AsFound) -> usize {
        self.objects.iter().filter(|object| object.as_found == as_found).count()
    }
}
