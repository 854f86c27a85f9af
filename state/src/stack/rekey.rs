//! Another key for everything that is stored.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    commit::Ended,
    history,
    session::Session,
    store::{Won, fenced},
};
use crate::{
    Error, ErrorKind, Result, Sealer,
    format::v1,
    seal::{DataKey, Vault, WrappedKey},
};

/// Entries of the history can be large.
const WIDTH: usize = 4;

impl Session {
    /// Seals everything that is stored with a new data key, kept by `to`: a snapshot, the history, and the head, which
    /// makes them count. Then removes what the key before sealed. Gives how many objects were sealed anew. The session
    /// goes on under the new key; a [`State`](crate::State) that has the sealer before can read nothing any more.
    ///
    /// **Invariant:** until the head moves, the key before opens everything and the new one nothing; from then on it is
    /// the other way round. Nothing stored before is changed, and the new data key is never wrapped by the sealer
    /// before: who has that and an earlier version of every object learns nothing that is written later.
    pub async fn rekey(&self, to: Arc<dyn Sealer>) -> Result<u64> {
        let mut writer = self.writer.lock().await;
        while writer.ended.is_none() && (writer.inflight.is_some() || !self.queue().is_empty()) {
            self.write(&mut writer).await;
        }
        if let Some(ended) = &writer.ended {
            return Err(ended.error());
        }
        self.check()?;
        let key = self.tried(Arc::clone(&to)).await?;
        self.not_ours(&*to)?;
        let copied = self.copy_history(&key).await?;
        let (identity, snapshot) = self.write_snapshot(&writer, &key).await?;
        let stale = history::stale(&self.store, key.wrapped()).await?;
        if let Err(error) = self.advance(&mut writer, identity, Some(snapshot), &key).await {
            // Whether the head moved is not known, so neither is which key is the right one from now on.
            writer.ended = Some(Ended::new(&error));
            return Err(error);
        }
        self.use_key(key);
        self.sweep(&writer.head, None, stale).await.map_err(|e| {
            let message = format!(
                "the state is sealed with the new key now, but what the key before sealed could not all be removed \
                 ({e}): run `state rekey` again with the new key"
            );
            Error::new(e.kind(), message).because(e)
        })?;
        Ok(copied + 2)
    }

    /// A new data key of `to`, once it is known that `to` opens what it seals: who may encrypt and not decrypt would
    /// shut itself out.
    async fn tried(&self, to: Arc<dyn Sealer>) -> Result<Arc<DataKey>> {
        let vault = || {
            let (env, name) = (Arc::clone(&self.store.env), self.store.name.clone());
            Vault::new(Arc::clone(&to), env, name)
        };
        let key = vault().mint().await?;
        vault().open(key.wrapped()).await.map_err(|e| {
            let message =
                format!("the new key does not open what it seals: {e}. Nothing was changed");
            Error::new(ErrorKind::Key, message).because(e)
        })?;
        Ok(key)
    }

    /// The key may not be a resource of the stack it seals.
    fn not_ours(&self, to: &dyn Sealer) -> Result<()> {
        let names = to.names();
        let live = self.live();
        let is_key = |id: &Option<String>| id.as_ref().is_some_and(|id| names.contains(id));
        let Some(record) = live.snapshot.records.values().find(|record| is_key(&record.id)) else {
            return Ok(());
        };
        let message = format!(
            "`{}` is {} of this stack: a destroy would destroy the way back. Use a key that another stack has. Nothing was \
             changed",
            to.key_id(),
            record.urn
        );
        Err(Error::new(ErrorKind::Invalid, message))
    }

    async fn copy_history(&self, key: &DataKey) -> Result<u64> {
        let from = self.key();
        let from: &WrappedKey = from.wrapped();
        let names = history::names(&self.store, from).await?;
        let copies = stream::iter(names).map(|name| async move {
            self.check()?;
            let Some(stored) = self.store.get(&name).await? else { return Ok(0) };
            let object = self.store.object(&name);
            let body = v1::reseal_history(
                &object,
                history::number(&name),
                &stored.body,
                &self.store.vault,
                key,
            )
            .await?;
            let name = history::renamed(&name, from, key.wrapped());
            match self.store.create(&name, &body).await? {
                Won::Mine(_) => Ok(1),
                Won::Theirs(_) => Err(fenced("somebody else seals the state anew")),
            }
        });
        copies.buffer_unordered(WIDTH).try_fold(0, async |all, one| Ok(all + one)).await
    }
}
