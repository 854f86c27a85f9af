//! The latest changes, for those who watch.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;

use super::record::Key;

/// How many changes are remembered; who asks for older ones must list again.
const REMEMBERED: usize = 5000;

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    Added,
    Modified,
    Deleted,
}

/// One change.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) revision: u64,
    pub(crate) table: String,
    pub(crate) key: Key,
    pub(crate) happened: Happened,
    /// As it is now; of what is deleted, as it was last.
    pub(crate) object: Arc<Value>,
    /// As it was before.
    pub(crate) before: Option<Arc<Value>>,
}

/// The latest changes, oldest first.
#[derive(Debug, Default)]
pub(crate) struct History {
    events: VecDeque<Event>,
    /// Changes up to this revision are not known any more.
    forgotten: u64,
}

/// What a watcher gets.
pub(crate) enum Seen {
    Events(Vec<Event>),
    /// What it asks for is too old.
    Gone(u64),
}

impl History {
    pub(super) fn push(&mut self, event: Event) {
        if self.events.len() == REMEMBERED
            && let Some(oldest) = self.events.pop_front()
        {
            self.forgotten = oldest.revision;
        }
        self.events.push_back(event);
    }

    /// Nothing before this revision is known.
    pub(super) fn begin_at(&mut self, revision: u64) {
        self.events.clear();
        self.forgotten = revision;
    }

    pub(super) fn since(&self, revision: u64, table: &str) -> Seen {
        if revision < self.forgotten {
            return Seen::Gone(self.forgotten);
        }
        let start = self.events.partition_point(|event| event.revision <= revision);
        let events = self.events.range(start..).filter(|event| event.table == table);
        Seen::Events(events.cloned().collect())
    }
}
