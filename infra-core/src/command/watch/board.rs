//! What the last looks came to, in numbers.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use infra_state::Env;

use super::pace;
use crate::{
    drift::Report,
    report::formats::prometheus::{self, Sample, Text},
};

/// As many intervals may pass between two looks: then the loop does not turn.
const INTERVALS: u32 = 3;
/// What giving up a look may take.
const SLACK: Duration = Duration::from_secs(30);

/// What the last looks came to, in numbers. As large as there are stacks, however often they are looked at. Clones are the
/// same board.
#[derive(Clone)]
pub struct Board {
    env: Arc<dyn Env>,
    every: Duration,
    written: Arc<Mutex<Written>>,
}

struct Written {
    /// By stack, with the look in which it was heard of last.
    samples: BTreeMap<String, (Sample, u64)>,
    looks: u64,
    failures: u64,
    untold: u64,
    looking: bool,
    /// When the last look was over; in the beginning when the board was made.
    turned: Duration,
    /// When the last look that went well was over, in seconds since 1970.
    success: Option<i64>,
}

impl Board {
    /// The board of a watch that looks every `every`.
    pub fn new(env: Arc<dyn Env>, every: Duration) -> Self {
        let written = Written {
            samples: BTreeMap::new(),
            looks: 0,
            failures: 0,
            untold: 0,
            looking: false,
            turned: env.monotonic(),
            success: None,
        };
        Self { env, every, written: Arc::new(Mutex::new(written)) }
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begun(&self) {
        self.written().looking = true;
    }

    pub(super) fn heard(&self, report: &Report) {
        let mut written = self.written();
        let look = written.looks + 1;
        let sample = written.samples.entry(report.stack.clone());
        let (sample, heard) = sample.or_insert_with(|| (Sample::new(&report.stack), look));
        *heard = look;
        sample.follow(report);
    }

    pub(super) fn over(&self, well: bool) {
        let mut written = self.written();
        written.looking = false;
        written.looks += 1;
        written.turned = self.env.monotonic();
        if well {
            written.success = Some(self.env.now().as_second());
            // Of a stack that is gone nothing is known.
            let look = written.looks;
            written.samples.retain(|_, (_, heard)| *heard == look);
        } else {
            written.failures += 1;
        }
    }

    pub(super) fn not_told(&self) {
        self.written().untold += 1;
    }

    /// Whether the loop turns; otherwise why it is believed not to.
    pub fn health(&self) -> Result<(), String> {
        let (turned, looking) = {
            let written = self.written();
            (written.turned, written.looking)
        };
        let every = self.every.max(Duration::from_secs(1));
        let patience = if looking {
            // A look may take so long until it is given up, after the pause before it.
            pace::limit(every) + every.mul_f64(1.1) + SLACK
        } else {
            every.saturating_mul(INTERVALS)
        };
        let since = self.env.monotonic().saturating_sub(turned);
        if since <= patience {
            return Ok(());
        }
        let (since, every) = (since.as_secs(), self.every.as_secs());
        Err(format!("no look was over for {since} s, and there is one every {every} s"))
    }

    /// The metrics.
    pub fn metrics(&self) -> String {
        let written = self.written();
        let mut own = Text::default();
        let numbers = [
            ("infra_drift_looks_total", "counter", "Looks that are over.", written.looks),
            (
                "infra_drift_look_failures_total",
                "counter",
                "Looks of which nothing is known, because they failed.",
                written.failures,
            ),
            (
                "infra_drift_notification_failures_total",
                "counter",
                "Looks of which somebody could not be told.",
                written.untold,
            ),
            (
                "infra_drift_looking",
                "gauge",
                "Whether a look is under way.",
                u64::from(written.looking),
            ),
            (
                "infra_drift_stacks",
                "gauge",
                "Stacks that are watched.",
                written.samples.len() as u64,
            ),
            (
                "infra_drift_interval_seconds",
                "gauge",
                "The time between two looks.",
                self.every.as_secs(),
            ),
        ];
        for (name, kind, help, value) in numbers {
            own.family(name, kind, help);
            own.sample(&[], value);
        }
        own.family(
            "infra_drift_watch_last_success_timestamp_seconds",
            "gauge",
            "When the last look that went well was over.",
        );
        written.success.into_iter().for_each(|at| own.sample(&[], at));
        let samples = written.samples.values().map(|(sample, _)| sample);
        own.end() + &prometheus::text(samples)
    }
}
