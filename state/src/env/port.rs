//! What the outside world gives a run besides its storage: time, chance, and somewhere to run.

use std::{fmt, fmt::Debug, time::Duration};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use uuid::{Builder, Uuid};

use crate::Instance;

/// Time, randomness, and what runs beside. A test that gives a [`Fake`](super::Fake) gives the same run twice.
#[async_trait]
pub trait Env: Debug + Send + Sync {
    /// The time of day: for people and for records, never for deciding who holds a lock.
    fn now(&self) -> Timestamp;

    /// A clock that never goes back and **goes on while the machine sleeps**; its zero means nothing.
    fn monotonic(&self) -> Duration;

    /// Fills `bytes` with randomness that nobody can guess.
    fn random(&self, bytes: &mut [u8]);

    /// Returns when this much time of [`Env::monotonic`] has passed.
    async fn sleep(&self, time: Duration);

    /// Runs `work` beside everything else, until it is over or what this gives is dropped. As a task of the runtime,
    /// unless a test wants every step in its hand.
    fn spawn(&self, work: BoxFuture<'static, ()>) -> Task {
        let running = tokio::spawn(work).abort_handle();
        Task::new(move || running.abort())
    }
}

/// Work that runs beside everything else, and ends when this is dropped.
pub struct Task(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Task {
    /// A task that `stop` ends.
    pub fn new(stop: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(stop)))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(stop) = self.0.take() {
            stop();
        }
    }
}

impl Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Task")
    }
}

/// What every [`Env`] can do as well.
pub trait EnvExt: Env {
    /// A random UUID (version 4).
    fn uuid(&self) -> Uuid {
        let mut bytes = [0; 16];
        self.random(&mut bytes);
        Builder::from_random_bytes(bytes).into_uuid()
    }

    /// The word of a new object.
    fn instance(&self) -> Instance {
        let mut bytes = [0; 8];
        self.random(&mut bytes);
        Instance::from_bytes(bytes)
    }
}

impl<E: Env + ?Sized> EnvExt for E {}
