//! What a look at one stack came to.

use std::collections::BTreeMap;

use infra_state::Urn;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Finding, Severity, What};

/// What a look at one stack came to. Reports of many stacks are merged by being put side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Program and stack, `qledger-ha/prod`.
    pub stack: String,
    /// The cloud's name.
    pub cloud: String,
    /// Where the state lives.
    pub state: String,
    /// When the look began.
    pub at: Timestamp,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// A deployment in progress, or one that was cut off: who and since when. What it works on is not drift.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_progress: Option<String>,
    /// How many objects were compared.
    pub checked: usize,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
    /// What could not be compared, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unchecked: Vec<Unchecked>,
    /// Things to know that are no drift.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
    /// Calls to each service.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub calls: BTreeMap<String, u64>,
    /// Why the look failed as a whole: nothing is known of the stack then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// A resource that could not be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unchecked {
    /// Which; `KIND::orphans` and `KIND::unmanaged` stand for objects that no state knows, where they could not be listed.
    pub urn: Urn,
    /// Why: the program does not know its kind, it may not be read, …
    pub why: String,
}

/// What stands for the orphans of a kind that could not be listed.
const ORPHANS: &str = "orphans";
/// What stands for what nobody manages where it could not be listed.
const UNMANAGED: &str = "unmanaged";

impl Unchecked {
    /// The objects of a kind could not be listed: `KIND::orphans`.
    pub(crate) fn orphans(kind: &str, why: String) -> Option<Self> {
        Some(Self { urn: Urn::new(kind, ORPHANS).ok()?, why })
    }

    /// What is in a network could not be listed: `KIND::unmanaged`, with the kind of the provider.
    pub(crate) fn unmanaged(kind: &str, why: String) -> Option<Self> {
        Some(Self { urn: Urn::new(kind, UNMANAGED).ok()?, why })
    }

    /// Whether it stands for such objects.
    pub(crate) fn lists(&self, what: What) -> bool {
        self.hides(self.urn.kind(), what)
    }

    /// Whether objects of this kind that no state knows may be there and not have been found.
    pub(crate) fn hides(&self, kind: &str, what: What) -> bool {
        match self.urn.name() {
            ORPHANS => what == What::Orphan && self.urn.kind() == kind,
            // Parts of what is the stack's are found in the same lists.
            UNMANAGED => matches!(what, What::Orphan | What::Unmanaged),
            _ => false,
        }
    }
}

impl Report {
    /// The worst that was found.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    /// Whether everything could be looked at.
    pub fn is_whole(&self) -> bool {
        self.failed.is_none() && self.unchecked.is_empty()
    }
}
