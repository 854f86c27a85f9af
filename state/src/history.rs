//! What is remembered of a deployment that is over.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{Deployment, Outcome, Position, Value};

/// One deployment.
#[derive(Clone, PartialEq, Debug)]
pub struct HistoryEntry {
    /// Who, what, when, of which revision of the program.
    pub deployment: Deployment,
    /// When it was over.
    pub ended: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// How many of what: `created`, `updated`, … The words are the writer's.
    pub summary: BTreeMap<String, u64>,
    /// The state it left. What is given to [`Session::close`](crate::Session::close) is overwritten with the truth.
    pub position: Position,
    /// The graph it executed, if a rollback shall be possible. Secrets in it are sealed.
    pub graph: Option<Value>,
}
