//! The name of a resource within its stack.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind};

/// `kind::name`, for instance `aws:ec2:Subnet::net/app-a`. Unique within a stack; cheap to clone.
///
/// The kind is words of letters, digits, `-` and `_` joined by `:`; the name is segments of letters, digits, `-`,
/// `_` and `.` joined by `/` (each scope adds one).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Urn(Arc<str>);

impl Urn {
    /// The urn of the resource `name` of `kind`; an error says which character is not allowed where.
    pub fn new(kind: &str, name: &str) -> Result<Self, Error> {
        check("kind", kind, ':', |c| matches!(c, '-' | '_' | '.'))?;
        check("name", name, '/', |c| matches!(c, '-' | '_' | '.'))?;
        Ok(Self(format!("{kind}::{name}").into()))
    }

    /// `aws:ec2:Subnet` of `aws:ec2:Subnet::net/app-a`.
    pub fn kind(&self) -> &str {
        self.0.split_once("::").map_or(&*self.0, |(kind, _)| kind)
    }

    /// `net/app-a` of `aws:ec2:Subnet::net/app-a`.
    pub fn name(&self) -> &str {
        self.0.split_once("::").map_or("", |(_, name)| name)
    }

    /// The last segment of the name, without the scopes it is in: it stays when a resource moves to another one.
    pub fn last(&self) -> &str {
        self.name().rsplit('/').next().unwrap_or_default()
    }

    /// The whole urn.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check(what: &str, text: &str, joint: char, extra: impl Fn(char) -> bool) -> Result<(), Error> {
    let problem = if text.is_empty() || text.split(joint).any(str::is_empty) {
        format!("has an empty part between its `{joint}`")
    } else if let Some(c) =
        text.chars().find(|&c| c != joint && !c.is_ascii_alphanumeric() && !extra(c))
    {
        format!(
            "has the character {c:?}; letters, digits and `-_.` are allowed, joined by `{joint}`"
        )
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Invalid, format!("the {what} {text:?} {problem}")))
}

impl FromStr for Urn {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let Some((kind, name)) = text.split_once("::") else {
            let message = format!("expected an urn like `aws:ec2:Vpc::net/vpc`, found {text:?}");
            return Err(Error::new(ErrorKind::Invalid, message));
        };
        Self::new(kind, name)
    }
}

impl TryFrom<String> for Urn {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Urn> for String {
    fn from(urn: Urn) -> Self {
        urn.as_str().to_owned()
    }
}

impl fmt::Display for Urn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Urn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
