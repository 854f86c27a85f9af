//! What becomes the steps of a plan, before they are put in order.

use std::sync::Arc;

use infra_state::{Instance, Key, Path, Record, Urn};

use super::{Action, Cause, Held, PropertyDiff, Why};
use crate::graph::Node;

/// What is done with a declared resource.
pub(super) struct Make<'a> {
    pub(super) node: &'a Node,
    pub(super) action: Action,
    pub(super) instance: Instance,
    pub(super) recorded: Option<Arc<Record>>,
    pub(super) inputs: Held,
    pub(super) outputs: Held,
    pub(super) diff: Vec<PropertyDiff>,
    pub(super) drift: Vec<PropertyDiff>,
    pub(super) paths: Vec<Path>,
    pub(super) replaces: Option<Replacing>,
    pub(super) why: Vec<Why>,
    pub(super) record_only: bool,
}

/// The replacement that a [`Make`] is part of.
pub(super) struct Replacing {
    pub(super) old: Arc<Record>,
    pub(super) if_changed: bool,
    /// Why the old object has to go first, if it has to.
    pub(super) first: Option<String>,
    /// The old object is gone already: there is only a record to forget.
    pub(super) gone: bool,
}

impl Make<'_> {
    /// Whether it does anything that others would have to wait for.
    pub(super) fn acts(&self) -> bool {
        self.action != Action::Keep || self.record_only
    }

    pub(super) fn urn(&self) -> &Urn {
        &self.node.urn
    }

    /// The replacement, if a real object has to go before the new one is made.
    pub(super) fn makes_room(&self) -> Option<&Replacing> {
        self.replaces.as_ref().filter(|replacing| replacing.first.is_some() && !replacing.gone)
    }
}

/// What is removed: an object, or only its record.
pub(super) struct Removal {
    pub(super) action: Action,
    pub(super) record: Arc<Record>,
    pub(super) why: Vec<Why>,
    pub(super) data_loss: bool,
    pub(super) record_only: bool,
    /// For the old object of a replacement: by which [`Make`].
    pub(super) replaced_by: Option<usize>,
    /// Only if this [`Make`] turns out to be really a replacement.
    pub(super) only_if: Option<usize>,
}

impl Removal {
    pub(super) fn key(&self) -> Key {
        self.record.key()
    }

    /// Whether an object goes, not only its record.
    pub(super) fn deletes(&self) -> bool {
        matches!(self.action, Action::Delete | Action::DeleteOld)
    }
}

/// One link about a resource itself.
pub(super) fn because(urn: &Urn, path: Option<Path>, cause: Cause) -> Why {
    Why { urn: urn.clone(), path, cause }
}
