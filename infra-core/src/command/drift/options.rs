//! What a look is asked for.

use std::collections::BTreeSet;

use infra_state::Urn;

use crate::drift::Severity;

/// Which orphans are looked for: each kind costs a listing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Orphans {
    /// None.
    None,
    /// Those of the kinds that the stack uses.
    #[default]
    Used,
    /// Those of every kind that the program knows.
    All,
}

/// What a look is asked for.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent options")]
pub struct DriftOptions {
    /// The stack is another program's: what is recorded is compared with what is there, and nothing is wanted.
    pub recorded_only: bool,
    /// The sealing key is not at hand: secret fields are not compared.
    pub without_key: bool,
    /// Only these resources; empty: all. What was put into an object of the stack is none of them.
    pub only: BTreeSet<Urn>,
    /// Only what is at least this bad.
    pub severity: Severity,
    /// Which orphans are looked for.
    pub orphans: Orphans,
    /// Everything that nobody manages in the containers (a VPC) that the stack knows is looked for.
    pub unmanaged: bool,
    /// The clouds are asked who did it.
    pub actors: bool,
    /// What violates a policy as it is recorded is reported too, not only what somebody made violate it.
    pub policies: bool,
    /// These may be made anew: what is done about a finding depends on it.
    pub allow_replace: BTreeSet<Urn>,
    /// Capacity that somebody added may go again.
    pub allow_shrink: bool,
}

impl Default for DriftOptions {
    fn default() -> Self {
        Self {
            recorded_only: false,
            without_key: false,
            only: BTreeSet::new(),
            severity: Severity::Info,
            orphans: Orphans::default(),
            unmanaged: false,
            actors: true,
            policies: false,
            allow_replace: BTreeSet::new(),
            allow_shrink: false,
        }
    }
}

impl DriftOptions {
    /// Whether a resource is asked about.
    pub(super) fn is_asked(&self, urn: &Urn) -> bool {
        self.only.is_empty() || self.only.contains(urn)
    }
}
