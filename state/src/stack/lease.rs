//! Holding the lock: taking it, showing that one is alive, and noticing that one may not be trusted any more.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use uuid::Uuid;

use super::store::{Store, fenced};
use crate::{
    Error, ErrorKind, Holder, HolderInfo, Result,
    backend::{Claim, Guard, Liveness, Taken},
    env::{EnvExt, Task},
};

const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// The lock of a stack, held.
#[derive(Debug)]
pub(super) struct Lease {
    store: Store,
    pub(super) nonce: Uuid,
    /// What the place that keeps leases counts; the head may know better.
    pub(super) epoch: u64,
    /// Whoever had it before is known to be over: its beat was watched while it stood still for a whole lease.
    watched: bool,
    pulse: Arc<Pulse>,
    beating: Mutex<Option<Task>>,
    /// Where the kernel frees a dead holder's lease, it does when this is dropped.
    guard: Box<dyn Guard>,
}

/// When the holder was last known to hold, by its own clock.
#[derive(Debug)]
struct Pulse {
    /// For how long after that it may act; `None` if the kernel watches.
    good_for: Option<Duration>,
    renewed: Mutex<Duration>,
    lost: AtomicBool,
}

impl Lease {
    /// Takes the lock, waiting up to `wait` while somebody else has it.
    ///
    /// **Invariant:** nobody's wall clock decides. Who takes over has watched one beat stand still for a whole lease
    /// on its own monotonic clock; the holder stops acting earlier than that, on its own.
    pub(super) async fn take(store: &Store, holder: Holder, wait: Duration) -> Result<Self> {
        let env = &store.env;
        let nonce = env.uuid();
        let claim = Claim { holder, nonce, beat: env.uuid(), at: env.now() };
        let liveness = store.backend.liveness();
        let start = env.monotonic();
        let mut pause = SHORTEST_PAUSE;
        let mut watched: Option<(Uuid, Duration)> = None;
        loop {
            let asked = env.monotonic();
            let over = match (watched, liveness) {
                (Some((beat, since)), Liveness::Beats { lease, .. }) if asked >= since + lease => {
                    Some(beat)
                }
                _ => None,
            };
            let folder = store.folder();
            let held = match store.backend.lease_take(&folder, &claim, over).await {
                Ok(Taken::Granted(grant)) => {
                    let good_for = match liveness {
                        Liveness::Kernel => None,
                        Liveness::Beats { lease, .. } => Some(good_for(lease)),
                    };
                    let renewed = Mutex::new(asked);
                    let pulse = Pulse { good_for, renewed, lost: AtomicBool::new(false) };
                    let lease = Self {
                        store: store.clone(),
                        nonce,
                        epoch: grant.epoch,
                        watched: over.is_some(),
                        pulse: Arc::new(pulse),
                        beating: Mutex::default(),
                        guard: grant.guard,
                    };
                    lease.start_beating(liveness);
                    return Ok(lease);
                }
                Ok(Taken::Held(held)) => held,
                Err(e) => {
                    // It may have been granted all the same.
                    let _ = store.backend.lease_free(&folder, nonce).await;
                    return Err(e);
                }
            };
            if watched.is_none_or(|(beat, _)| beat != held.beat) {
                watched = Some((held.beat, env.monotonic()));
            }
            let left = (start + wait).saturating_sub(env.monotonic());
            if left.is_zero() {
                return Err(locked(store, &held, liveness));
            }
            env.sleep(pause.min(left)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Whether anything new may be started.
    ///
    /// **Invariant:** who is the holder after a write was it before, so the write was in the log when anybody took over.
    pub(super) fn check(&self) -> Result<()> {
        if !self.pulse.lost.load(Ordering::Acquire) && !self.guard.holds() {
            // What is lost stays lost.
            self.lose();
        }
        if self.pulse.lost.load(Ordering::Acquire) {
            return Err(fenced("somebody else has it now"));
        }
        let Some(good_for) = self.pulse.good_for else { return Ok(()) };
        let renewed = *self.pulse.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        if self.store.env.monotonic().saturating_sub(renewed) < good_for {
            return Ok(());
        }
        Err(fenced("it could not be renewed in time"))
    }

    /// Waits until an earlier holder that may be alive has stopped by itself.
    ///
    /// The lock was free though that holder never gave it back: a person freed it, or the table was lost. If it is alive
    /// it cannot write any more, but it notices only when it next tries to; until then it may call.
    pub(super) async fn outwait(&self) -> Result<()> {
        if let Liveness::Beats { lease, .. } = self.store.backend.liveness()
            && !self.watched
        {
            self.store.env.sleep(lease).await;
        }
        self.check()
    }

    /// Notes that somebody else writes.
    pub(super) fn lose(&self) {
        self.pulse.lost.store(true, Ordering::Release);
    }

    /// Gives the lock back. If that fails, the lease runs out by itself.
    pub(super) async fn free(&self) {
        self.stop_beating();
        let freed = self.store.backend.lease_free(&self.store.folder(), self.nonce).await;
        if let Err(error) = freed {
            tracing::warn!(%error, "the lock could not be given back");
        }
        self.lose();
    }

    fn start_beating(&self, liveness: Liveness) {
        let Liveness::Beats { lease, every } = liveness else { return };
        // Two renewals in a row may fail before the holder has to stop.
        let every = every.min(good_for(lease) / 3);
        let (store, nonce, pulse) = (self.store.clone(), self.nonce, Arc::clone(&self.pulse));
        let beats = async move {
            let mut pause = every;
            loop {
                store.env.sleep(pause).await;
                pause = every;
                let asked = store.env.monotonic();
                match store.backend.lease_renew(&store.folder(), nonce, store.env.uuid()).await {
                    Ok(true) => {
                        *pulse.renewed.lock().unwrap_or_else(PoisonError::into_inner) = asked;
                    }
                    Ok(false) => {
                        pulse.lost.store(true, Ordering::Release);
                        return;
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the lock could not be renewed");
                        pause = every / 4;
                    }
                }
            }
        };
        let task = self.store.env.spawn(Box::pin(beats));
        *self.beating.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }

    fn stop_beating(&self) {
        drop(self.beating.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// For how long after a renewal its holder may start something.
///
/// **Invariant:** what is left of the lease is longer than one attempt of a call to a cloud may take (connecting and
/// waiting for an answer; 25 s with AWS, of a lease of 60 s). So when somebody takes over by the clock, the last call of
/// the earlier holder is over and not under way. A process that is stopped between [`Lease::check`] and the call, or a
/// request that the network keeps for longer, is beyond any clock: it can only repeat what an intent says that was
/// durable before the fence, and whoever takes over settles those first.
fn good_for(lease: Duration) -> Duration {
    lease / 2
}

fn locked(store: &Store, held: &HolderInfo, liveness: Liveness) -> Error {
    let hint = match liveness {
        // To take the lock from somebody who works would be two at once.
        Liveness::Kernel => "It is alive: wait for it".to_owned(),
        Liveness::Beats { lease, .. } => format!(
            "If it is dead, its lock is free after {lease:?}: wait that long, or free it with `state unlock {}`",
            held.nonce
        ),
    };
    let message = format!("{} in {} is locked by {held}. {hint}", store.name, store.backend.url());
    Error::new(ErrorKind::Locked, message)
}
