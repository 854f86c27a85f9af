//! One world, one choice at a time.

use std::{
    collections::BTreeMap,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    pin::Pin,
    str::FromStr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Wake, Waker},
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use infra_state::{Backend, Memory, backend::Leases};
use uuid::Uuid;

use super::{
    exchange::{Actor, Call, Exchange, Reply},
    gate::LEASE,
    mutant::{Mutant, effect},
    promise::Notes,
    script::{STACK, Scenario, base},
};

/// How far time goes at once: whoever has not renewed since has to stop; after two, others may take over.
const TICK: Duration = LEASE.saturating_mul(11).checked_div(20).unwrap();
const NAMES: [char; 4] = ['a', 'b', 'c', 'd'];

/// A choice of the explorer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Step {
    /// The call that an actor (or its heartbeat) waits for is done and answered; a nap is over.
    Grant(Actor, bool),
    /// It is done, and the reply lost.
    Lose(Actor, bool),
    /// It is not done yet, but the caller waits no longer; it may be done at any time later, or never.
    Late(Actor, bool),
    /// It is done; the reply comes later.
    Slow(Actor),
    /// The process dies; what it had sent is still on its way.
    Crash(Actor),
    /// What was on its way arrives.
    Land(usize),
    /// Time passes: whoever is not granted anything meanwhile slept.
    Tick,
    /// A person takes the lock from whoever has it.
    Unlock,
    /// The table of leases is deleted.
    Forget,
    /// The table of leases is put back to what it was a holder ago.
    Restore,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let beat = |beat: &bool| if *beat { "~" } else { "" };
        match self {
            Self::Grant(actor, b) => write!(f, "{}{}", NAMES[*actor], beat(b)),
            Self::Lose(actor, b) => write!(f, "{}{}!lost", NAMES[*actor], beat(b)),
            Self::Late(actor, b) => write!(f, "{}{}!late", NAMES[*actor], beat(b)),
            Self::Slow(actor) => write!(f, "{}!slow", NAMES[*actor]),
            Self::Crash(actor) => write!(f, "{}!crash", NAMES[*actor]),
            Self::Land(at) => write!(f, "land{at}"),
            Self::Tick => f.write_str("tick"),
            Self::Unlock => f.write_str("unlock"),
            Self::Forget => f.write_str("forget"),
            Self::Restore => f.write_str("restore"),
        }
    }
}

impl FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "tick" => return Ok(Self::Tick),
            "unlock" => return Ok(Self::Unlock),
            "forget" => return Ok(Self::Forget),
            "restore" => return Ok(Self::Restore),
            _ => {}
        }
        let unknown = || format!("{text:?} is no step");
        if let Some(at) = text.strip_prefix("land") {
            return at.parse().map(Self::Land).map_err(|_| unknown());
        }
        let (who, fault) = text.split_once('!').unwrap_or((text, ""));
        let (who, beat) = who.strip_suffix('~').map_or((who, false), |who| (who, true));
        let actor = NAMES.iter().position(|name| who == name.to_string()).ok_or_else(unknown)?;
        Ok(match fault {
            "" => Self::Grant(actor, beat),
            "lost" => Self::Lose(actor, beat),
            "late" => Self::Late(actor, beat),
            "slow" => Self::Slow(actor),
            "crash" => Self::Crash(actor),
            _ => return Err(unknown()),
        })
    }
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Something that is polled when it was woken.
struct Running<F> {
    work: F,
    woken: Arc<Flag>,
}

impl<F: Future<Output = ()> + Unpin> Running<F> {
    fn new(work: F) -> Self {
        Self { work, woken: Arc::new(Flag(AtomicBool::new(true))) }
    }

    /// Whether it was polled, and whether it is over.
    fn poll(&mut self) -> (bool, bool) {
        if !self.woken.0.swap(false, Ordering::SeqCst) {
            return (false, false);
        }
        let waker = Waker::from(Arc::clone(&self.woken));
        (true, self.work.poll_unpin(&mut Context::from_waker(&waker)).is_ready())
    }
}

type Script = Pin<Box<dyn Future<Output = ()>>>;

/// A world at one moment.
pub(crate) struct Run {
    pub(crate) exchange: Exchange,
    pub(crate) memory: Memory,
    pub(crate) notes: Arc<Mutex<Notes>>,
    pub(crate) steps: Vec<Step>,
    scripts: Vec<Option<Running<Script>>>,
    beats: Vec<(Actor, Arc<AtomicBool>, Running<BoxFuture<'static, ()>>)>,
    ghosts: Vec<(Actor, Call)>,
    /// What the table of leases was whenever somebody took or gave back one.
    tables: Vec<(Option<Uuid>, Leases)>,
    /// Until when each lease was held.
    held: BTreeMap<Uuid, Duration>,
    ticks: usize,
    faults: usize,
    people: usize,
    pub(crate) tampered: bool,
}

impl Run {
    pub(crate) fn new(scenario: &Scenario, mutant: Option<Mutant>) -> Self {
        let (memory, exchange) = (base(scenario), Exchange::default());
        {
            let mut inner = exchange.lock();
            inner.mutant = mutant;
            if mutant == Some(Mutant::ClockStopsInSuspend) {
                inner.stopped.insert(0, Duration::ZERO);
            }
        }
        let notes = Arc::new(Mutex::new(Notes::default()));
        let scripts = scenario.actors.iter().enumerate().map(|(actor, script)| {
            Some(Running::new(script.start(actor, &exchange, &notes, scenario)))
        });
        let scripts = scripts.collect();
        let mut run = Self {
            scripts,
            exchange,
            memory,
            notes,
            steps: Vec::new(),
            beats: Vec::new(),
            ghosts: Vec::new(),
            tables: Vec::new(),
            held: BTreeMap::new(),
            ticks: scenario.ticks,
            faults: scenario.faults,
            people: scenario.people,
            tampered: false,
        };
        run.settle();
        run
    }

    /// Lets everybody go on until everybody waits.
    fn settle(&mut self) {
        loop {
            let mut moved = false;
            for script in &mut self.scripts {
                let Some(running) = script else { continue };
                let (polled, over) = running.poll();
                moved |= polled;
                if over {
                    *script = None;
                }
            }
            for spawned in std::mem::take(&mut self.exchange.lock().spawned) {
                self.beats.push((spawned.actor, spawned.alive, Running::new(spawned.work)));
                moved = true;
            }
            // A heartbeat that is cut off may have a renewal on its way. It names its lease, which is over, so it
            // changes nothing.
            self.beats.retain(|(_, alive, _)| alive.load(Ordering::SeqCst));
            self.beats.retain_mut(|(_, _, beat)| {
                let (polled, over) = beat.poll();
                moved |= polled;
                !over
            });
            if !moved {
                break;
            }
        }
        let mut inner = self.exchange.lock();
        if inner.mutant == Some(Mutant::NoCheckAfterAppend) {
            inner.stopped.clear();
        }
    }

    /// The oldest call that an actor or its heartbeat waits for.
    fn waiting(&self, actor: Actor, beat: bool) -> Option<(u64, Call, bool)> {
        let inner = self.exchange.lock();
        let mut own = inner.pending.iter().filter(|(_, pending)| {
            pending.actor == actor && pending.call.is_beat() == beat && pending.reply.is_none()
        });
        let (ticket, pending) = own.next()?;
        let ready = match pending.call {
            Call::Sleep(until, nap) => until <= inner.time || (nap && pending.since != inner.lease),
            _ => true,
        };
        ready.then(|| (*ticket, pending.call.clone(), pending.held_back.is_some()))
    }

    /// What can happen next; what happens in an undisturbed world first.
    pub(crate) fn options(&self) -> Vec<Step> {
        if self.scripts.iter().all(Option::is_none) {
            return Vec::new();
        }
        let (mut options, mut faults) = (Vec::new(), Vec::new());
        for (actor, script) in self.scripts.iter().enumerate() {
            if script.is_none() {
                continue;
            }
            for beat in [false, true] {
                let Some((_, call, held_back)) = self.waiting(actor, beat) else { continue };
                options.push(Step::Grant(actor, beat));
                if held_back || matches!(call, Call::Sleep(..)) {
                    continue;
                }
                faults.push(Step::Lose(actor, beat));
                if call.mutates() {
                    faults.push(Step::Late(actor, beat));
                    if !beat {
                        faults.push(Step::Slow(actor));
                    }
                }
            }
            faults.push(Step::Crash(actor));
        }
        if self.ticks > 0 {
            options.push(Step::Tick);
        }
        options.extend((0..self.ghosts.len()).map(Step::Land));
        if self.faults > 0 {
            options.extend(faults);
        }
        if self.people > 0 {
            if now(self.memory.lease_holder(STACK)).is_some() {
                options.push(Step::Unlock);
            }
            if !self.tables.is_empty() {
                options.push(Step::Forget);
            }
            if self.tables.len() > 1 {
                options.push(Step::Restore);
            }
        }
        options
    }

    fn effect(&self, actor: Actor, call: &Call) -> Reply {
        effect(&self.exchange, &self.memory, actor, call)
    }

    pub(crate) fn apply(&mut self, step: Step) {
        self.steps.push(step);
        match step {
            Step::Grant(actor, beat) => {
                let Some((ticket, call, _)) = self.waiting(actor, beat) else { return };
                let held_back = {
                    let mut inner = self.exchange.lock();
                    inner.pending.get_mut(&ticket).and_then(|pending| pending.held_back.take())
                };
                let reply = held_back.unwrap_or_else(|| self.effect(actor, &call));
                self.exchange.tell(ticket, reply);
            }
            Step::Lose(actor, beat) => {
                let Some((ticket, call, _)) = self.waiting(actor, beat) else { return };
                self.faults -= 1;
                if call.mutates() {
                    self.effect(actor, &call);
                }
                self.exchange.tell(ticket, Reply::Unavailable);
            }
            Step::Late(actor, beat) => {
                let Some((ticket, call, _)) = self.waiting(actor, beat) else { return };
                self.faults -= 1;
                self.ghosts.push((actor, call));
                self.exchange.tell(ticket, Reply::Unavailable);
            }
            Step::Slow(actor) => {
                let Some((ticket, call, _)) = self.waiting(actor, false) else { return };
                self.faults -= 1;
                let reply = self.effect(actor, &call);
                if let Some(pending) = self.exchange.lock().pending.get_mut(&ticket) {
                    pending.held_back = Some(reply);
                }
            }
            Step::Crash(actor) => self.crash(actor),
            Step::Land(at) => {
                let (actor, call) = self.ghosts.remove(at);
                self.effect(actor, &call);
            }
            Step::Tick => {
                self.ticks -= 1;
                self.exchange.lock().time += TICK;
            }
            Step::Unlock => {
                self.people -= 1;
                self.tampered = true;
                if let Some(holder) = now(self.memory.lease_holder(STACK)) {
                    now(self.memory.lease_free(STACK, holder.nonce));
                }
            }
            Step::Forget => {
                self.people -= 1;
                self.tampered = true;
                self.memory.restore_leases(Leases::default());
            }
            Step::Restore => {
                self.people -= 1;
                self.tampered = true;
                let (_, before) = self.tables[self.tables.len() - 2].clone();
                self.memory.restore_leases(before);
            }
        }
        self.look_at_the_lease();
        self.settle();
    }

    fn crash(&mut self, actor: Actor) {
        self.faults -= 1;
        let sent: Vec<Call> = {
            let inner = self.exchange.lock();
            let own = inner.pending.values().filter(|pending| pending.actor == actor);
            let unanswered = own.filter(|pending| {
                pending.reply.is_none() && pending.held_back.is_none() && pending.call.mutates()
            });
            unanswered.map(|pending| pending.call.clone()).collect()
        };
        self.ghosts.extend(sent.into_iter().map(|call| (actor, call)));
        self.scripts[actor] = None;
        self.notes.lock().unwrap().died(actor);
        self.beats.retain(|(whose, ..)| *whose != actor);
    }

    fn look_at_the_lease(&mut self) {
        let holder = now(self.memory.lease_holder(STACK));
        let mut digest = DefaultHasher::new();
        holder.as_ref().map(|holder| (holder.nonce, holder.beat)).hash(&mut digest);
        let nonce = holder.map(|holder| holder.nonce);
        let mut inner = self.exchange.lock();
        let time = inner.time;
        digest.write_u128(time.as_nanos());
        inner.lease = digest.finish();
        if let Some(nonce) = nonce {
            self.held.insert(nonce, time);
        }
        if self.tables.last().is_none_or(|(last, _)| *last != nonce) {
            self.tables.push((nonce, self.memory.leases()));
        }
    }

    /// Until when the lease `nonce` was held.
    pub(crate) fn held_until(&self, nonce: Uuid) -> Option<Duration> {
        self.held.get(&nonce).copied()
    }

    /// Equal for worlds that cannot be told apart by anything that happens later.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut digest = DefaultHasher::new();
        self.objects().hash(&mut digest);
        format!("{:?}", self.memory.leases()).hash(&mut digest);
        let inner = self.exchange.lock();
        inner.histories.hash(&mut digest);
        inner.time.hash(&mut digest);
        for pending in inner.pending.values() {
            pending.actor.hash(&mut digest);
            pending.call.hash(&mut digest);
            (pending.since == inner.lease, pending.asked).hash(&mut digest);
            if let Some(reply) = &pending.held_back {
                reply.hash(&mut digest);
            }
        }
        drop(inner);
        let alive: Vec<bool> = self.scripts.iter().map(Option::is_some).collect();
        alive.hash(&mut digest);
        for (actor, call) in &self.ghosts {
            actor.hash(&mut digest);
            call.hash(&mut digest);
        }
        (self.ticks, self.faults, self.people, self.tampered).hash(&mut digest);
        self.held.hash(&mut digest);
        if self.people > 0 {
            format!("{:?}", self.tables.iter().rev().nth(1)).hash(&mut digest);
        }
        self.notes.lock().unwrap().hash(&mut digest);
        digest.finish()
    }

    /// Equal for worlds in which whoever comes next meets the same.
    pub(crate) fn remains(&self) -> u64 {
        let mut digest = DefaultHasher::new();
        self.objects().hash(&mut digest);
        for (actor, call) in &self.ghosts {
            actor.hash(&mut digest);
            call.hash(&mut digest);
        }
        self.notes.lock().unwrap().hash(&mut digest);
        digest.finish()
    }

    /// What is stored.
    pub(crate) fn objects(&self) -> u64 {
        let mut digest = DefaultHasher::new();
        for key in self.memory.keys() {
            now(self.memory.get(&key)).map(|object| object.body).hash(&mut digest);
            key.hash(&mut digest);
        }
        digest.finish()
    }

    /// Everything that was on its way arrives.
    pub(crate) fn land_all(&mut self) {
        for (actor, call) in std::mem::take(&mut self.ghosts) {
            self.effect(actor, &call);
        }
    }
}

/// What memory says: at once.
pub(crate) fn now<T>(work: impl Future<Output = infra_state::Result<T>>) -> T {
    work.now_or_never().expect("memory answers at once").expect("memory does not fail")
}
