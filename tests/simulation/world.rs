//! Time, chance and the trace of one run: a queue of what is going to happen, and nothing else that moves.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot;

/// Locks a mutex of the simulation; a panic elsewhere is told where it happened.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A source of randomness that follows from its seed (`SplitMix64`).
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The numbers of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// True so often in a hundred.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of these.
    pub fn pick<'t, T>(&mut self, of: &'t [T]) -> Option<&'t T> {
        if of.is_empty() {
            return None;
        }
        let at = self.below(of.len() as u64);
        of.get(usize::try_from(at).unwrap())
    }

    /// A time of up to so many milliseconds.
    pub fn millis(&mut self, most: u64) -> Duration {
        Duration::from_millis(self.below(most + 1))
    }
}

/// How bad things are: chances in a hundred calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    /// A call is throttled.
    pub throttled: u64,
    /// A call fails before its effect.
    pub refused: u64,
    /// The reply to a call that had its effect is lost.
    pub lost: u64,
    /// The caller gives up, and the effect comes later.
    pub late: u64,
    /// A read shows what was there before.
    pub stale: u64,
    /// A create leaves something that will never work.
    pub broken: u64,
    /// The storage fails a call, or loses its reply.
    pub storage: u64,
}

impl Weather {
    /// A weather of this seed: often calm, sometimes a storm.
    pub fn of(chance: &mut Chance) -> Self {
        let scale = [0, 1, 3, 10][usize::try_from(chance.below(4)).unwrap()];
        let mut up_to = |most: u64| chance.below(most * scale / 10 + 1);
        Self {
            throttled: up_to(20),
            refused: up_to(15),
            lost: up_to(20),
            late: up_to(12),
            stale: 20 + up_to(60),
            broken: up_to(12),
            storage: up_to(15),
        }
    }

    /// The same without some of it: what has its bit in `calm`.
    #[must_use]
    pub fn without(mut self, calm: u8) -> Self {
        let all = [
            &mut self.throttled,
            &mut self.refused,
            &mut self.lost,
            &mut self.late,
            &mut self.stale,
            &mut self.broken,
            &mut self.storage,
        ];
        for (bit, chance) in all.into_iter().enumerate() {
            if calm & (1 << bit) != 0 {
                *chance = 0;
            }
        }
        self
    }

    /// Nothing fails any more; what is slow to show stays slow.
    pub fn calm() -> Self {
        Self { stale: 30, ..Self::default() }
    }
}

type Event = Box<dyn FnOnce() + Send>;

/// Time, chance and the trace of one run.
pub struct World(Mutex<Inner>);

struct Inner {
    now: Duration,
    events: BTreeMap<(Duration, u64), Event>,
    count: u64,
    chance: Chance,
    weather: Weather,
    /// Until when the storage cannot be reached.
    away: Duration,
    digest: u64,
    trace: Option<String>,
    wrong: Vec<String>,
    secrets: BTreeSet<String>,
}

impl World {
    /// The world of a seed. With `tell`, what happens is kept as text, not only as a digest.
    pub fn new(seed: u64, tell: bool) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Inner {
            now: Duration::from_secs(1_000_000),
            events: BTreeMap::new(),
            count: 0,
            chance: Chance::new(seed),
            weather: Weather::default(),
            away: Duration::ZERO,
            digest: 0xcbf2_9ce4_8422_2325,
            trace: tell.then(String::new),
            wrong: Vec::new(),
            secrets: BTreeSet::new(),
        })))
    }

    /// The time.
    pub fn now(&self) -> Duration {
        lock(&self.0).now
    }

    /// Lets something happen after a while.
    pub fn after(&self, time: Duration, event: impl FnOnce() + Send + 'static) {
        let mut inner = lock(&self.0);
        let at = (inner.now + time, inner.count);
        inner.count += 1;
        inner.events.insert(at, Box::new(event));
    }

    /// Says when this much time has passed.
    pub fn timer(&self, time: Duration) -> oneshot::Receiver<()> {
        let (ring, heard) = oneshot::channel();
        self.after(time, move || {
            let _ = ring.send(());
        });
        heard
    }

    /// Lets the next thing happen; time goes on to it. `false`: nothing is going to happen.
    pub fn go_on(&self) -> bool {
        let event = {
            let mut inner = lock(&self.0);
            let Some(((at, _), event)) = inner.events.pop_first() else { return false };
            inner.now = inner.now.max(at);
            event
        };
        event();
        true
    }

    /// Lets time pass with nobody at work.
    pub fn pass(&self, time: Duration) {
        let until = self.now() + time;
        loop {
            let event = {
                let mut inner = lock(&self.0);
                match inner.events.first_key_value() {
                    Some(((at, _), _)) if *at <= until => {
                        let at = *at;
                        inner.now = inner.now.max(at);
                        inner.events.pop_first().map(|(_, event)| event)
                    }
                    _ => {
                        inner.now = until;
                        None
                    }
                }
            };
            match event {
                Some(event) => event(),
                None => return,
            }
        }
    }

    /// What the world's own chance says.
    pub fn chance<T>(&self, ask: impl FnOnce(&mut Chance) -> T) -> T {
        ask(&mut lock(&self.0).chance)
    }

    /// How bad things are.
    pub fn weather(&self) -> Weather {
        lock(&self.0).weather
    }

    /// From now on things are as bad as this.
    pub fn set_weather(&self, weather: Weather) {
        let mut inner = lock(&self.0);
        inner.weather = weather;
        inner.away = Duration::ZERO;
    }

    /// The storage cannot be reached for a while.
    pub fn away_for(&self, time: Duration) {
        let mut inner = lock(&self.0);
        inner.away = inner.now + time;
    }

    /// Whether the storage can be reached.
    pub fn is_away(&self) -> bool {
        let inner = lock(&self.0);
        inner.now < inner.away
    }

    /// Notes what happens.
    pub fn note(&self, who: &str, what: std::fmt::Arguments<'_>) {
        let mut inner = lock(&self.0);
        let line = format!("{:>10.3} {who:<4} {what}\n", inner.now.as_secs_f64() - 1e6);
        for byte in line.bytes() {
            inner.digest = (inner.digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if let Some(trace) = &mut inner.trace {
            trace.push_str(&line);
        }
    }

    /// Notes that something happened that never may.
    pub fn wrong(&self, what: String) {
        self.note("!!!!", format_args!("{what}"));
        lock(&self.0).wrong.push(what);
    }

    /// What happened that never may.
    pub fn wrongs(&self) -> Vec<String> {
        lock(&self.0).wrong.clone()
    }

    /// Notes a secret that went over the wire to the cloud, as it must.
    pub fn secret(&self, text: &str) {
        lock(&self.0).secrets.insert(text.to_owned());
    }

    /// Every secret in clear that is in `text`.
    pub fn leaks(&self, text: &str) -> Option<String> {
        lock(&self.0).secrets.iter().find(|secret| text.contains(&***secret)).cloned()
    }

    /// A number that tells one run from another.
    pub fn digest(&self) -> u64 {
        lock(&self.0).digest
    }

    /// What happened, as text.
    pub fn trace(&self) -> String {
        let mut text = lock(&self.0).trace.clone().unwrap_or_default();
        let _ = writeln!(text, "digest {:016x}", self.digest());
        text
    }
}
