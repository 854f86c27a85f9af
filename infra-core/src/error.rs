//! The one public error of this crate.

use std::{error::Error as StdError, fmt};

use crate::graph::Mistake;

/// What went wrong, as far as the caller would act differently. [`crate::exit`] maps these to exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The program, its configuration or the command line is wrong. Mend it.
    Usage,
    /// The program declares something that cannot be: see [`Error::mistakes`].
    Program,
    /// Something in the cloud or in the state store failed.
    Failed,
    /// Refused: declined, identity, protection, data loss.
    Refused,
    /// Somebody else holds the stack's lock.
    Locked,
    /// A person or a lost lease interrupted the command.
    Interrupted,
    /// The plan was confirmed for another state of the world. Plan again.
    PlanStale,
}

/// An error with its kind, a message for the person who must act, and its cause.
pub struct Error {
    kind: ErrorKind,
    message: String,
    mistakes: Vec<Mistake>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// This crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind` that says `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), mistakes: Vec::new(), source: None }
    }

    /// All mistakes of a program.
    pub fn program(mistakes: Vec<Mistake>) -> Self {
        let count = mistakes.len();
        let plural = if count == 1 { "" } else { "s" };
        let message = format!("the program has {count} mistake{plural}");
        Self { mistakes, ..Self::new(ErrorKind::Program, message) }
    }

    /// The same error, with the mistakes it is about.
    #[must_use]
    pub fn with_mistakes(mut self, mistakes: Vec<Mistake>) -> Self {
        self.mistakes = mistakes;
        self
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

    /// The mistakes, if the program has any.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.message)?;
        self.mistakes.iter().try_for_each(|mistake| write!(f, "\n  {}", mistake.message))
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<infra_state::Error> for Error {
    fn from(error: infra_state::Error) -> Self {
        use infra_state::ErrorKind as State;
        let kind = match error.kind() {
            State::Locked => ErrorKind::Locked,
            State::Fenced => ErrorKind::Interrupted,
            State::Identity => ErrorKind::Refused,
            State::Invalid => ErrorKind::Usage,
            _ => ErrorKind::Failed,
        };
        Self::new(kind, error.to_string()).because(error)
    }
}
