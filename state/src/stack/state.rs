//! The door to a stack.

use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

use futures_util::{StreamExt, TryStreamExt, stream};
use zeroize::Zeroizing;

use super::{
    history,
    limits::Limits,
    load::{self, Whose},
    session::Session,
    store::{Store, fenced},
    view::View,
};
use crate::{
    Backend, Env, Error, ErrorKind, HistoryEntry, Holder, HolderInfo, Lineage, Place, Position,
    Result, Sealer, Snapshot, StackName,
    backend::Tag,
    env::System,
    format::v1::{self, Filed, Head, Moving},
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
        let limits = Limits::default();
        let (seen, spill) = (Arc::default(), None);
        Self { store: Store { backend, env, vault, name, seen, limits, spill } }
    }

    /// The same stack, with another clock and another source of randomness.
    #[must_use]
    pub fn with_env(mut self, env: Arc<dyn Env>) -> Self {
        self.store.vault = self.store.vault.with_env(&env);
        self.store.env = env;
        self
    }

    /// Another stack of the same place, under the same key.
    #[must_use]
    pub fn named(&self, name: StackName) -> Self {
        let mut other = self.clone();
        other.store.vault = self.store.vault.named(name.clone());
        other.store.name = name;
        other.store.seen = Arc::default();
        other
    }

    /// The same stack, folding its journal by other measures.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.store.limits = limits;
        self
    }

    /// The same stack, with its secrets under another key: for a state that was sealed anew.
    #[must_use]
    pub fn with_sealer(&self, sealer: Arc<dyn Sealer>) -> Self {
        let Store { env, name, .. } = &self.store;
        let vault = Vault::new(sealer, Arc::clone(env), name.clone());
        Self { store: Store { vault, seen: Arc::default(), ..self.store.clone() } }
    }

    /// The same stack, keeping in `folder`, on this machine, what a session can write nowhere else: what became of
    /// calls that were under way when the lease was lost or the storage went away. The next session records it.
    pub fn with_spill(mut self, folder: impl AsRef<Path>) -> Result<Self> {
        self.store.with_spill(folder.as_ref())?;
        Ok(self)
    }

    /// Where it is, and which.
    pub fn place(&self) -> Place {
        Place { url: self.url(), stack: self.store.name.clone() }
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
        self.view(&self.store).await
    }

    /// The same for who may not have the key: what it seals is secret and unknown. The second part are the keys that
    /// were missing.
    pub async fn read_without_key(&self) -> Result<Option<(View, BTreeSet<String>)>> {
        // What is read so is not the state: nobody who has the key may go on from it.
        let (vault, seen) = (self.store.vault.lenient(), Arc::default());
        let store = Store { vault, seen, ..self.store.clone() };
        let view = self.view(&store).await?;
        Ok(view.map(|view| (view, store.vault.missing())))
    }

    async fn view(&self, store: &Store) -> Result<Option<View>> {
        let Some(loaded) = load::load(store, Whose::Ours).await? else { return Ok(None) };
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

    /// Takes the lock of a stack whose state was lost, to write it again: the stack is made with `lineage`, which its
    /// objects carry. A state of another lineage, or in which anything was ever written, is refused.
    pub async fn acquire_lost(
        &self,
        who: Holder,
        wait: Duration,
        lineage: Lineage,
    ) -> Result<Session> {
        let session = self.open(who, wait, Whose::Ours, Some(lineage)).await?;
        let found = session.identity().lineage;
        if session.found() == Position::default() && found == lineage {
            return Ok(session);
        }
        session.release().await?;
        let message = format!(
            "there is a state of {} in {} (lineage {found}, at {}): it is not lost. Nothing was changed",
            self.store.name,
            self.url(),
            session.found()
        );
        Err(Error::new(ErrorKind::Identity, message))
    }

    /// Who holds the lock.
    pub async fn holder(&self) -> Result<Option<HolderInfo>> {
        self.store.backend.lease_holder(&self.store.folder()).await
    }

    /// Takes the lock from the holder that `nonce` names, and from no other.
    ///
    /// A holder that is alive notices at its next renewal, write or call. Until then it can append nothing, so it begins no
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

    /// One deployment, with the graph it executed.
    pub async fn deployment(&self, number: u64) -> Result<Option<HistoryEntry>> {
        loop {
            let Some(head) = self.our_head().await? else { return Ok(None) };
            let found = self.deployment_under(&head, number).await;
            if self.is_still_under(&head).await? {
                return found;
            }
        }
    }

    async fn deployment_under(&self, head: &Head, number: u64) -> Result<Option<HistoryEntry>> {
        let first = format!("history/{number:08}");
        // A state that was put back to an earlier one counted again: then it is filed under a later number.
        let names = history::names(&self.store, &head.key).await?;
        for name in names.into_iter().filter(|name| *name >= first) {
            let Some(stored) = self.store.get(&name).await? else { continue };
            let object = self.store.object(&name);
            let line = v1::read_history_line(&object, history::number(&name), &stored.body)?;
            if line.entry.deployment.number == number {
                let whole = history::whole(&self.store, &head.key, &name, &stored.body);
                return whole.await.map(Some);
            }
        }
        Ok(None)
    }

    /// The last deployments, oldest first, without their graphs.
    pub async fn history(&self, last: usize) -> Result<Vec<HistoryEntry>> {
        let filed = self.filed(last).await?;
        Ok(filed.into_iter().map(|filed| filed.entry).collect())
    }

    /// The last entries of the history as they are stored, without their graphs.
    pub(super) async fn filed(&self, last: usize) -> Result<Vec<Filed>> {
        loop {
            let Some(head) = self.our_head().await? else { return Ok(Vec::new()) };
            let found = self.history_under(&head, last).await;
            if self.is_still_under(&head).await? {
                return found;
            }
        }
    }

    /// The head, if the stack was ever made, and is ours.
    async fn our_head(&self) -> Result<Option<Head>> {
        let Some((head, _)) = self.store.head().await? else {
            self.store.is_absent().await?;
            return Ok(None);
        };
        load::check(&self.store, &head, Whose::Ours)?;
        Ok(Some(head))
    }

    /// Whether what was read of the history is true: sealed anew meanwhile, the entries have other names and another
    /// key.
    async fn is_still_under(&self, head: &Head) -> Result<bool> {
        let now = self.store.head().await?;
        Ok(now.is_none_or(|(now, _)| now.key == head.key))
    }

    async fn history_under(&self, head: &Head, last: usize) -> Result<Vec<Filed>> {
        let names = history::names(&self.store, &head.key).await?;
        let names = names[names.len().saturating_sub(last)..].to_vec();
        let entries = stream::iter(names).map(|name| async move {
            let Some(stored) = self.store.get(&name).await? else { return Ok(None) };
            let object = self.store.object(&name);
            v1::read_history_line(&object, history::number(&name), &stored.body).map(Some)
        });
        let entries: Vec<Option<Filed>> = entries.buffered(16).try_collect().await?;
        Ok(entries.into_iter().flatten().collect())
    }

    /// Removes an empty stack, with its history; or the note that a moved one left.
    pub async fn remove(&self, who: Holder, wait: Duration) -> Result<()> {
        self.remove_if(who, wait, |left| left == 0).await.map(drop)
    }

    /// Removes a stack whatever is in it: what it had stays in the cloud, and nobody remembers it any more but who
    /// keeps what is given back.
    pub async fn abandon(&self, who: Holder, wait: Duration) -> Result<Option<Snapshot>> {
        self.remove_if(who, wait, |_| true).await
    }

    async fn remove_if(
        &self,
        who: Holder,
        wait: Duration,
        may: impl FnOnce(usize) -> bool,
    ) -> Result<Option<Snapshot>> {
        let Some((head, tag)) = self.store.head().await? else {
            return self.store.is_absent().await.map(|_| None);
        };
        if matches!(head.moving, Some(Moving::Left(_))) {
            let names = self.everything().await?;
            return self.remove_these(names, &tag).await.map(|()| None);
        }
        let session = self.acquire(who, wait).await?;
        let snapshot = session.snapshot();
        let left = snapshot.records.len() + snapshot.open.len();
        let removed = if may(left) {
            self.remove_objects(&session).await
        } else {
            let message = format!(
                "{} still has {left} resources and operations; destroy or forget them first",
                self.store.name
            );
            Err(Error::new(ErrorKind::Invalid, message))
        };
        session.release().await?;
        removed.map(|()| Some(snapshot))
    }

    /// **Invariant:** cut off anywhere, what is left is a valid empty stack. Held up anywhere, it removes nothing of
    /// whoever took over: only what was there before it moved the head, which nobody else had moved then, and the head
    /// only if nobody has since.
    async fn remove_objects(&self, session: &Session) -> Result<()> {
        let mut writer = session.writer.lock().await;
        let names = self.everything().await?;
        let key = session.key();
        session.advance(&mut writer, session.identity(), None, &key).await?;
        self.remove_these(names, &writer.tag).await
    }

    /// What there is beside the head.
    async fn everything(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for folder in ["snapshots", "journal", "history"] {
            let listed = self.store.list(folder, "").await?;
            // The latest first: earlier entries of the history are what later ones go back to.
            names.extend(listed.into_iter().rev().map(|name| format!("{folder}/{name}")));
        }
        Ok(names)
    }

    /// Removes these objects, and then the head that was seen.
    async fn remove_these(&self, names: Vec<String>, seen: &Tag) -> Result<()> {
        for name in names {
            self.store.backend.delete(&self.store.key(&name)).await?;
        }
        if self.store.delete_head(seen).await? {
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
