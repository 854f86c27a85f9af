//! What a stack needs of a cloud, and the policies that grant it.

use std::collections::BTreeSet;

use infra_state::{ProviderIdentity, StackName, Urn, Value};

use super::Grant;

/// What a policy is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// Everything: `up`, `destroy`, `state rebuild`.
    #[default]
    Deploy,
    /// Only looking: `drift`, `preview --refresh`.
    Drift,
    /// Looking at every stack of a place: `drift --all-stacks`. It reads all states of the place, and writes only what
    /// several processes tell each other there.
    Fleet,
}

impl Purpose {
    /// `deploy`, `drift` or `fleet`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Drift => "drift",
            Self::Fleet => "fleet",
        }
    }

    /// The purpose of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Deploy, Self::Drift, Self::Fleet].into_iter().find(|it| it.name() == name)
    }

    /// Whether nothing in a cloud is changed.
    pub fn only_looks(self) -> bool {
        self != Self::Deploy
    }
}

/// What a stack needs of one cloud.
#[derive(Clone, Debug)]
pub struct Needs {
    /// The stack.
    pub stack: StackName,
    /// Names that it had before: its older objects say those.
    pub formerly: Vec<StackName>,
    /// What for.
    pub purpose: Purpose,
    /// What is done through each of its providers.
    pub places: Vec<Place>,
    /// Where its state is: `s3://…`.
    pub state: Option<String>,
    /// What seals its secrets: `kms:…`.
    pub key: Option<String>,
}

/// What is done through one provider.
#[derive(Clone, Debug)]
pub struct Place {
    /// The provider.
    pub provider: Urn,
    /// How it is configured, as far as that is known.
    pub config: Value,
    /// Where it was found to point when something was made through it; empty before that.
    pub identity: ProviderIdentity,
    /// What is needed.
    pub grants: BTreeSet<Grant>,
    /// What is needed for objects that the stack takes over: they do not say yet that they are the stack's.
    pub adopting: BTreeSet<Grant>,
}

/// The policies of one cloud.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    /// The documents, each within the cloud's limits; together they allow what was asked for.
    pub documents: Vec<PolicyDocument>,
    /// What of it no call is named after.
    pub implied: Vec<Implied>,
}

/// One policy document.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyDocument {
    /// `deploy`, or `deploy-2` where one document is too small.
    pub name: String,
    /// The document.
    pub json: serde_json::Value,
}

/// A permission that a call needs beside the one that it is named after.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Implied {
    /// `iam:PassRole`.
    pub action: String,
    /// When it is asked for.
    pub when: String,
    /// Where the cloud's documentation says so.
    pub source: String,
}
