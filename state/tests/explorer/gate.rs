//! The backend and the environment of one actor: both ask the [`Exchange`].

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use infra_state::{
    Backend, HolderInfo, Result,
    backend::{Claim, Liveness, Object, Put, Tag, Taken},
    env::{Env, Fake, Task},
};
use jiff::Timestamp;
use uuid::Uuid;

use super::exchange::{Actor, Call, Exchange, Reply, Spawned};

pub(crate) const LEASE: Duration = Duration::from_mins(1);
const NAP: Duration = Duration::from_secs(1);

/// A backend whose every call waits.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    pub(crate) exchange: Exchange,
    pub(crate) actor: Actor,
}

impl Gate {
    async fn ask(&self, call: Call) -> Reply {
        self.exchange.ask(self.actor, call).await
    }
}

#[async_trait]
impl Backend for Gate {
    fn url(&self) -> String {
        "memory:".to_owned()
    }

    fn liveness(&self) -> Liveness {
        Liveness::Beats { lease: LEASE, every: LEASE / 3 }
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        match self.ask(Call::Get(key.into())).await {
            Reply::Object(object) => Ok(object),
            other => other.lost(),
        }
    }

    async fn put_if_absent(&self, key: &str, body: &[u8]) -> Result<Put> {
        match self.ask(Call::PutIfAbsent(key.into(), body.into())).await {
            Reply::Put(put) => Ok(put),
            other => other.lost(),
        }
    }

    async fn put_if_match(&self, key: &str, body: &[u8], seen: &Tag) -> Result<Put> {
        match self.ask(Call::PutIfMatch(key.into(), body.into(), seen.clone())).await {
            Reply::Put(put) => Ok(put),
            other => other.lost(),
        }
    }

    async fn list(&self, folder: &str, after: &str) -> Result<Vec<String>> {
        match self.ask(Call::List(folder.into(), after.into())).await {
            Reply::Names(names) => Ok(names),
            other => other.lost(),
        }
    }

    async fn delete(&self, key: &str) -> Result<()> {
        match self.ask(Call::Delete(key.into())).await {
            Reply::Done => Ok(()),
            other => other.lost(),
        }
    }

    async fn lease_take(&self, stack: &str, claim: &Claim, over: Option<Uuid>) -> Result<Taken> {
        match self.ask(Call::Take(stack.into(), claim.clone(), over)).await {
            Reply::Taken(taken) => Ok(taken),
            other => other.lost(),
        }
    }

    async fn lease_renew(&self, stack: &str, nonce: Uuid, beat: Uuid) -> Result<bool> {
        match self.ask(Call::Renew(stack.into(), nonce, beat)).await {
            Reply::Held(held) => Ok(held),
            other => other.lost(),
        }
    }

    async fn lease_free(&self, stack: &str, nonce: Uuid) -> Result<bool> {
        match self.ask(Call::Free(stack.into(), nonce)).await {
            Reply::Held(held) => Ok(held),
            other => other.lost(),
        }
    }

    async fn lease_holder(&self, stack: &str) -> Result<Option<HolderInfo>> {
        match self.ask(Call::Holder(stack.into())).await {
            Reply::Holder(holder) => Ok(holder),
            other => other.lost(),
        }
    }
}

/// The clock and the chance of one actor. All clocks go at one speed; who sleeps through something finds that its
/// clock has gone on.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    pub(crate) exchange: Exchange,
    pub(crate) actor: Actor,
    pub(crate) chance: Fake,
}

#[async_trait]
impl Env for Clock {
    fn now(&self) -> Timestamp {
        self.chance.now() + self.exchange.lock().time
    }

    fn monotonic(&self) -> Duration {
        let inner = self.exchange.lock();
        inner.stopped.get(&self.actor).copied().unwrap_or(inner.time)
    }

    fn random(&self, bytes: &mut [u8]) {
        self.chance.random(bytes);
    }

    async fn sleep(&self, time: Duration) {
        let until = self.exchange.lock().time + time;
        self.exchange.ask(self.actor, Call::Sleep(until, time < NAP)).await;
    }

    fn spawn(&self, work: BoxFuture<'static, ()>) -> Task {
        let alive = Arc::new(AtomicBool::new(true));
        let spawned = Spawned { actor: self.actor, work, alive: Arc::clone(&alive) };
        self.exchange.lock().spawned.push(spawned);
        Task::new(move || alive.store(false, Ordering::SeqCst))
    }
}
