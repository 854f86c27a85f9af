//! What was called.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// How many calls are remembered.
const REMEMBERED: usize = 100_000;

/// One request that reached the API in this process.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `apply`, `delete`, `deletecollection`.
    pub verb: &'static str,
    /// `/apis/apps/v1/namespaces/default/deployments/web`.
    pub path: String,
    /// `fieldManager=infra&force=true`, as it was sent.
    pub query: String,
    /// The HTTP status of the reply; 0 when it was lost.
    pub status: u16,
}

impl Call {
    /// Whether it could change anything: a dry run cannot.
    pub fn mutating(&self) -> bool {
        !matches!(self.verb, "get" | "list" | "watch") && !self.query.contains("dryRun=All")
    }
}

/// The calls so far.
#[derive(Debug, Default)]
pub(crate) struct Calls(Mutex<VecDeque<Call>>);

impl Calls {
    pub(crate) fn note(&self, call: Call) {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.len() == REMEMBERED {
            calls.pop_front();
        }
        calls.push_back(call);
    }

    pub(crate) fn all(&self) -> Vec<Call> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
