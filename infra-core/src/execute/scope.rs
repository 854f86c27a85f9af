//! What every operation of a run works with.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use infra_state::{
    Change, Env, EnvExt, Identity, Instance, Intent, Record, Session, Urn, Value, Verb,
};
use uuid::Uuid;

use super::{connections::Connections, object::doubted, poll::Poller};
use crate::{
    Engine, Error, ErrorKind, Result,
    event::{Event, Events},
    plan::StepId,
    policy::Pack,
    provider::{Class, Driver, Error as CallError, Operation, Registry},
    scrub::Scrub,
};

/// What every operation of a run works with: the session, the connections, the clock, the secrets it has seen.
pub(crate) struct Scope {
    pub(crate) session: Arc<Session>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) registry: Registry,
    pub(crate) env: Arc<dyn Env>,
    pub(crate) events: Events,
    pub(crate) poller: Poller,
    pub(crate) scrub: Scrub,
    pub(crate) policies: Pack,
    identity: Identity,
}

impl Scope {
    pub(crate) fn new(
        engine: &Engine,
        session: Arc<Session>,
        connections: Arc<Connections>,
    ) -> Self {
        Self {
            connections,
            registry: engine.registry.clone(),
            env: Arc::clone(&engine.env),
            events: engine.events.clone(),
            poller: Poller::new(Arc::clone(&engine.env)),
            scrub: Scrub::default(),
            policies: engine.policies.clone(),
            identity: session.identity(),
            session,
        }
    }

    /// The operation `id` on this object.
    pub(crate) fn operation(&self, id: Uuid, urn: &Urn, instance: &Instance) -> Operation {
        Operation {
            id,
            stack: self.identity.stack.clone(),
            lineage: self.identity.lineage,
            urn: urn.clone(),
            instance: instance.clone(),
        }
    }

    pub(crate) fn new_operation(&self, urn: &Urn, instance: &Instance) -> Operation {
        self.operation(self.env.uuid(), urn, instance)
    }

    /// Makes changes durable.
    pub(crate) async fn commit(&self, changes: Vec<Change>) -> Result<()> {
        self.session.commit(changes).await.map_err(Error::from)
    }

    /// Makes durable what is about to be done, before it is.
    pub(crate) async fn intend(&self, op: Uuid, verb: Verb, record: Record) -> Result<()> {
        let intent = Intent { op, verb, record, at: self.env.now() };
        self.commit(vec![Change::Intent(intent)]).await
    }

    /// The driver of a kind.
    pub(crate) fn driver(&self, urn: &Urn) -> Result<Arc<dyn Driver>> {
        self.registry.get(urn.kind()).cloned().ok_or_else(|| {
            let message = format!("{urn} is of a kind that this program does not know");
            Error::new(ErrorKind::Failed, message)
        })
    }

    /// Until when a resource, or something that it refers to, may only be not visible yet: it was made or changed not
    /// long ago, by this run or an earlier one.
    pub(crate) fn visible(&self, urn: &Urn, uses: &BTreeSet<Urn>) -> Duration {
        let records: Vec<Arc<Record>> = self.session.with(|snapshot| {
            let records = uses.iter().chain([urn]).filter_map(|used| snapshot.current(used));
            records.cloned().collect()
        });
        let until = |used: &Arc<Record>| {
            let driver = self.driver(&used.urn).ok()?;
            // Connections and secrets are nothing that shows in a cloud.
            driver.provider_kind()?;
            Some(doubted(&*self.env, used, driver.once().window))
        };
        records.iter().filter_map(until).max().unwrap_or_default()
    }

    /// What a call said, for the person who must act, without secrets.
    pub(crate) fn failure(&self, error: &CallError) -> Error {
        let kind = match error.class() {
            Class::Fenced => ErrorKind::Interrupted,
            _ => ErrorKind::Failed,
        };
        Error::new(kind, self.scrub.clean(error.to_string()))
    }

    pub(crate) fn progress(&self, step: Option<StepId>, urn: &Urn, text: impl Into<String>) {
        if let Some(step) = step {
            let text = self.scrub.clean(text);
            self.events.send(Event::StepProgress { step, urn: urn.clone(), text });
        }
    }

    pub(crate) fn learn(&self, record: &Record) {
        self.scrub.learn(&record.inputs);
        self.scrub.learn(&record.outputs);
    }

    /// A random part of `most`, at least half of it: retries of many that failed together spread out.
    pub(crate) fn jitter(&self, most: Duration) -> Duration {
        let mut byte = [0];
        self.env.random(&mut byte);
        most / 2 + most.mul_f64(f64::from(byte[0]) / 512.0)
    }
}

/// Whether the inputs are those that were planned, wherever those were known. (A field that was known in part may
/// have been brought into another spelling as a whole since.)
pub(crate) fn keeps_to(planned: &Value, actual: &Value) -> bool {
    let (Some(planned), Some(actual)) = (planned.as_map(), actual.as_map()) else {
        return planned.has_unknown() || planned.same(actual);
    };
    let kept = |(field, planned): (&String, &Value)| {
        // An optional output that turns out to be absent leaves its field unset.
        planned.has_unknown() || actual.get(field).is_some_and(|actual| planned.same(actual))
    };
    planned.iter().all(kept) && actual.keys().all(|field| planned.contains_key(field))
}
