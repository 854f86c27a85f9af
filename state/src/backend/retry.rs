//! A backend that tries again.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use uuid::Uuid;

use super::{Backend, Claim, HolderInfo, Liveness, Object, Put, Tag, Taken};
use crate::{ErrorKind, Finding, Result, env::Env};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Calls again while the answer is [`ErrorKind::Unavailable`], with pauses that double and jitter, for as long as
/// its patience lasts.
///
/// **Invariant:** repeating is safe because every operation of the port is conditional or idempotent: a write whose
/// reply was lost is refused the second time, and whoever made it compares what is stored.
#[derive(Clone, Debug)]
pub struct Retry {
    inner: Arc<dyn Backend>,
    env: Arc<dyn Env>,
    patience: Duration,
}

impl Retry {
    /// `inner`, asked again until `patience` has passed since the first failure.
    pub fn new(inner: Arc<dyn Backend>, env: Arc<dyn Env>, patience: Duration) -> Self {
        Self { inner, env, patience }
    }

    async fn again<T, F: Future<Output = Result<T>>>(&self, call: impl Fn() -> F) -> Result<T> {
        let (start, mut pause) = (self.env.monotonic(), FIRST_PAUSE);
        loop {
            let error = match call().await {
                Err(error) if error.kind() == ErrorKind::Unavailable => error,
                answer => return answer,
            };
            let mut byte = [0];
            self.env.random(&mut byte);
            // Between half of the pause and all of it.
            let jittered = pause.mul_f64(0.5 + f64::from(byte[0]) / 512.0);
            if self.env.monotonic() + jittered > start + self.patience {
                return Err(error);
            }
            tracing::debug!(%error, "trying again");
            self.env.sleep(jittered).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Backend for Retry {
    fn url(&self) -> String {
        self.inner.url()
    }

    fn liveness(&self) -> Liveness {
        self.inner.liveness()
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        self.again(|| self.inner.get(key)).await
    }

    async fn put_if_absent(&self, key: &str, body: &[u8]) -> Result<Put> {
        self.again(|| self.inner.put_if_absent(key, body)).await
    }

    async fn put_if_match(&self, key: &str, body: &[u8], seen: &Tag) -> Result<Put> {
        self.again(|| self.inner.put_if_match(key, body, seen)).await
    }

    async fn list(&self, folder: &str, after: &str) -> Result<Vec<String>> {
        self.again(|| self.inner.list(folder, after)).await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        self.again(|| self.inner.delete(key)).await
    }

    async fn lease_take(&self, stack: &str, claim: &Claim, over: Option<Uuid>) -> Result<Taken> {
        self.again(|| self.inner.lease_take(stack, claim, over)).await
    }

    async fn lease_renew(&self, stack: &str, nonce: Uuid, beat: Uuid) -> Result<bool> {
        self.again(|| self.inner.lease_renew(stack, nonce, beat)).await
    }

    async fn lease_free(&self, stack: &str, nonce: Uuid) -> Result<bool> {
        self.again(|| self.inner.lease_free(stack, nonce)).await
    }

    async fn lease_holder(&self, stack: &str) -> Result<Option<HolderInfo>> {
        self.again(|| self.inner.lease_holder(stack)).await
    }

    async fn examine(&self) -> Result<Vec<Finding>> {
        self.again(|| self.inner.examine()).await
    }

    async fn prepare(&self) -> Result<Vec<Finding>> {
        self.again(|| self.inner.prepare()).await
    }
}
