//! One thing that is not as it should be.

use infra_state::Urn;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::Severity;

/// One object that is not as it should be.
///
/// **Invariant:** nothing in it is secret in clear: values are those of [`report::shown`](crate::report::shown), texts
/// are scrubbed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The resource; `None` for an object that no state knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urn: Option<Urn>,
    /// Its kind; the cloud's own word where this program has none for it.
    pub kind: String,
    /// The cloud's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What happened to it.
    pub what: What,
    /// How bad that is.
    pub severity: Severity,
    /// The rule that says so.
    pub rule: String,
    /// One sentence for the person who must act.
    pub message: String,
    /// The fields that differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldDrift>,
    /// Where the program declares the resource, `src/main.rs:12:5`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Who did it, where the cloud tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Actor>,
    /// What `--fix` does about it.
    pub repair: Repair,
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// It is there, and fields differ from what is recorded.
    Changed,
    /// It is gone.
    Deleted,
    /// Another object stands in its place: the same name, made by somebody else.
    Replaced,
    /// It is there and cannot be used: it failed, or is scheduled for deletion.
    Broken,
    /// It says that it is this stack's, and no state knows it.
    Orphan,
    /// Nobody manages it, and it is where the stack is.
    Unmanaged,
    /// It is as recorded, and a policy does not allow it to be so.
    Violation,
}

impl What {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Changed,
        Self::Deleted,
        Self::Replaced,
        Self::Broken,
        Self::Orphan,
        Self::Unmanaged,
        Self::Violation,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Deleted => "deleted",
            Self::Replaced => "replaced",
            Self::Broken => "broken",
            Self::Orphan => "orphan",
            Self::Unmanaged => "unmanaged",
            Self::Violation => "violation",
        }
    }
}

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldDrift {
    /// Where in the inputs: `tags.team`, `rules[0].port`.
    pub path: String,
    /// What was recorded; `None`: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Json>,
    /// What is there; `None`: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Json>,
    /// What the program wants; `None`: nothing, or there is no program to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired: Option<Json>,
    /// How bad this field alone is.
    pub severity: Severity,
    /// The rule that says so.
    pub rule: String,
}

/// Who did something, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Who: an ARN, a user name, a field manager.
    pub who: String,
    /// When.
    pub at: Timestamp,
    /// What they called: `AuthorizeSecurityGroupIngress`.
    pub what: String,
    /// From where: an address, a service's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// What `--fix` does about a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "action", content = "why")]
pub enum Repair {
    /// It is changed back in place.
    Update,
    /// It is made again.
    Create,
    /// It is left alone, and why: what would help.
    Nothing(String),
}
