//! What says in the cloud that it belongs to a stack.

use std::{sync::Arc, time::Duration};

use infra_state::{Instance, Lineage, StackName, Urn};

use super::observe::PATIENCE;
use crate::{
    Engine,
    provider::{Connection, Driver, ErasedObserved, Memo, Readiness, Result},
};

/// Every object of a kind that says it is the stack's, asked again where that can help; see
/// [`Managed::owned`](crate::provider::Managed::owned).
pub(super) async fn owned(
    engine: &Engine,
    driver: &Arc<dyn Driver>,
    connection: &Connection,
    memo: &Memo,
    stack: &StackName,
) -> Result<Option<Vec<ErasedObserved>>> {
    listed(engine, memo, |memo| async move { driver.owned(connection, &memo, stack).await }).await
}

/// Every object of a kind that somebody put into what is the stack's, asked again where that can help; see
/// [`Managed::added`](crate::provider::Managed::added).
pub(super) async fn added(
    engine: &Engine,
    driver: &Arc<dyn Driver>,
    connection: &Connection,
    memo: &Memo,
    stack: &StackName,
) -> Result<Vec<ErasedObserved>> {
    listed(engine, memo, |memo| async move { driver.added(connection, &memo, stack).await }).await
}

async fn listed<T, Asked: Future<Output = Result<T>>>(
    engine: &Engine,
    memo: &Memo,
    ask: impl Fn(Memo) -> Asked,
) -> Result<T> {
    let until = engine.env.monotonic() + PATIENCE;
    let mut pause = Duration::from_millis(100);
    let mut memo = memo.clone();
    loop {
        let emptied = memo.emptied();
        let listed = ask(memo).await;
        let last = engine.env.monotonic() >= until || engine.cancel.is_stopped();
        match listed {
            Err(error) if error.class().is_retryable() && !last => {}
            listed => return listed,
        }
        // What failed is not to be found in the memo.
        memo = emptied;
        engine.env.sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

/// What an object's owner tags say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) lineage: Lineage,
    /// The resource; `None` if the tag is missing or no urn.
    pub(super) urn: Option<Urn>,
    /// Which of its objects.
    pub(super) instance: Option<Instance>,
}

impl Owner {
    /// The owner, if the object says that it belongs to a stack of one of these names.
    pub(super) fn of(object: &ErasedObserved, names: &[StackName]) -> Option<Self> {
        let tags = object.owner.as_ref()?;
        let tag = |name: &str| tags.get(name).map(String::as_str);
        let stack = tag("infra:stack")?;
        if !names.iter().any(|name| name.to_string() == stack) {
            return None;
        }
        Some(Self {
            lineage: tag("infra:lineage")?.parse().ok()?,
            urn: tag("infra:urn").and_then(|urn| urn.parse().ok()),
            instance: tag("infra:instance").filter(|word| !word.is_empty()).map(Instance::from),
        })
    }
}

/// Whether the object is on its way out, or out and only kept for a while: no sign of a living stack.
pub(super) fn is_going(object: &ErasedObserved) -> bool {
    matches!(object.readiness, Readiness::Deleting(_) | Readiness::Restorable(_))
}
