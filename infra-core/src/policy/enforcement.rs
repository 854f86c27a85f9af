//! What a violation leads to.

use std::{fmt, str::FromStr};

/// What a violation leads to; the later the stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Enforcement {
    /// It is shown.
    Advisory,
    /// The plan is refused.
    Mandatory,
}

impl Enforcement {
    /// What the settings call a policy that is not asked.
    pub const OFF: &str = "off";

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Advisory => "advisory",
            Self::Mandatory => "mandatory",
        }
    }
}

impl fmt::Display for Enforcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Enforcement {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = [Self::Advisory, Self::Mandatory].into_iter().find(|it| it.as_str() == text);
        found.ok_or_else(|| format!("expected `advisory` or `mandatory`, found {text:?}"))
    }
}
