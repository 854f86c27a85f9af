//! A backend that fails when it is told to, for tests.

use std::{
    fmt,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use uuid::Uuid;

use super::{Backend, Claim, HolderInfo, Liveness, Object, Put, Tag, Taken};
use crate::{Error, ErrorKind, Finding, Result, env::Env};

/// Which method of the port was called.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Operation {
    /// [`Backend::get`]
    Get,
    /// [`Backend::put_if_absent`]
    PutIfAbsent,
    /// [`Backend::put_if_match`]
    PutIfMatch,
    /// [`Backend::list`]
    List,
    /// [`Backend::delete`]
    Delete,
    /// [`Backend::lease_take`]
    LeaseTake,
    /// [`Backend::lease_renew`]
    LeaseRenew,
    /// [`Backend::lease_free`]
    LeaseFree,
    /// [`Backend::lease_holder`]
    LeaseHolder,
    /// [`Backend::examine`]
    Examine,
    /// [`Backend::prepare`]
    Prepare,
}

impl Operation {
    /// Whether it changes anything.
    pub fn mutates(self) -> bool {
        !matches!(self, Self::Get | Self::List | Self::LeaseHolder | Self::Examine)
    }
}

/// One call of the port.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// 0 for the first call of this wrapper.
    pub number: u64,
    /// What was called.
    pub operation: Operation,
    /// On which key, folder or stack.
    pub key: &'a str,
}

/// What becomes of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// It is done.
    Pass,
    /// It is not done, and the caller is told so in vain: `Unavailable` says nothing about what happened.
    Fail,
    /// It is done, but the caller hears `Unavailable`.
    LoseReply,
    /// It is not done, and the caller waits for ever: dropped there, it died before the call.
    HangBefore,
    /// It is done, and the caller waits for ever: dropped there, it died before the reply.
    HangAfter,
    /// It is done after this long.
    Late(Duration),
}

/// Decides about each call.
type Plan = dyn Fn(&Call<'_>) -> Effect + Send + Sync;

/// Passes calls on, or fails them, as a function says.
#[derive(Clone)]
pub struct Fault {
    inner: Arc<dyn Backend>,
    env: Arc<dyn Env>,
    plan: Arc<Plan>,
    calls: Arc<AtomicU64>,
}

impl Fault {
    /// `inner`, with `plan` deciding about each call.
    pub fn new(
        inner: Arc<dyn Backend>,
        env: Arc<dyn Env>,
        plan: impl Fn(&Call<'_>) -> Effect + Send + Sync + 'static,
    ) -> Self {
        Self { inner, env, plan: Arc::new(plan), calls: Arc::default() }
    }

    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    async fn through<T>(
        &self,
        operation: Operation,
        key: &str,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let effect = (self.plan)(&Call { number, operation, key });
        let unavailable =
            || Error::new(ErrorKind::Unavailable, format!("{operation:?} {key}: no answer"));
        match effect {
            Effect::Pass => call.await,
            Effect::Fail => Err(unavailable()),
            Effect::LoseReply => {
                call.await?;
                Err(unavailable())
            }
            Effect::HangBefore => pending().await,
            Effect::HangAfter => {
                call.await?;
                pending().await
            }
            Effect::Late(time) => {
                self.env.sleep(time).await;
                call.await
            }
        }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Backend for Fault {
    fn url(&self) -> String {
        self.inner.url()
    }

    fn liveness(&self) -> Liveness {
        self.inner.liveness()
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        self.through(Operation::Get, key, self.inner.get(key)).await
    }

    async fn put_if_absent(&self, key: &str, body: &[u8]) -> Result<Put> {
        self.through(Operation::PutIfAbsent, key, self.inner.put_if_absent(key, body)).await
    }

    async fn put_if_match(&self, key: &str, body: &[u8], seen: &Tag) -> Result<Put> {
        self.through(Operation::PutIfMatch, key, self.inner.put_if_match(key, body, seen)).await
    }

    async fn list(&self, folder: &str, after: &str) -> Result<Vec<String>> {
        self.through(Operation::List, folder, self.inner.list(folder, after)).await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        self.through(Operation::Delete, key, self.inner.delete(key)).await
    }

    async fn lease_take(&self, stack: &str, claim: &Claim, over: Option<Uuid>) -> Result<Taken> {
        self.through(Operation::LeaseTake, stack, self.inner.lease_take(stack, claim, over)).await
    }

    async fn lease_renew(&self, stack: &str, nonce: Uuid, beat: Uuid) -> Result<bool> {
        self.through(Operation::LeaseRenew, stack, self.inner.lease_renew(stack, nonce, beat)).await
    }

    async fn lease_free(&self, stack: &str, nonce: Uuid) -> Result<bool> {
        self.through(Operation::LeaseFree, stack, self.inner.lease_free(stack, nonce)).await
    }

    async fn lease_holder(&self, stack: &str) -> Result<Option<HolderInfo>> {
        self.through(Operation::LeaseHolder, stack, self.inner.lease_holder(stack)).await
    }

    async fn examine(&self) -> Result<Vec<Finding>> {
        self.through(Operation::Examine, "", self.inner.examine()).await
    }

    async fn prepare(&self) -> Result<Vec<Finding>> {
        self.through(Operation::Prepare, "", self.inner.prepare()).await
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault").field("inner", &self.inner).finish_non_exhaustive()
    }
}
