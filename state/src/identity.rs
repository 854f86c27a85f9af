//! Whose state this is.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Error, ErrorKind};

/// A program and one of its stacks: `qledger-ha/dev`. Both are words of letters, digits, `-` and `_`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct StackName {
    /// The program's name, as given to `App::new`.
    pub program: String,
    /// The stack's name, as given to `--stack`.
    pub stack: String,
}

impl StackName {
    /// The stack `stack` of `program`; an error says what is wrong with the words.
    pub fn new(program: impl Into<String>, stack: impl Into<String>) -> Result<Self, Error> {
        let name = Self { program: program.into(), stack: stack.into() };
        for (what, word) in [("program", &name.program), ("stack", &name.stack)] {
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if word.is_empty() || word.len() > 100 || !word.chars().all(fits) {
                let message = format!(
                    "the {what} name {word:?} must be 1 to 100 letters, digits, `-` or `_`"
                );
                return Err(Error::new(ErrorKind::Invalid, message));
            }
        }
        Ok(name)
    }
}

impl fmt::Display for StackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.program, self.stack)
    }
}

/// Where a stack's state is: which stack, in which place.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// A backend's URL.
    pub url: String,
    /// Program and stack.
    pub stack: StackName,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.stack, self.url)
    }
}

/// Minted once, when a stack's state is first written; in every owner tag. Copied state gets a new one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Lineage(pub Uuid);

impl fmt::Display for Lineage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Lineage {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |e| {
            Error::new(ErrorKind::Invalid, format!("{text:?} is not a lineage (a UUID)")).because(e)
        };
        text.parse().map(Self).map_err(wrong)
    }
}

/// Whose state this is. Checked before anything else is read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Identity {
    /// Program and stack.
    #[serde(rename = "name")]
    pub stack: StackName,
    /// The stack's lineage.
    pub lineage: Lineage,
    /// Where the state lives (a backend URL). A copy elsewhere is read-only until it is taken over.
    pub home: String,
}

/// Where a provider's calls go: the cloud's name, account, region, endpoint, cluster, whichever it has; never credentials.
///
/// When it changes, what the provider holds is replaced; when it is not what state remembers, the command stops.
pub type ProviderIdentity = BTreeMap<String, String>;
