//! A process: an executor with a clock, that can die, freeze or be told to stop at any moment at which it meets the
//! outside world.
//!
//! Between two such moments nothing of it can be seen from outside, so they are all the moments there are.

use std::{
    future::{pending, poll_fn},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Poll, Waker},
    time::Duration,
};

use infra_core::{
    Cancel,
    state::{Env, backend::Liveness},
};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
};

use super::world::{Chance, World, lock};

/// What happens to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// It dies.
    Crash,
    /// It stands still, as in suspend, for so many seconds; the world goes on.
    Freeze(u64),
    /// A person asks it to stop.
    Stop,
    /// A person asks it to stop, and does not wait.
    Abort,
    /// The lock table is lost.
    TableLost,
    /// The lock table is put back to what it was some time ago.
    TableRestored,
    /// A person frees its lock, thinking it dead.
    Unlocked,
    /// The storage cannot be reached for so many seconds.
    Away(u64),
}

/// What happens to a process at which of its moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The moment, from 1.
    pub at: u64,
    /// What happens.
    pub blow: Blow,
}

/// What a process is to the world.
pub struct Me {
    /// Its name in the trace.
    pub name: String,
    /// The world it is in.
    pub world: Arc<World>,
    /// How a person stops it.
    pub cancel: Cancel,
    moments: AtomicU64,
    /// The moments after which a call that changes the cloud was on its way.
    calls: Mutex<Vec<u64>>,
    cut: Option<Cut>,
    epoch: AtomicU64,
    dead: AtomicBool,
    frozen: Mutex<Duration>,
    chance: Mutex<Chance>,
    /// How far the clock on its wall is off, in seconds.
    skew: i64,
    /// What its monotonic clock began with.
    base: Duration,
    idle: AtomicBool,
    waker: Mutex<Option<Waker>>,
    /// What is done about blows that are not its own.
    struck: Box<dyn Fn(Blow) + Send + Sync>,
    /// Until when it has the lease, as far as it was told; nothing if it never had or has lost it.
    holds: Mutex<Option<Duration>>,
}

impl Me {
    /// It was told that it has the lease, as of when it asked.
    pub fn holds(&self, asked: Duration, liveness: Liveness) {
        let until = match liveness {
            Liveness::Kernel => Duration::MAX,
            Liveness::Beats { lease, .. } => asked + lease,
        };
        *lock(&self.holds) = Some(until);
    }

    /// It put its epoch into the head.
    pub fn leads(&self, epoch: u64) {
        self.epoch.store(epoch, Ordering::Relaxed);
    }

    /// The epoch that it put into the head.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }

    /// It was told that somebody else has the lease.
    pub fn lost(&self) {
        *lock(&self.holds) = None;
    }

    /// Why it may not call anything that changes the cloud now.
    pub fn may_not_call(&self) -> Option<&'static str> {
        match *lock(&self.holds) {
            None => Some("it was told that it has not the lease"),
            Some(until) if self.world.now() >= until => Some("its lease is over by its own clock"),
            Some(_) => None,
        }
    }

    /// A moment at which it meets the world: here it may die or freeze. It goes on when it may.
    pub async fn moment(&self) {
        if self.is_dead() {
            pending::<()>().await;
        }
        let moment = self.moments.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(cut) = self.cut.filter(|cut| cut.at == moment) {
            self.world.note(&self.name, format_args!("{:?} at moment {moment}", cut.blow));
            match cut.blow {
                Blow::Crash => {
                    self.dead.store(true, Ordering::Relaxed);
                    pending::<()>().await;
                }
                Blow::Freeze(seconds) => {
                    *lock(&self.frozen) = self.world.now() + Duration::from_secs(seconds);
                }
                Blow::Stop => self.cancel.stop(),
                Blow::Abort => self.cancel.abort(),
                Blow::Away(seconds) => self.world.away_for(Duration::from_secs(seconds)),
                other => (self.struck)(other),
            }
        }
        loop {
            let left = lock(&self.frozen).saturating_sub(self.world.now());
            if left.is_zero() {
                break;
            }
            // The world outlives the process; a timer is never dropped unheard.
            let _ = self.world.timer(left).await;
        }
        if self.is_dead() {
            pending::<()>().await;
        }
    }

    /// Whether it died.
    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    /// A call that changes the cloud is on its way from here on.
    pub fn calls(&self) {
        lock(&self.calls).push(self.moments());
    }

    /// The moments after which a call that changes the cloud was on its way.
    pub fn called(&self) -> Vec<u64> {
        lock(&self.calls).clone()
    }

    /// How many moments there were.
    pub fn moments(&self) -> u64 {
        self.moments.load(Ordering::Relaxed)
    }
}

impl std::fmt::Debug for Me {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// The clock and the randomness of a process.
#[derive(Clone, Debug)]
pub struct Clock(pub Arc<Me>);

#[async_trait::async_trait]
impl Env for Clock {
    fn now(&self) -> jiff::Timestamp {
        const NEW_YEAR_2026: i64 = 1_767_225_600;
        let start = jiff::Timestamp::from_second(NEW_YEAR_2026 + self.0.skew).unwrap();
        start + self.0.world.now()
    }

    fn monotonic(&self) -> Duration {
        self.0.base + self.0.world.now()
    }

    fn random(&self, bytes: &mut [u8]) {
        let mut chance = lock(&self.0.chance);
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&chance.next().to_le_bytes()[..chunk.len()]);
        }
    }

    async fn sleep(&self, time: Duration) {
        let _ = self.0.world.timer(time).await;
        self.0.moment().await;
    }
}

/// A process at work.
pub struct Process<T> {
    /// What it is to the world.
    pub me: Arc<Me>,
    runtime: Runtime,
    work: JoinHandle<T>,
}

/// How a process ended.
#[derive(Debug)]
pub enum End<T> {
    /// With a result.
    Done(T),
    /// It died, and everything it remembered is gone.
    Dead,
    /// With a panic.
    Panicked,
}

/// What a process is made with.
pub struct Birth {
    /// Its name in the trace.
    pub name: String,
    /// The world it is in.
    pub world: Arc<World>,
    /// What happens to it.
    pub cut: Option<Cut>,
    /// What its randomness follows from.
    pub seed: u64,
    /// What is done about blows that are not its own.
    pub struck: Box<dyn Fn(Blow) + Send + Sync>,
}

impl<T: Send + 'static> Process<T> {
    /// A process that does what `work` says of it.
    pub fn new<F>(birth: Birth, work: impl FnOnce(Arc<Me>) -> F) -> Self
    where
        F: Future<Output = T> + Send + 'static,
    {
        let Birth { name, world, cut, seed, struck } = birth;
        let mut chance = Chance::new(seed);
        let me = Arc::new(Me {
            name,
            world,
            cancel: Cancel::default(),
            moments: AtomicU64::new(0),
            calls: Mutex::default(),
            cut,
            epoch: AtomicU64::new(0),
            dead: AtomicBool::new(false),
            frozen: Mutex::default(),
            skew: i64::try_from(chance.below(1200)).unwrap() - 600,
            base: Duration::from_secs(chance.below(1_000_000)),
            chance: Mutex::new(chance),
            idle: AtomicBool::new(false),
            waker: Mutex::default(),
            struck,
            holds: Mutex::default(),
        });
        let parked = Arc::clone(&me);
        let runtime = Builder::new_current_thread()
            .on_thread_park(move || {
                parked.idle.store(true, Ordering::Relaxed);
                let waker = lock(&parked.waker).take();
                waker.into_iter().for_each(Waker::wake);
            })
            .build()
            .unwrap();
        let work = runtime.spawn(work(Arc::clone(&me)));
        Self { me, runtime, work }
    }

    /// Works until there is nothing to do but wait.
    pub fn work(&self) {
        let me = &self.me;
        me.idle.store(false, Ordering::Relaxed);
        self.runtime.block_on(poll_fn(|cx| {
            if me.idle.load(Ordering::Relaxed) {
                return Poll::Ready(());
            }
            *lock(&me.waker) = Some(cx.waker().clone());
            Poll::Pending
        }));
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        self.me.is_dead() || self.work.is_finished()
    }

    /// How it ended. Everything it had is dropped, what it spawned too.
    pub fn end(self) -> End<T> {
        let Self { me, runtime, work } = self;
        if me.is_dead() || !work.is_finished() {
            me.dead.store(true, Ordering::Relaxed);
            return End::Dead;
        }
        let ended = runtime.block_on(work);
        // Whatever it leaves running dies with it.
        me.dead.store(true, Ordering::Relaxed);
        ended.map_or(End::Panicked, End::Done)
    }
}
