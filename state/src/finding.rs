//! What somebody who looks after a place or a state is told.

use std::fmt;

/// How grave a [`Finding`] is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Grade {
    /// As it should be.
    Good,
    /// Nothing is wrong, but somebody should know or could do better.
    Notice,
    /// Something has to be done, or something can be lost or cannot be read.
    Wrong,
}

/// One thing that was looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// How it is.
    pub grade: Grade,
    /// What was looked at, and what was found.
    pub what: String,
    /// What to do about it; nothing where it is [`Grade::Good`].
    pub advice: Option<String>,
}

impl Finding {
    /// It is as it should be.
    pub fn good(what: impl Into<String>) -> Self {
        Self { grade: Grade::Good, what: what.into(), advice: None }
    }

    /// Somebody should know.
    pub fn notice(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { grade: Grade::Notice, what: what.into(), advice: Some(advice.into()) }
    }

    /// Something has to be done.
    pub fn wrong(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { grade: Grade::Wrong, what: what.into(), advice: Some(advice.into()) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        self.advice.iter().try_for_each(|advice| write!(f, ": {advice}"))
    }
}
