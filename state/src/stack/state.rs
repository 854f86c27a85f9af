//! The door to a stack.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    limits::Limits,
    load::{self, Whose},
    session::Session,
    store::Store,
    view::View,
};
use crate::{
    Backend, Env, Error, ErrorKind, HistoryEntry, Holder, HolderInfo, Lineage, Place, Position,
    Result, Sealer, Snapshot, StackName,
    env::System,
    format::v1::{self, Moving},
    seal::Vault,
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
        let limits = Limits::default();
        Self { store: Store { backend, env, vault, name, limits, seen: Arc::default() }, sealer }
    }

    /// The same stack, with another clock and another source of randomness.
    #[must_use]
    pub fn with_env(mut self, env: Arc<dyn Env>) -> Self {
        self.store.vault = Vault::new(Arc::clone(&self.sealer), Arc::clone(&env));
        self.store.env = env;
        self
    }

    /// Another stack of the same place, under the same key.
    #[must_use]
    pub fn named(&self, name: StackName) -> Self {
        let mut other = self.clone();
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

    /// Where it is, and which.
    pub fn place(&self) -> Place {
        Place { url: self.url(), stack: self.store.name.clone() }
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
        self.view(&self.store).await
    }

    /// The same for who may not have the key: what it seals is secret and unknown. The second part are the keys that
    /// were missing.
    pub async fn read_without_key(&self) -> Result<Option<(View, BTreeSet<String>)>> {
        let store = Store { vault: self.store.vault.lenient(), ..self.store.clone() };
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
        self.open(who, wait, Whose::Ours, None).await
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
        let Some((head, _)) = self.store.head().await? else {
            return self.store.is_absent().await.map(|_| None);
        };
        load::check(&self.store, &head, Whose::Ours)?;
        let before = format!("{:08}.json", number.saturating_sub(1));
        // A state that was put back to an earlier one counted again: then it is filed under a later number.
        for name in self.store.list("history", &before).await? {
            let name = format!("history/{name}");
            let Some(stored) = self.store.get(&name).await? else { continue };
            let object = self.store.object(&name);
            if v1::read_history_line(&object, &stored.body)?.deployment.number == number {
                let entry = v1::read_history(&object, &stored.body, &self.store.vault).await?;
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// The last deployments, oldest first, without their graphs.
    pub async fn history(&self, last: usize) -> Result<Vec<HistoryEntry>> {
        let Some((head, _)) = self.store.head().await? else {
            self.store.is_absent().await?;
            return Ok(Vec::new());
        };
        load::check(&self.store, &head, Whose::Ours)?;
        let names = self.store.list("history", "").await?;
        let names = names[names.len().saturating_sub(last)..].to_vec();
        let entries = stream::iter(names).map(|name| async move {
            let name = format!("history/{name}");
            let Some(stored) = self.store.get(&name).await? else { return Ok(None) };
            let object = self.store.object(&name);
            v1::read_history_line(&object, &stored.body).map(Some)
        });
        let entries: Vec<Option<HistoryEntry>> = entries.buffered(16).try_collect().await?;
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
        let Some((head, _)) = self.store.head().await? else {
            return self.store.is_absent().await.map(|_| None);
        };
        if matches!(head.moving, Some(Moving::Left(_))) {
            return self.remove_left().await.map(|()| None);
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

    /// **Invariant:** cut off anywhere, what is left is a valid empty stack.
    async fn remove_objects(&self, session: &Session) -> Result<()> {
        let mut writer = session.writer.lock().await;
        session.advance(&mut writer, session.identity(), None).await?;
        self.remove_left().await
    }

    /// Removes everything, the head last.
    async fn remove_left(&self) -> Result<()> {
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
