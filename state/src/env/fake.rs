//! A clock and a source of randomness that a test holds in its hand.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::Notify;

use super::Env;

/// Time stands still until the test [advances](Fake::advance) it; randomness follows from the seed.
///
/// Clones are the same clock. Two fakes made with different seeds can share one clock: [`Fake::sibling`].
#[derive(Clone)]
pub struct Fake {
    clock: Arc<Clock>,
    chance: Arc<Mutex<u64>>,
}

struct Clock {
    elapsed: Mutex<Duration>,
    moved: Notify,
}

impl Fake {
    /// The beginning of 2026 on the wall, zero on the monotonic clock.
    pub fn new(seed: u64) -> Self {
        let clock = Clock { elapsed: Mutex::new(Duration::ZERO), moved: Notify::new() };
        Self { clock: Arc::new(clock), chance: Arc::new(Mutex::new(seed)) }
    }

    /// Another source of randomness on the same clock: another process on the same machine.
    #[must_use]
    pub fn sibling(&self, seed: u64) -> Self {
        Self { clock: Arc::clone(&self.clock), chance: Arc::new(Mutex::new(seed)) }
    }

    /// Lets `time` pass, and wakes whoever slept until then.
    pub fn advance(&self, time: Duration) {
        *self.clock.elapsed.lock().unwrap_or_else(PoisonError::into_inner) += time;
        self.clock.moved.notify_waiters();
    }
}

#[async_trait]
impl Env for Fake {
    fn now(&self) -> Timestamp {
        const NEW_YEAR_2026: i64 = 1_767_225_600;
        let start = Timestamp::from_second(NEW_YEAR_2026).unwrap_or(Timestamp::UNIX_EPOCH);
        start + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        *self.clock.elapsed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn random(&self, bytes: &mut [u8]) {
        let mut state = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in bytes.chunks_mut(8) {
            // SplitMix64: short, and good enough to tell things apart.
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }

    async fn sleep(&self, time: Duration) {
        let until = self.monotonic() + time;
        loop {
            let moved = self.clock.moved.notified();
            if self.monotonic() >= until {
                return;
            }
            moved.await;
        }
    }
}

impl fmt::Debug for Fake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fake").field("elapsed", &self.monotonic()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::EnvExt;

    #[tokio::test]
    async fn a_sleeper_wakes_when_its_time_has_come_and_not_before() {
        let env = Fake::new(1);
        let sleeper = tokio::spawn({
            let env = env.clone();
            async move { env.sleep(Duration::from_secs(10)).await }
        });
        tokio::task::yield_now().await;
        env.advance(Duration::from_secs(9));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        env.advance(Duration::from_secs(1));
        sleeper.await.unwrap();
    }

    #[test]
    fn the_seed_decides() {
        assert_eq!(Fake::new(7).uuid(), Fake::new(7).uuid());
        assert_ne!(Fake::new(7).uuid(), Fake::new(8).uuid());
    }
}
