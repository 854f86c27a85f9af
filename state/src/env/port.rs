//! What the outside world gives a run besides its storage: time and chance.

use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::{Builder, Uuid};

use crate::Instance;

/// Time and randomness. A test that gives a [`Fake`](super::Fake) gives the same run twice.
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
