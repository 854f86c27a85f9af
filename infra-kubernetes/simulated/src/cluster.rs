//! The cluster itself, and one call from beginning to end.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use infra_world::{Error as OpenError, Journal, Mode};
use serde_json::{Value, json};

use crate::api::{self, Request};
use crate::body::Body;
use crate::calls::{Call, Calls};
use crate::control;
use crate::failure::Failure;
use crate::faults::{Faults, Rules};
use crate::json::{self, at, items};
use crate::settings::Settings;
use crate::store::{Notes, Store};
use crate::time::now;

/// Where the faults are kept.
const FAULTS: &str = "+faults";

/// The embedded Kubernetes. Cheap to clone: clones are the same cluster.
#[derive(Clone, Debug)]
pub struct Kubernetes {
    pub(crate) core: Arc<Core>,
    faults: Faults,
}

/// The cluster behind all its handles.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) settings: Settings,
    pub(crate) calls: Calls,
    held: Mutex<Held>,
}

/// What one call at a time may touch.
#[derive(Debug)]
struct Held {
    store: Store,
    /// Where it is kept, if it is.
    journal: Option<Journal>,
    /// When the controllers must look again.
    wake: i64,
}

/// What a call works with.
pub(crate) struct Turn<'a> {
    pub(crate) store: &'a mut Store,
    pub(crate) rules: Rules,
    pub(crate) now: i64,
}

impl Kubernetes {
    /// A cluster that is gone with the process.
    pub fn memory(settings: Settings) -> Self {
        Self::made(settings, Store::default(), None)
    }

    /// A cluster kept in `dir`, sealed with `key`; several processes may have it open at once.
    pub fn open(dir: &Path, key: &[u8; 32], settings: Settings) -> Result<Self, OpenError> {
        let mut store = Store::default();
        let journal = Journal::open(dir, key, &mut store)?;
        Ok(Self::made(settings, store, Some(journal)))
    }

    fn made(settings: Settings, store: Store, journal: Option<Journal>) -> Self {
        let held = Mutex::new(Held { store, journal, wake: 0 });
        let core = Arc::new(Core { settings, calls: Calls::default(), held });
        Self { faults: Faults(Arc::clone(&core)), core }
    }

    /// The cluster as it is at this moment, in memory: what happens to one does not happen to the other.
    #[must_use]
    pub fn copied(&self) -> Self {
        let mut store = Store::default();
        store.apply(self.core.held().store.everything());
        Self::made(self.core.settings.clone(), store, None)
    }

    /// The faults, to switch on and off.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Every request that reached the API in this process, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.core.calls.all()
    }

    /// Forgets the requests so far.
    pub fn clear_calls(&self) {
        self.core.calls.clear();
    }

    /// What users made: neither what a new cluster has of itself, nor what its controllers made.
    pub fn objects(&self) -> Vec<Value> {
        let listed = self.core.turn(|turn| {
            let tables: Vec<_> = turn.store.tables().map(str::to_owned).collect();
            let tables = tables.into_iter().filter(|it| it != "events" && !it.starts_with('+'));
            let mut all = Vec::new();
            for table in tables {
                let rows =
                    turn.store.all(&table).filter(|(_, record)| !record.notes.contains_key("own"));
                let rows = rows.map(|(_, record)| &record.object).filter(|it| !is_made(it));
                all.extend(rows.map(|it| Value::clone(it)));
            }
            all
        });
        listed.unwrap_or_default()
    }
}

/// Whether a controller made the object.
fn is_made(object: &Value) -> bool {
    items(object, "metadata.ownerReferences").iter().any(|it| it["controller"] == true)
        || at(object, "metadata.annotations").get("pv.kubernetes.io/provisioned-by").is_some()
}

impl Core {
    fn held(&self) -> MutexGuard<'_, Held> {
        // A panic in one call does not end the cluster.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets happen what is due, and then does one thing.
    pub(crate) fn turn<T>(&self, act: impl FnOnce(&mut Turn<'_>) -> T) -> Result<T, Failure> {
        let mut held = self.held();
        let result = self.turn_in(&mut held, act);
        result.map_err(|error| {
            // What is in memory is no longer what is on disk: the next call reads it again.
            held.store = Store::default();
            held.wake = 0;
            if let Some(journal) = &mut held.journal {
                journal.reread();
            }
            Failure::internal(format!("Internal error occurred: {error}"))
        })
    }

    fn turn_in<T>(
        &self,
        held: &mut Held,
        act: impl FnOnce(&mut Turn<'_>) -> T,
    ) -> Result<T, OpenError> {
        let Held { store, journal, wake } = held;
        let known = store.revision();
        let entered = match journal {
            // The controllers write whatever the call does.
            Some(journal) => Some(journal.enter(store, Mode::Write)?),
            None => None,
        };
        let now = now();
        if store.revision() == 0 {
            control::begin(store, &self.settings, now);
        }
        let rules = rules(store);
        if *wake == 0 {
            // Who was away begins where the cluster was left.
            *wake = store.last_noted().unwrap_or(now).min(now);
        } else if store.revision() != known {
            *wake = now.min(*wake);
        }
        if *wake <= now {
            *wake = control::settle(store, &self.settings, &rules, *wake, now);
        }
        let before = store.revision();
        let result = act(&mut Turn { store, rules, now });
        if store.revision() != before {
            *wake = now;
        }
        let changes = store.take_changes();
        if let Some(journal) = journal
            && !changes.is_empty()
        {
            journal.commit(store, &changes)?;
        }
        drop(entered);
        Ok(result)
    }

    /// Changes the faults.
    pub(crate) fn change_rules(&self, change: impl FnOnce(&mut Rules)) {
        let changed = self.turn(|turn| {
            let mut rules = turn.rules.clone();
            change(&mut rules);
            write_rules(turn, &rules);
        });
        if let Err(failure) = changed {
            tracing::error!(message = failure.message, "the fault is not kept");
        }
    }

    /// Answers one request; an error is a connection that fails.
    pub(crate) fn answer(
        self: &Arc<Self>,
        request: &Request,
    ) -> std::io::Result<http::Response<Body>> {
        let verb = request.verb();
        let refused = self.turn(|turn| {
            let mut rules = turn.rules.clone();
            let status = rules.refusal(verb, &request.path);
            write_rules(turn, &rules);
            status
        });
        let response = match refused {
            Err(failure) => api::refusal(&failure),
            Ok(Some(status)) => api::refusal(&refusal(status)),
            Ok(None) => api::answer(self, request),
        };
        let lost = self.turn(|turn| {
            let mut rules = turn.rules.clone();
            let lost = rules.loses_reply(verb, &request.path);
            write_rules(turn, &rules);
            lost
        });
        let lost = lost.unwrap_or(false);
        let status = if lost { 0 } else { response.status().as_u16() };
        tracing::trace!(verb, path = request.path, status, "call");
        self.calls.note(Call {
            verb,
            path: request.path.clone(),
            query: request.raw_query.clone(),
            status,
        });
        if lost {
            let kind = std::io::ErrorKind::ConnectionReset;
            return Err(std::io::Error::new(kind, "connection lost (fault)"));
        }
        Ok(response)
    }
}

fn rules(store: &Store) -> Rules {
    let kept = store.get(FAULTS, "", "rules").map(|it| at(it, "rules").clone());
    kept.and_then(|it| serde_json::from_value(it).ok()).unwrap_or_default()
}

fn write_rules(turn: &mut Turn<'_>, rules: &Rules) {
    if *rules != turn.rules {
        let mut document = json!({"metadata": {"name": "rules"}});
        json::put(&mut document, "rules", json!(rules));
        turn.store.put(FAULTS, document, Notes::new());
    }
}

fn refusal(status: u16) -> Failure {
    match status {
        429 => {
            let message =
                "the server has received too many requests and has asked us to try again later";
            let mut failure = Failure::new(429, "TooManyRequests", message);
            failure.details = Some(json!({"retryAfterSeconds": 1}));
            failure
        }
        503 => Failure::new(
            503,
            "ServiceUnavailable",
            "the server is currently unable to handle the request",
        ),
        500 => Failure::internal("Internal error occurred: etcdserver: request timed out"),
        403 => {
            Failure::new(403, "Forbidden", "forbidden: User \"simulated\" cannot do this (fault)")
        }
        401 => Failure::new(401, "Unauthorized", "Unauthorized"),
        409 => Failure::new(
            409,
            "Conflict",
            "Operation cannot be fulfilled: the object has been modified; please apply your changes to the latest version and try again",
        ),
        other => Failure::new(other, "InternalError", format!("refused with {other} (fault)")),
    }
}
