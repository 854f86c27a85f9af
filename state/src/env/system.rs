//! The machine's own clock and randomness.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::Env;

/// The machine's own clock and randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads them")]
#[async_trait]
impl Env for System {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        counting_in_suspend()
    }

    /// # Panics
    /// If the operating system has no randomness to give: nothing that follows would be safe.
    fn random(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives no randomness");
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

#[cfg(unix)]
fn counting_in_suspend() -> Duration {
    use rustix::time::{ClockId, clock_gettime};

    // Apple's CLOCK_MONOTONIC counts while asleep, Linux's does not.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const CLOCK: ClockId = ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const CLOCK: ClockId = ClockId::Monotonic;

    let time = clock_gettime(CLOCK);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanos)
}

/// Windows counts suspend in the clock behind `Instant`.
#[cfg(not(unix))]
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads it")]
fn counting_in_suspend() -> Duration {
    use std::{sync::OnceLock, time::Instant};

    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::EnvExt;

    #[tokio::test]
    async fn sleeping_moves_the_monotonic_clock() {
        let before = System.monotonic();
        System.sleep(Duration::from_millis(20)).await;
        assert!(System.monotonic() >= before + Duration::from_millis(19));
    }

    #[test]
    fn two_uuids_differ() {
        assert_ne!(System.uuid(), System.uuid());
    }
}
