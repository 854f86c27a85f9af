//! The policies of a program, and how each is enforced.

use std::{collections::BTreeMap, fmt, sync::Arc};

use super::{Enforcement, IntoPolicy, Policy};
use crate::config::did_you_mean;

/// Policies, each with how it is enforced here. Cheap to clone.
#[derive(Clone, Default)]
pub struct Pack(Arc<BTreeMap<String, Set>>);

#[derive(Clone)]
struct Set {
    policy: Policy,
    /// `None`: it is off.
    enforcement: Option<Enforcement>,
}

impl Pack {
    /// These policies, enforced as they say. Of two with one name the later counts.
    pub fn new<P: IntoPolicy>(policies: impl IntoIterator<Item = P>) -> Self {
        policies.into_iter().fold(Self::default(), Self::with)
    }

    /// No policy at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// The same and one more, in place of one with its name.
    #[must_use]
    pub fn with(mut self, policy: impl IntoPolicy) -> Self {
        let policy = policy.into_policy();
        let set = Set { enforcement: Some(policy.enforcement()), policy };
        Arc::make_mut(&mut self.0).insert(set.policy.name().to_owned(), set);
        self
    }

    /// The same, with one of them enforced like this; `None`: not asked. The error names one that may have been meant.
    pub fn set(mut self, name: &str, enforcement: Option<Enforcement>) -> Result<Self, String> {
        let wrong = self.unknown(name);
        match Arc::make_mut(&mut self.0).get_mut(name) {
            Some(set) => set.enforcement = enforcement,
            None => return Err(wrong.unwrap_or_default()),
        }
        Ok(self)
    }

    /// The same, for a stack that is not production.
    #[must_use]
    pub(crate) fn outside_production(mut self) -> Self {
        for set in Arc::make_mut(&mut self.0).values_mut() {
            if set.policy.is_only_production() {
                set.enforcement = None;
            }
        }
        self
    }

    /// All policies with how they are enforced, in the order of their names; `None`: it is off.
    pub fn iter(&self) -> impl Iterator<Item = (&Policy, Option<Enforcement>)> {
        self.0.values().map(|set| (&set.policy, set.enforcement))
    }

    /// What is wrong with a name that no policy has.
    pub(crate) fn unknown(&self, name: &str) -> Option<String> {
        if self.0.contains_key(name) {
            return None;
        }
        let known: Vec<&str> = self.0.keys().map(String::as_str).collect();
        Some(format!("this program has no policy `{name}`{}", did_you_mean(name, &known)))
    }

    /// Those that are asked.
    pub(super) fn asked(&self) -> impl Iterator<Item = (&Policy, Enforcement)> {
        self.iter().filter_map(|(policy, enforcement)| Some((policy, enforcement?)))
    }
}

impl fmt::Debug for Pack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = self.0.iter().map(|(name, set)| (name, set.enforcement));
        f.debug_map().entries(set).finish()
    }
}
