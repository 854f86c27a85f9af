//! The door to a stack.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, TryStreamExt, stream};
use zeroize::Zeroizing;

use super::{
    history,
    load::{self, Whose},
    session::Session,
    store::Store,
    view::View,
};
use crate::{
    Backend, Env, Error, ErrorKind, HistoryEntry, Holder, HolderInfo, Result, Sealer, StackName,
    env::System,
    format::v1::{self, Head},
    seal::{Sealed, Vault},
};

/// One stack of one backend. Cheap to clone; holds nothing open.
#[derive(Clone, Debug)]
pub struct State {
    pub(super) store: Store,
}

impl State {
    /// The stack `name` in `backend`, with its secrets under the key of `sealer`.
    pub fn new(backend: Arc<dyn Backend>, sealer: Arc<dyn Sealer>, name: StackName) -> Self {
        let env: Arc<dyn Env> = Arc::new(System);
        let vault = Vault::new(sealer, Arc::clone(&env), name.clone());
        Self { store: Store { backend, env, vault, name } }
    }

    /// The same stack, with another clock and another source of randomness.
    #[must_use]
    pub fn with_env(mut self, env: Arc<dyn Env>) -> Self {
        self.store.vault = self.store.vault.with_env(&env);
        self.store.env = env;
        self
    }

    /// The same stack, with its secrets under another key: for a state that was sealed anew.
    #[must_use]
    pub fn with_sealer(&self, sealer: Arc<dyn Sealer>) -> Self {
        let Store { env, name, .. } = &self.store;
        let vault = Vault::new(sealer, Arc::clone(env), name.clone());
        Self { store: Store { vault, ..self.store.clone() } }
    }

    /// Which stack this is.
    pub fn name(&self) -> &StackName {
        &self.store.name
    }

    /// What keeps the key of its secrets.
    pub fn sealer(&self) -> &dyn Sealer {
        self.store.vault.sealer()
    }

    /// Seals bytes that are kept outside the state, under the stack's data key; of a stack that was never made, under a
    /// new one. `context` has to be the same at [`State::open_sealed`].
    pub async fn seal(&self, plain: &[u8], context: &[u8]) -> Result<Sealed> {
        let key = match self.store.head().await? {
            Some((head, _)) => self.store.vault.open(&head.key).await?,
            None => self.store.vault.mint().await?,
        };
        Sealed::new(&key, plain, context)
    }

    /// Opens what [`State::seal`] gave.
    pub async fn open_sealed(&self, sealed: &Sealed, context: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        sealed.open(&self.store.vault, context).await
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
        self.open(who, wait, Whose::Ours, None).await
    }

    /// Who holds the lock.
    pub async fn holder(&self) -> Result<Option<HolderInfo>> {
        self.store.backend.lease_holder(&self.store.folder()).await
    }

    /// Takes the lock from the holder that `nonce` names, and from no other.
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
        loop {
            let Some((head, _)) = self.store.head().await? else {
                self.store.is_absent().await?;
                return Ok(Vec::new());
            };
            load::check_identity(&self.store, &head.identity)?;
            let entries = self.history_under(&head, last).await;
            // Sealed anew meanwhile, the entries have other names and another key.
            let now = self.store.head().await?;
            if now.is_none_or(|(now, _)| now.key == head.key) {
                return entries;
            }
        }
    }

    async fn history_under(&self, head: &Head, last: usize) -> Result<Vec<HistoryEntry>> {
        let names = history::names(&self.store, &head.key).await?;
        let names = names[names.len().saturating_sub(last)..].to_vec();
        let entries = stream::iter(names).map(|name| async move {
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

    /// **Invariant:** cut off anywhere, what is left is a valid empty stack.
    async fn remove_objects(&self, session: &Session) -> Result<()> {
        let mut writer = session.writer.lock().await;
        let key = Arc::clone(&session.key());
        session.advance(&mut writer, session.identity(), None, &key).await?;
        for folder in ["snapshots", "journal", "history"] {
            for name in self.store.list(folder, "").await? {
                self.store.backend.delete(&self.store.key(&format!("{folder}/{name}"))).await?;
            }
        }
        self.store.delete_head().await
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
