//! When the next look begins.

use std::time::Duration;

use infra_state::Env;

/// The pause after the first look that failed; it doubles up to the interval.
const FIRST: Duration = Duration::from_secs(30);
/// There is always some.
const LEAST: Duration = Duration::from_secs(1);
/// A look that takes longer than three intervals, and longer than this, is given up.
const LONG: Duration = Duration::from_mins(15);

/// How long to wait after a look that took `took`. `failed` looks in a row have failed until now. Up to a tenth of the
/// interval is added, so that many watchers do not come at once.
pub(super) fn pause(every: Duration, took: Duration, failed: u32, env: &dyn Env) -> Duration {
    let base = match failed {
        0 => every,
        n => every.min(FIRST.saturating_mul(1 << (n - 1).min(16))),
    };
    let mut bytes = [0; 4];
    env.random(&mut bytes);
    let jitter = every.mul_f64(f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX) / 10.0);
    base.saturating_sub(took).max(LEAST) + jitter
}

/// When a look is given up.
pub(super) fn limit(every: Duration) -> Duration {
    every.saturating_mul(3).max(LONG)
}

#[cfg(test)]
mod tests {
    use infra_state::env::Fake;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_pause_is_the_interval_and_at_most_a_tenth_more(
            every in 10_u64..100_000, took in 0_u64..200_000, failed in 0_u32..100, seed: u64,
        ) {
            let env = Fake::new(seed);
            let (every, took) = (Duration::from_secs(every), Duration::from_secs(took));
            let pause = pause(every, took, failed, &env);
            prop_assert!(pause >= LEAST);
            prop_assert!(pause <= every.mul_f64(1.1) + LEAST, "{pause:?}");
            if failed == 0 && took < every {
                prop_assert!(pause + took >= every);
            }
        }
    }

    #[test]
    fn after_failures_it_comes_back_sooner_and_then_slower() {
        let every = Duration::from_mins(15);
        let after = |failed| pause(every, Duration::ZERO, failed, &Fake::new(1)).as_secs();
        let jitter = after(0) - 900;
        let pauses: Vec<_> = (1..8).map(|failed| after(failed) - jitter).collect();
        assert_eq!(pauses, [30, 60, 120, 240, 480, 900, 900]);
    }
}
