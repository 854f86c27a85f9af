//! The one public error of this crate.

use std::{error::Error as StdError, fmt};

/// What went wrong, as far as the caller would act differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Somebody else holds the stack's lock. Wait, or look who it is.
    Locked,
    /// The lease was lost, or somebody with a newer epoch took over. Start nothing new; run again.
    Fenced,
    /// The state belongs to another program, stack, lineage, home or cloud identity. Nothing was read or changed.
    Identity,
    /// What is stored is torn, truncated, foreign, or breaks an invariant. The message names the object and the way out.
    Corrupt,
    /// Written by a newer version of this crate. Update the program.
    Version,
    /// The sealing key is missing or is not the one the state was sealed with.
    Key,
    /// The storage could not be reached, or is too busy. Trying again may help.
    Unavailable,
    /// The storage is not there, not set up, or does not allow it. Trying again changes nothing until somebody acts.
    Refused,
    /// The caller asked for something that is not there or not valid.
    Invalid,
}

/// An error with its kind, a message for the person who must act, and its cause.
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// This crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind` that says `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// The same error, with what caused it.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The kind to branch on.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind)
            .field("message", &self.message)
            .field("source", &self.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
