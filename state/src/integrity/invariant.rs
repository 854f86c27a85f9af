//! The names.

use std::fmt;

use crate::{Error, ErrorKind, Urn};

/// Something that is true of every snapshot, or of every change.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Invariant {
    /// A resource has at most one object that is not deposed.
    UniqueCurrent,
    /// A record is filed under its own urn and instance.
    FiledUnderItself,
    /// Nothing that is stored is unknown, and nothing is nested deeper than a reader goes.
    KnownValues,
    /// Who newly depends on a resource finds it recorded. (It may be deleted later: a delete-before-create
    /// replacement leaves its dependents waiting for the new object.)
    DependenciesExist,
    /// Current objects do not depend on themselves, through whichever others.
    NoCycle,
    /// The provider of every record is recorded: without it the object could not be deleted.
    ProviderExists,
    /// An operation begins once, and an object has at most one operation open.
    OpenIntentOnce,
    /// What ends an operation names one that is open, and is about the same object.
    OpenIntentKnown,
    /// A create makes something new, or goes on with one that is not known to exist; an update or a delete is of
    /// something that is recorded.
    OpenIntentTarget,
}

impl Invariant {
    /// The name that messages use.
    pub fn name(self) -> &'static str {
        match self {
            Self::UniqueCurrent => "unique-current",
            Self::FiledUnderItself => "filed-under-itself",
            Self::KnownValues => "known-values",
            Self::DependenciesExist => "dependencies-exist-or-deleted",
            Self::NoCycle => "no-cycle",
            Self::ProviderExists => "provider-exists",
            Self::OpenIntentOnce => "open-intent-once",
            Self::OpenIntentKnown => "open-intent-known",
            Self::OpenIntentTarget => "open-intent-target",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An invariant that does not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// For which resource, if it is one's.
    pub urn: Option<Urn>,
    /// How it is broken.
    pub detail: String,
}

impl Violation {
    pub(super) fn new(invariant: Invariant, urn: &Urn, detail: impl Into<String>) -> Self {
        Self { invariant, urn: Some(urn.clone()), detail: detail.into() }
    }

    /// As the refusal of a change: nothing was written.
    pub(crate) fn refusal(self) -> Error {
        let message = format!("the state would break: {self}. Nothing was written");
        Error::new(ErrorKind::Invalid, message)
    }

    /// As the finding that what is stored is broken.
    pub(crate) fn corruption(self, object: &str) -> Error {
        let message = format!(
            "the state in {object} is broken: {self}. Nothing was changed. Put back an earlier state: an undamaged \
             copy of the objects, or an exported state with `state push`"
        );
        Error::new(ErrorKind::Corrupt, message)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invariant `{}`", self.invariant)?;
        if let Some(urn) = &self.urn {
            write!(f, " of {urn}")?;
        }
        write!(f, ": {}", self.detail)
    }
}
