//! The door to a stack.

use std::{path::Path, sync::Arc, time::Duration};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    limits::Limits,
    load::{self, Whose},
    session::Session,
    store::{Store, fenced},
    view::View,
};
use crate::{
    Backend, Env, Error, ErrorKind, HistoryEntry, Holder, HolderInfo, Result, Sealer, StackName,
    env::System, format::v1, seal::Vault,
};

/// One stack of one backend. Cheap to clone; holds nothing open.
#[derive(Clone, Debug)]
pub struct State {
    pub(super) store: Store,
    sealer: Arc<dyn Sealer>,
}

impl State {
    /// The stack `name` in `backend`, with its secrets under the key of `sealer`.
    pub fn new(backend: Arc<dyn Backend>, sealer: Arc<dyn Sealer>, name: StackName) -> Self {
        let env: Arc<dyn Env> = Arc::new(System);
        let vault = Vault::new(Arc::clone(&sealer), Arc::clone(&env));
        Self {
            store: Store { backend, env, vault, name, limits: Limits::default(), spill: None },
            sealer,
        }
    }

    /// The same stack, with another clock and another source of randomness.
    #[must_use]
    pub fn with_env(mut self, env: Arc<dyn Env>) -> Self {
        self.store.vault = Vault::new(Arc::clone(&self.sealer), Arc::clone(&env));
        self.store.env = env;
        self
    }

    /// The same stack, folding its journal by other measures.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.store.limits = limits;
        self
    }

    /// The same stack, keeping in `folder`, on this machine, what a session can write nowhere else: what became of
    /// calls that were under way when the lease was lost or the storage went away. The next session records it.
    pub fn with_spill(mut self, folder: impl AsRef<Path>) -> Result<Self> {
        self.store.with_spill(folder.as_ref())?;
        Ok(self)
    }

    /// Which stack this is.
    pub fn name(&self) -> &StackName {
        &self.store.name
    }

    /// What seals its secrets.
    pub fn sealer(&self) -> &dyn Sealer {
        &*self.sealer
    }

    /// The place it is kept in, which may hold other stacks too.
    pub fn backend(&self) -> &dyn Backend {
        &*self.store.backend
    }

    /// Where it is.
    pub fn url(&self) -> String {
        self.store.backend.url()
    }

    /// The state now, without a lock; `None` if the stack was never made. Consistent even while somebody writes.
    pub async fn read(&self) -> Result<Option<View>> {
        let Some(loaded) = load::load(&self.store, Whose::Ours).await? else { return Ok(None) };
        let holder = self.holder().await?;
        let snapshot = loaded.snapshot;
        let unfinished = snapshot.deployment.is_some() && snapshot.outcome.is_none();
        Ok(Some(View {
            interrupted: holder.is_none() && (unfinished || !snapshot.open.is_empty()),
            position: loaded.tail.position,
            snapshot,
            holder,
        }))
    }

    /// Takes the lock, waiting up to `wait`; makes the stack if it is not there, goes on from where the last holder
    /// got to if it is. [`ErrorKind::Locked`] says who has it and since when.
    pub async fn acquire(&self, who: Holder, wait: Duration) -> Result<Session> {
        let session = Box::pin(self.open(who, wait, Whose::Ours, None)).await?;
        if let Err(error) = Box::pin(session.unspill()).await {
            let _ = session.release().await;
            return Err(error);
        }
        Ok(session)
    }

    /// Who holds the lock.
    pub async fn holder(&self) -> Result<Option<HolderInfo>> {
        self.store.backend.lease_holder(&self.store.folder()).await
    }

    /// Takes the lock from the holder that `nonce` names, and from no other.
    ///
    /// A holder that is alive notices at its next renewal or write. Until then it can append nothing, so it begins no
    /// operation, but a call whose intent was durable may still be made: unlock the dead.
    pub async fn unlock(&self, nonce: &str) -> Result<()> {
        let wrong = |what: &str| Err(Error::new(ErrorKind::Invalid, what.to_owned()));
        let Ok(nonce) = nonce.parse() else {
            return wrong("a lock is named by the nonce (a UUID) that the message showed");
        };
        if self.store.backend.lease_free(&self.store.folder(), nonce).await? {
            return Ok(());
        }
        match self.holder().await? {
            Some(holder) => wrong(&format!("the lock is held by {holder}, not by {nonce}")),
            None => wrong("the lock is free"),
        }
    }

    /// The last deployments, oldest first.
    pub async fn history(&self, last: usize) -> Result<Vec<HistoryEntry>> {
        let Some((head, _)) = self.store.head().await? else {
            self.store.is_absent().await?;
            return Ok(Vec::new());
        };
        load::check_identity(&self.store, &head.identity)?;
        let names = self.store.list("history", "").await?;
        let names = names[names.len().saturating_sub(last)..].to_vec();
        let entries = stream::iter(names).map(|name| async move {
            let name = format!("history/{name}");
            let Some(stored) = self.store.get(&name).await? else { return Ok(None) };
            let object = self.store.object(&name);
            v1::read_history(&object, &stored.body, &self.store.vault).await.map(Some)
        });
        let entries: Vec<Option<HistoryEntry>> = entries.buffered(16).try_collect().await?;
        Ok(entries.into_iter().flatten().collect())
    }

    /// Removes an empty stack, with its history.
    pub async fn remove(&self, who: Holder, wait: Duration) -> Result<()> {
        if self.store.head().await?.is_none() {
            return self.store.is_absent().await.map(drop);
        }
        let session = self.acquire(who, wait).await?;
        let left = session.with(|snapshot| snapshot.records.len() + snapshot.open.len());
        let removed = if left == 0 {
            self.remove_objects(&session).await
        } else {
            let message = format!(
                "{} still has {left} resources and operations; destroy or forget them first",
                self.store.name
            );
            Err(Error::new(ErrorKind::Invalid, message))
        };
        session.release().await?;
        removed
    }

    /// **Invariant:** cut off anywhere, what is left is a valid empty stack. Held up anywhere, it removes nothing of
    /// whoever took over: only what was there before it moved the head, which nobody else had moved then, and the head
    /// only if nobody has since.
    async fn remove_objects(&self, session: &Session) -> Result<()> {
        let mut writer = session.writer.lock().await;
        let mut names = Vec::new();
        for folder in ["snapshots", "journal", "history"] {
            let listed = self.store.list(folder, "").await?;
            names.extend(listed.into_iter().map(|name| format!("{folder}/{name}")));
        }
        session.advance(&mut writer, session.identity(), None).await?;
        for name in names {
            self.store.backend.delete(&self.store.key(&name)).await?;
        }
        if self.store.delete_head(&writer.tag).await? {
            return Ok(());
        }
        Err(fenced("somebody else has moved the head"))
    }

    /// The stacks in a backend.
    pub async fn stacks(backend: &dyn Backend) -> Result<Vec<StackName>> {
        let mut stacks = Vec::new();
        for program in folders(backend, "").await? {
            for stack in folders(backend, &program).await? {
                let Ok(name) = StackName::new(program.clone(), stack) else { continue };
                let objects = backend.list(&name.to_string(), "").await?;
                if objects.iter().any(|object| object == "head.json") {
                    stacks.push(name);
                }
            }
        }
        Ok(stacks)
    }
}

async fn folders(backend: &dyn Backend, folder: &str) -> Result<Vec<String>> {
    let names = backend.list(folder, "").await?;
    Ok(names.iter().filter_map(|name| name.strip_suffix('/')).map(str::to_owned).collect())
}
