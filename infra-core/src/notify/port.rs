//! The port: who tells somebody.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::BoxFuture;

use super::{Address, Notification};
use crate::Result;

/// Tells somebody what a look found.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Where it goes, for people: never a secret.
    fn shows(&self) -> String;

    /// Tells it. It returns in bounded time; what may help is tried again in here.
    async fn notify(&self, what: &Notification) -> Result<()>;
}

/// Opens the targets of one scheme.
pub type Open = dyn Fn(Address) -> BoxFuture<'static, Result<Arc<dyn Notifier>>> + Send + Sync;
