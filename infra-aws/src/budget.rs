//! How fast this process may call AWS: one budget per account, region and service.
//!
//! A budget is open (no limit) until AWS throttles. Then the rate is halved from what was really used, and recovers
//! slowly; AWS's limits are per account and region, so everything in the process shares one budget.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Never slower than this many calls a second: another process may have used up the limit, and time must pass anyway.
const SLOWEST: f64 = 0.5;
/// At this rate the limit is lifted: no API allows more.
const OPEN: f64 = 100.0;
/// How much the rate recovers in a second.
const RECOVERY: f64 = 0.5;
/// Throttles within this time are answers to calls of the same burst and count once.
const SAME_BURST: Duration = Duration::from_secs(1);

/// The budget of one account, region and service.
#[derive(Debug)]
pub(crate) struct Budget(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Calls a second; `None` while nothing limits.
    rate: Option<f64>,
    /// What may be started now; below zero: how many wait.
    tokens: f64,
    /// When `tokens` and `rate` were right.
    at: Instant,
    /// When AWS last throttled.
    throttled: Option<Instant>,
    /// The calls of the second that began then, and of the one before.
    counted: (Instant, f64, f64),
}

impl Budget {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self(Mutex::new(State {
            rate: None,
            tokens: 1.0,
            at: now,
            throttled: None,
            counted: (now, 0.0, 0.0),
        }))
    }

    /// The budget of this account (or embedded cloud), region and service, shared by the process.
    pub(crate) fn shared(account: &str, region: &str, service: &str) -> Arc<Self> {
        static BUDGETS: Mutex<Option<HashMap<String, Arc<Budget>>>> = Mutex::new(None);
        let mut budgets = BUDGETS.lock().unwrap_or_else(PoisonError::into_inner);
        let key = format!("{account}/{region}/{service}");
        let budget =
            budgets.get_or_insert_default().entry(key).or_insert_with(|| Arc::new(Self::new()));
        Arc::clone(budget)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until another call may start.
    pub(crate) async fn take(&self) {
        let wait = self.state().take(Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    /// AWS said that calls come too fast.
    pub(crate) fn throttled(&self) {
        self.state().throttle(Instant::now());
    }
}

impl State {
    /// Takes a call out of the budget; the answer is how long to wait before it.
    fn take(&mut self, now: Instant) -> Duration {
        self.count(now);
        self.recover(now);
        let Some(rate) = self.rate else { return Duration::ZERO };
        self.tokens -= 1.0;
        if self.tokens >= 0.0 {
            Duration::ZERO
        } else {
            Duration::from_secs_f64(-self.tokens / rate)
        }
    }

    fn throttle(&mut self, now: Instant) {
        if self.throttled.is_some_and(|last| now - last < SAME_BURST) {
            return;
        }
        self.recover(now);
        self.throttled = Some(now);
        let used = self.counted.1.max(self.counted.2);
        let rate = self.rate.map_or(used, |rate| rate.min(used.max(1.0)));
        self.rate = Some((rate / 2.0).max(SLOWEST));
        self.tokens = self.tokens.min(0.0);
    }

    fn recover(&mut self, now: Instant) {
        let passed = (now - self.at).as_secs_f64();
        self.at = now;
        if let Some(rate) = self.rate {
            // At most one second's worth is saved up.
            self.tokens = (self.tokens + passed * rate).min(rate.max(1.0));
            let recovered = rate + passed * RECOVERY;
            self.rate = (recovered < OPEN).then_some(recovered);
        }
    }

    fn count(&mut self, now: Instant) {
        let (since, current, _) = self.counted;
        let passed = now - since;
        if passed >= Duration::from_secs(2) {
            self.counted = (now, 0.0, 0.0);
        } else if passed >= Duration::from_secs(1) {
            self.counted = (now, 0.0, current);
        }
        self.counted.1 += 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_until_throttled_then_halved_then_open_again() {
        let now = Instant::now();
        let mut state = Budget::new().0.into_inner().unwrap();
        assert!((0..40).all(|_| state.take(now).is_zero()));
        state.throttle(now);
        // Answers to the same burst count once.
        state.throttle(now + Duration::from_millis(10));
        let wait = (0..20).map(|_| state.take(now + Duration::from_millis(10))).max().unwrap();
        assert!(
            wait > Duration::from_millis(900) && wait < Duration::from_millis(1100),
            "{wait:?}"
        );
        let later = now + Duration::from_secs(200);
        assert!((0..1000).all(|_| state.take(later).is_zero()));
    }

    #[test]
    fn never_slower_than_the_slowest() {
        let mut now = Instant::now();
        let mut state = Budget::new().0.into_inner().unwrap();
        for _ in 0..20 {
            state.take(now);
            state.throttle(now);
            now += SAME_BURST;
        }
        assert!(state.rate.unwrap() >= SLOWEST);
    }

    #[test]
    fn one_a_service() {
        let one = Budget::shared("1", "eu-west-1", "ec2");
        assert!(Arc::ptr_eq(&one, &Budget::shared("1", "eu-west-1", "ec2")));
        assert!(!Arc::ptr_eq(&one, &Budget::shared("1", "eu-west-1", "eks")));
    }
}
