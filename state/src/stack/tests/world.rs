//! What the tests are made of.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    Backend, Change, Deployment, HistoryEntry, Holder, Intent, LocalKey, Memory, Options, Outcome,
    Position, Provider, Record, Session, StackName, State, Status, Urn, Value, Verb,
    backend::{Call, Effect, Fault, Liveness},
    env::Fake,
};

pub(super) const LEASE: Duration = Duration::from_mins(1);

pub(super) fn beats() -> Memory {
    Memory::with_liveness(Liveness::Beats { lease: LEASE, every: LEASE / 3 })
}

pub(super) fn who(name: &str) -> Holder {
    Holder { who: format!("{name}@host"), command: "up".into(), pid: 7 }
}

pub(super) fn sealer() -> Arc<LocalKey> {
    Arc::new(LocalKey::from_bytes([7; 32]).with_env(Arc::new(Fake::new(1))))
}

pub(super) fn state(backend: impl Backend + 'static, env: &Fake) -> State {
    let name = StackName::new("program", "dev").unwrap();
    State::new(Arc::new(backend), sealer(), name).with_env(Arc::new(env.clone()))
}

pub(super) async fn acquired(state: &State) -> Session {
    state.acquire(who("a"), Duration::ZERO).await.unwrap()
}

pub(super) fn urn(name: &str) -> Urn {
    Urn::new("test:none:Thing", name).unwrap()
}

pub(super) fn op(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

pub(super) fn record(name: &str) -> Record {
    Record {
        urn: urn(name),
        instance: "aaaaaaaa".into(),
        version: 1,
        status: Status::Ready,
        id: Some(format!("id-{name}")),
        inputs: Value::from([("name", name.into()), ("password", Value::from("hunter2").secret())]),
        outputs: Value::map(),
        provider: None,
        dependencies: BTreeSet::new(),
        options: Options::default(),
        holds_data: false,
        created: Timestamp::UNIX_EPOCH,
        updated: Timestamp::UNIX_EPOCH,
    }
}

pub(super) fn with_provider(mut record: Record, provider: &str) -> Record {
    record.provider = Some(Provider { urn: urn(provider), identity: [].into() });
    record
}

pub(super) fn on(mut record: Record, dependencies: &[&str]) -> Record {
    record.dependencies = dependencies.iter().map(|name| urn(name)).collect();
    record
}

pub(super) fn intent(number: u128, verb: Verb, record: Record) -> Change {
    Change::Intent(Intent { op: op(number), verb, record, at: Timestamp::UNIX_EPOCH })
}

pub(super) fn deployment(number: u64) -> Deployment {
    Deployment {
        number,
        command: "up".into(),
        by: "a@host".into(),
        revision: "r1".into(),
        at: Timestamp::UNIX_EPOCH,
        cloud: None,
    }
}

pub(super) fn entry(number: u64) -> HistoryEntry {
    HistoryEntry {
        deployment: deployment(number),
        ended: Timestamp::UNIX_EPOCH,
        outcome: Outcome::Succeeded,
        summary: [("created".to_owned(), 1)].into(),
        position: Position::default(),
        graph: Some(Value::from([("password", Value::from("hunter2").secret())])),
    }
}

/// The names of what is recorded.
pub(super) fn names(snapshot: &crate::Snapshot) -> Vec<String> {
    snapshot.records.keys().map(|key| key.urn.name().to_owned()).collect()
}

/// Decides about calls, and can be told otherwise while in use.
pub(super) type Plan = Arc<Mutex<Box<dyn Fn(&Call<'_>) -> Effect + Send + Sync>>>;

/// A backend in front of `memory` that does as the plan says; it begins by passing everything.
pub(super) fn faulty(memory: &Memory, env: &Fake) -> (Fault, Plan) {
    let plan: Plan = Arc::new(Mutex::new(Box::new(|_| Effect::Pass)));
    let decides = Arc::clone(&plan);
    let fault = Fault::new(Arc::new(memory.clone()), Arc::new(env.clone()), move |call| {
        decides.lock().unwrap()(call)
    });
    (fault, plan)
}

pub(super) fn from_now(plan: &Plan, decide: impl Fn(&Call<'_>) -> Effect + Send + Sync + 'static) {
    *plan.lock().unwrap() = Box::new(decide);
}
