//! Who does what: the scenarios that are explored.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use infra_state::{
    Backend, Change, Deployment, Error, ErrorKind, HistoryEntry, Holder, Limits, LocalKey, Memory,
    Options, Outcome, Position, Record, Session, Snapshot, StackName, State, Status, Urn, Value,
    backend::Liveness,
    env::{Env, Fake},
};
use jiff::Timestamp;

use super::{
    exchange::{Actor, Exchange},
    gate::{Clock, Gate, LEASE},
    promise::Notes,
};

pub(crate) const STACK: &str = "program/dev";
/// Longer than any path.
const WAIT: Duration = Duration::from_hours(1);

/// What an actor does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Script {
    /// So many times: takes the lock, commits so often, closes.
    Holder { rounds: usize, commits: usize },
    /// Reads so often.
    Reader(usize),
    /// Removes the stack, if it is empty.
    Remover,
}

/// Who meets whom, and how much may go wrong in one path.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) actors: Vec<Script>,
    /// What was there before; `None` if the stack was never made.
    pub(crate) before: Option<usize>,
    /// How often time passes, each time a little more than half a lease.
    pub(crate) ticks: usize,
    /// How many calls are lost or late or slow, and how many processes die.
    pub(crate) faults: usize,
    /// How often a person does something to the lock.
    pub(crate) people: usize,
    pub(crate) limits: Limits,
}

pub(crate) fn state(backend: impl Backend + 'static, env: impl Env + 'static) -> State {
    let sealer = LocalKey::from_bytes([7; 32]).with_env(Arc::new(Fake::new(1)));
    let name = StackName::new("program", "dev").unwrap();
    State::new(Arc::new(backend), Arc::new(sealer), name).with_env(Arc::new(env))
}

pub(crate) fn clock(exchange: &Exchange, actor: Actor) -> Clock {
    Clock { exchange: exchange.clone(), actor, chance: Fake::new(100 + actor as u64) }
}

fn urn() -> Urn {
    Urn::new("test:none:Log", "log").unwrap()
}

/// The commits that a state knows of, in their order.
pub(crate) fn known(snapshot: &Snapshot) -> Vec<String> {
    let urn = urn();
    let Some(record) = snapshot.current(&urn) else { return Vec::new() };
    let entries = record.inputs.get("entries").and_then(Value::as_list).unwrap_or_default();
    entries.iter().filter_map(|entry| entry.as_str().map(str::to_owned)).collect()
}

/// A commit that adds `mark` to all that the session knows: one that is lost, doubled or out of order shows in every
/// later one.
fn adding(session: &Session, mark: &str) -> Vec<Change> {
    let mut entries = session.with(known);
    entries.push(mark.to_owned());
    let entries = Value::List(entries.into_iter().map(Value::from).collect());
    vec![Change::Put(Record {
        urn: urn(),
        instance: "aaaaaaaa".into(),
        version: 1,
        status: Status::Ready,
        id: Some("id".to_owned()),
        inputs: Value::from([("entries", entries)]),
        outputs: Value::map(),
        provider: None,
        dependencies: BTreeSet::new(),
        options: Options::default(),
        holds_data: false,
        created: Timestamp::UNIX_EPOCH,
        updated: Timestamp::UNIX_EPOCH,
    })]
}

pub(crate) fn who(name: &str) -> Holder {
    Holder { who: name.to_owned(), command: "up".to_owned(), pid: 7 }
}

fn entry() -> HistoryEntry {
    HistoryEntry {
        deployment: Deployment {
            number: 1,
            command: "up".to_owned(),
            by: "a@host".to_owned(),
            revision: String::new(),
            at: Timestamp::UNIX_EPOCH,
            cloud: None,
        },
        ended: Timestamp::UNIX_EPOCH,
        outcome: Outcome::Succeeded,
        summary: [].into(),
        position: Position::default(),
        graph: None,
    }
}

/// The world before anybody came. Making it costs as much as a path, and it is always the same.
pub(crate) fn base(scenario: &Scenario) -> Memory {
    static MADE: Mutex<BTreeMap<Option<usize>, Memory>> = Mutex::new(BTreeMap::new());

    let mut made = MADE.lock().unwrap();
    made.entry(scenario.before).or_insert_with(|| make(scenario)).copied()
}

fn make(scenario: &Scenario) -> Memory {
    let memory = Memory::with_liveness(Liveness::Beats { lease: LEASE, every: LEASE / 3 });
    let Some(commits) = scenario.before else { return memory };
    let state = state(memory.clone(), clock(&Exchange::default(), 9)).with_limits(scenario.limits);
    super::run::now(async {
        let session = state.acquire(who("before"), Duration::ZERO).await?;
        for n in 0..commits {
            session.commit(adding(&session, &format!("before-{n}"))).await?;
        }
        session.close(entry()).await
    });
    memory
}

/// One deployment on a world that answers at once: what it found, and what it left.
pub(crate) fn deploy(memory: &Memory, mark: &str) -> Result<(Vec<String>, Vec<String>), Error> {
    use futures_util::FutureExt;

    let exchange = Exchange::default();
    exchange.lock().time = Duration::from_hours(10);
    let chance = Fake::new(mark.bytes().map(u64::from).sum());
    let state = state(memory.clone(), Clock { exchange, actor: 9, chance });
    let state = state.with_limits(Limits { segments: 0, bytes: 0, fences: 64 });
    let run = async {
        let session = state.acquire(who(mark), Duration::ZERO).await?;
        let found = session.with(known);
        session.commit(adding(&session, mark)).await?;
        session.close(entry()).await?;
        let view = state.read().await?.expect("it was just written");
        state.history(100).await?;
        Ok((found, known(&view.snapshot)))
    };
    run.now_or_never().expect("memory answers at once")
}

impl Script {
    pub(crate) fn start(
        self,
        actor: Actor,
        exchange: &Exchange,
        notes: &Arc<Mutex<Notes>>,
        scenario: &Scenario,
    ) -> Pin<Box<dyn Future<Output = ()>>> {
        let gate = Gate { exchange: exchange.clone(), actor };
        let state = state(gate, clock(exchange, actor)).with_limits(scenario.limits);
        let notes = Arc::clone(notes);
        match self {
            Self::Holder { rounds, commits } => Box::pin(async move {
                for round in 0..rounds {
                    if hold(&state, actor, round, commits, &notes).await.is_none() {
                        return;
                    }
                }
            }),
            Self::Reader(times) => Box::pin(async move {
                for _ in 0..times {
                    let promised = notes.lock().unwrap().promised();
                    let view = state.read().await;
                    let found = view.map(|view| view.map(|view| known(&view.snapshot)));
                    notes.lock().unwrap().read(promised, found);
                }
            }),
            Self::Remover => Box::pin(async move {
                let removed = state.remove(who("remover"), WAIT).await;
                if let Err(error) = removed {
                    let refused = error.kind() == ErrorKind::Invalid;
                    notes.lock().unwrap().refused(&error, refused);
                }
            }),
        }
    }
}

async fn hold(
    state: &State,
    actor: Actor,
    round: usize,
    commits: usize,
    notes: &Mutex<Notes>,
) -> Option<()> {
    let session = match state.acquire(who(&format!("{actor}")), WAIT).await {
        Ok(session) => Arc::new(session),
        Err(error) => {
            notes.lock().unwrap().refused(&error, false);
            return None;
        }
    };
    notes.lock().unwrap().opened(actor, &session);
    for n in 0..commits {
        let mark = format!("{}.{actor}.{round}.{n}", session.epoch());
        match session.commit(adding(&session, &mark)).await {
            Ok(()) => notes.lock().unwrap().acknowledged(mark),
            Err(error) => {
                notes.lock().unwrap().refused(&error, false);
                break;
            }
        }
    }
    if let Err(error) = session.close(entry()).await {
        notes.lock().unwrap().refused(&error, false);
    }
    notes.lock().unwrap().died(actor);
    Some(())
}
