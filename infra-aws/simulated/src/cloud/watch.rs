//! Watching calls from where they are made.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Call, Cloud};

/// A moment in the life of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// It is about to be sent: nothing has happened.
    Sent,
    /// It was carried out (or refused, or lost), and its caller does not know yet.
    Answered,
}

type Watch = dyn Fn(Moment, &Call) + Send + Sync;

/// Who is told of each call.
#[derive(Default)]
pub(super) struct Watcher(Mutex<Option<Arc<Watch>>>);

impl Watcher {
    pub(super) fn tell(&self, moment: Moment, call: &Call) {
        let watch = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(watch) = watch {
            watch(moment, call);
        }
    }
}

impl Cloud {
    /// From now on `watch` is told of every call that comes through this process, before it is sent and before its
    /// caller hears the answer; [`Call::status`] is 0 before. It is called in the caller's own task, so it can tell by a
    /// task-local whose call it is, and what it looks at is as it is between two steps of the caller.
    pub fn watch(&self, watch: impl Fn(Moment, &Call) + Send + Sync + 'static) {
        let mut watcher = self.watcher().0.lock().unwrap_or_else(PoisonError::into_inner);
        *watcher = Some(Arc::new(watch));
    }
}
