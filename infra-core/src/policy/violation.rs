//! What a policy found.

use infra_state::{Path, Urn};

use super::Enforcement;
use crate::{plan::Step, provider::Field};

/// What a policy found. The check says what and where; the rest is filled in from the policy and the program.
///
/// **Invariant:** in a plan, nothing in it is secret in clear: the message is searched for every secret of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which policy.
    pub policy: String,
    /// What it leads to: what the policy says, or less.
    pub enforcement: Enforcement,
    /// Which resource, if it is about one.
    pub urn: Option<Urn>,
    /// Where in its inputs.
    pub path: Option<Path>,
    /// What is wrong and what would be right.
    pub message: String,
    /// Where the program declares the resource, or last did: `src/db.rs:12`.
    pub at: Option<String>,
    /// Why it is allowed here: the reason that stands with `.allow(…)`.
    pub allowed: Option<String>,
}

impl Violation {
    /// Something wrong with the plan as a whole.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            policy: String::new(),
            enforcement: Enforcement::Mandatory,
            urn: None,
            path: None,
            message: message.into(),
            at: None,
            allowed: None,
        }
    }

    /// Something wrong with what a step does.
    pub fn of(step: &Step, message: impl Into<String>) -> Self {
        Self { urn: Some(step.urn.clone()), ..Self::new(message) }
    }

    /// It lies in this field.
    #[must_use]
    pub fn field<R, T>(self, field: Field<R, T>) -> Self {
        self.path(field.path())
    }

    /// It lies there in the inputs.
    #[must_use]
    pub fn path(mut self, path: Path) -> Self {
        self.path = Some(path);
        self
    }

    /// It is only shown, however strict the policy is.
    #[must_use]
    pub fn advisory(mut self) -> Self {
        self.enforcement = Enforcement::Advisory;
        self
    }

    /// Whether it stops the plan.
    pub fn stops(&self) -> bool {
        self.enforcement == Enforcement::Mandatory && self.allowed.is_none()
    }

    /// Whether another one is about the same.
    pub(crate) fn repeats(&self, other: &Self) -> bool {
        self.policy == other.policy && self.urn == other.urn && self.path == other.path
    }
}
