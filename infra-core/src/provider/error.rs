//! What can go wrong in a call to a cloud, classified once.

use std::{error::Error as StdError, fmt};

/// What a failure means for the engine. Each cloud's errors are sorted into these in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Class {
    /// The object is not there (or not visible yet).
    NotFound,
    /// An object with this name is there already.
    Exists,
    /// Something else is changing the same object: try again.
    Conflict,
    /// Too many calls: slow down and try again.
    Throttled,
    /// Something it needs is not ready, or something that needs it is still there: try again.
    Dependency,
    /// The credentials may not do this. Never retried.
    Denied,
    /// The request is wrong. Never retried.
    Invalid,
    /// The network, the service or the process in between failed: try again; the call may have had its effect.
    Transient,
    /// The lease was lost: nothing more may be started.
    Fenced,
}

impl Class {
    /// Whether trying the same again can help.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Conflict | Self::Throttled | Self::Dependency | Self::Transient)
    }
}

/// A failed call to a cloud.
pub struct Error {
    class: Class,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The result of a driver's verb.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `class` that says `message` (operation, code, what the cloud said, request id).
    pub fn new(class: Class, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), source: None }
    }

    /// The request is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Class::Invalid, message)
    }

    /// The object is not there.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Class::NotFound, message)
    }

    /// The same error, with what caused it.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What it means for the engine.
    pub fn class(&self) -> Class {
        self.class
    }

    /// The same failure for another of the objects of one batch (the source stays with the first).
    #[must_use]
    pub fn again(&self) -> Self {
        Self::new(self.class, self.message.clone())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.class, self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<crate::DataError> for Error {
    fn from(error: crate::DataError) -> Self {
        Self::invalid(error.to_string())
    }
}
