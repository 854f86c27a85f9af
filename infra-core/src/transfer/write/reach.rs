//! By which expression a resource is reached from a function of the program.

use infra_state::Urn;

use crate::{
    provider::Schema,
    transfer::{Declaration, Key},
};

/// How a resource is reached.
#[derive(Clone, Debug)]
pub(super) struct Reached {
    /// The variable or field: of the resource itself, or of the collection that it is in.
    pub(super) text: String,
    /// The variable is a reference already.
    pub(super) is_reference: bool,
    /// Where in a collection.
    pub(super) member: Option<(Collection, Key)>,
}

/// What a loop collects its handles in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Collection {
    /// A `Vec`: the keys are 0, 1, 2, …
    List,
    /// A `BTreeMap` by text.
    ByName,
    /// A `BTreeMap` by number.
    ByNumber,
}

/// What the words of a function mean: where resources are, and what they are.
pub(super) trait Scope {
    /// How a resource is reached; `None` if there is none with this urn.
    fn reach(&self, urn: &Urn) -> Option<Reached>;
    /// What is known of its kind.
    fn schema(&self, urn: &Urn) -> Option<&Schema>;
    /// All members of the loop that it is a member of, in the order in which its collection has them.
    fn members(&self, urn: &Urn) -> &[&Declaration];
}

impl Reached {
    /// The resource's own expression, a place: `vpc`, `net.private[0]`.
    pub(super) fn place(&self) -> String {
        let text = &self.text;
        match &self.member {
            None => text.clone(),
            Some((Collection::ByNumber, Key::Index(at))) => format!("{text}[&{at}]"),
            Some((_, Key::Index(at))) => format!("{text}[{at}]"),
            Some((_, Key::Name(name))) => format!("{text}[{name:?}]"),
        }
    }

    /// The same for the member that has the key of the loop around it.
    pub(super) fn beside(&self) -> String {
        let text = &self.text;
        match &self.member {
            None => text.clone(),
            Some((Collection::List, _)) => format!("{text}[index]"),
            Some((Collection::ByNumber, _)) => format!("{text}[&index]"),
            Some((Collection::ByName, _)) => format!("{text}[key]"),
        }
    }

    /// A reference to it.
    pub(super) fn borrowed(&self) -> String {
        if self.is_reference && self.member.is_none() {
            self.text.clone()
        } else {
            format!("&{}", self.place())
        }
    }

    /// All that are in its collection.
    pub(super) fn each(&self) -> Option<String> {
        match self.member.as_ref()?.0 {
            Collection::List => Some(format!("{}.iter()", self.text)),
            Collection::ByName | Collection::ByNumber => Some(format!("{}.values()", self.text)),
        }
    }
}
