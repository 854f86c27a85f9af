//! The lock, held: the only way to write.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use super::{
    commit::{Batch, Ended, Waiting},
    history,
    lease::Lease,
    load::{self, Loaded, Whose},
    log::{self, Tail},
    store::{Store, Won, fenced},
};
use crate::{
    Deployment, Error, ErrorKind, HistoryEntry, Identity, Key, Lineage, Position, Record, Result,
    Snapshot,
    backend::Tag,
    env::EnvExt,
    format::v1::{self, Head, Tip},
    integrity::{self, Index},
    seal::DataKey,
};

/// A stack's lock, and through it the stack. Shared by reference (or in an `Arc`) among all that write.
///
/// Dropped without [`Session::close`] it is as if the process had died: what was acknowledged is in the log, and the
/// lock is free at once where the kernel keeps it, after a lease elsewhere.
pub struct Session {
    pub(super) store: Store,
    pub(super) lease: Lease,
    pub(super) epoch: u64,
    key: RwLock<Arc<DataKey>>,
    pub(super) scope: String,
    found: Position,
    live: RwLock<Live>,
    queue: Mutex<VecDeque<Waiting>>,
    pub(super) writer: tokio::sync::Mutex<Writer>,
}

/// The state as it is durable.
pub(super) struct Live {
    pub(super) snapshot: Snapshot,
    pub(super) index: Index,
    pub(super) position: Position,
}

/// Where the next write goes.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) head: Head,
    pub(super) tag: Tag,
    pub(super) tail: Tail,
    pub(super) inflight: Option<Batch>,
    pub(super) ended: Option<Ended>,
}

impl Session {
    /// Makes the stack ours: reads all of it, moves the head to our epoch, seals the log.
    ///
    /// The order matters. Everything is read and verified before anything is written, so damage is found while
    /// nothing has changed. The head first: no earlier holder can move it, and so remove anything, any more. Then the
    /// seal: no earlier holder can append.
    pub(super) async fn open(
        store: Store,
        lease: Lease,
        whose: Whose,
        born: Option<Lineage>,
    ) -> Result<Self> {
        let mut opened = None;
        // Each time round, an earlier holder has moved the head, or another creator was faster.
        for _ in 0..10 {
            let loaded = load::load(&store, whose).await?;
            opened = claim(&store, &lease, loaded, born).await?;
            if opened.is_some() {
                break;
            }
        }
        let Some((loaded, key)) = opened else {
            return Err(fenced("somebody else writes to the same stack"));
        };
        let loaded = seal(&store, loaded, lease.nonce).await?;
        let Loaded { head, tag, snapshot, tail } = loaded;
        let epoch = head.epoch;
        let found = tail.position;
        Ok(Self {
            scope: v1::scope(&snapshot.identity),
            epoch,
            key: RwLock::new(key),
            found,
            live: RwLock::new(Live { index: Index::of(&snapshot), snapshot, position: found }),
            queue: Mutex::default(),
            writer: tokio::sync::Mutex::new(Writer {
                head,
                tag,
                tail,
                inflight: None,
                ended: None,
            }),
            lease,
            store,
        })
    }

    /// Which holder of the lock this is: higher than all before.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The last change: the one found, until something is committed.
    pub fn position(&self) -> Position {
        self.live().position
    }

    /// The last change before this session: equal to a view's position if nothing happened since that view.
    pub fn found(&self) -> Position {
        self.found
    }

    /// The state now. Costs a copy of the map, not of the records; see [`Session::with`] and [`Session::record`].
    pub fn snapshot(&self) -> Snapshot {
        self.live().snapshot.clone()
    }

    /// Looks at the state without a copy. Commits wait meanwhile, so be short, and do not use the session inside.
    pub fn with<T>(&self, look: impl FnOnce(&Snapshot) -> T) -> T {
        look(&self.live().snapshot)
    }

    /// One record as it is now.
    pub fn record(&self, key: &Key) -> Option<Arc<Record>> {
        self.live().snapshot.records.get(key).cloned()
    }

    /// Whose state this is.
    pub fn identity(&self) -> Identity {
        self.live().snapshot.identity.clone()
    }

    /// Whether anything new may be started; asked before every attempt of a call that changes the world.
    /// [`ErrorKind::Fenced`]: the lease is lost or about to be.
    pub fn check(&self) -> Result<()> {
        self.lease.check()
    }

    /// Ends the session: compacts if it is worth it, files `history`, gives the lock back. The lock is given back
    /// even if the rest fails.
    pub async fn close(&self, history: HistoryEntry) -> Result<()> {
        self.end(Some(history)).await
    }

    /// Ends a session in which there was nothing to do.
    pub async fn release(&self) -> Result<()> {
        self.end(None).await
    }

    async fn end(&self, history: Option<HistoryEntry>) -> Result<()> {
        let mut writer = self.writer.lock().await;
        while writer.ended.is_none() && (writer.inflight.is_some() || !self.queue().is_empty()) {
            self.write(&mut writer).await;
        }
        let done = match &writer.ended {
            Some(ended) => Err(ended.error()),
            None => Box::pin(self.finish(&mut writer, history)).await,
        };
        let over = Error::new(ErrorKind::Invalid, "the session is closed");
        writer.ended.get_or_insert(Ended::new(&over));
        self.lease.free().await;
        done
    }

    async fn finish(&self, writer: &mut Writer, history: Option<HistoryEntry>) -> Result<()> {
        self.check()?;
        if writer.compaction_is_due(&self.store.limits) {
            Box::pin(self.compact(writer)).await?;
        }
        match history {
            Some(history) => self.file(history).await,
            None => Ok(()),
        }
    }

    /// Files what is remembered of a deployment under its number, or the next free one; once, however often it is asked.
    /// [`Session::close`] does it for the one that ends; this is for one that was cut off and could not.
    pub async fn file(&self, mut history: HistoryEntry) -> Result<()> {
        let (identity, key) = (self.identity(), self.key());
        history.position = self.position();
        let mut number = history.deployment.number;
        let deployment = history.deployment.clone();
        let mut filed = history::since(&self.store, &key, number, history).await;
        loop {
            filed.number = number;
            let body = v1::write_history(&filed, &key, &identity)?;
            // Somebody who has taken over files that this deployment was cut off.
            self.check()?;
            match self.store.create(&history::name(number, key.wrapped()), &body).await? {
                Won::Mine(_) => return Ok(()),
                // A state that was put back to an earlier one counts deployments again.
                Won::Theirs(Some(there)) if is_entry_of(&there.body, number, &deployment) => {
                    return Ok(());
                }
                Won::Theirs(_) => number += 1,
            }
        }
    }

    /// What seals what is written now.
    pub(super) fn key(&self) -> Arc<DataKey> {
        Arc::clone(&self.key.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on this seals what is written.
    pub(super) fn use_key(&self, key: Arc<DataKey>) {
        *self.key.write().unwrap_or_else(PoisonError::into_inner) = key;
    }

    pub(super) fn live(&self) -> RwLockReadGuard<'_, Live> {
        self.live.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn live_mut(&self) -> RwLockWriteGuard<'_, Live> {
        self.live.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn queue(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes the log to every earlier holder, and reads what they wrote until then.
///
/// **Invariant:** the seal counts only if the head was not moved since ours. Whoever takes over moves it before all
/// else, and may then fold and remove the segments among which this would stand: what is written after a seal in
/// their place nobody would ever read.
async fn seal(store: &Store, mut loaded: Loaded, nonce: uuid::Uuid) -> Result<Loaded> {
    let sealed = reach_the_end(store, &mut loaded, nonce).await;
    match store.head().await? {
        Some((_, now)) if now == loaded.tag => sealed.map(|()| loaded),
        // Whatever it found: it is no damage, but somebody at work.
        _ => Err(fenced("somebody else has taken over already")),
    }
}

async fn reach_the_end(store: &Store, loaded: &mut Loaded, nonce: uuid::Uuid) -> Result<()> {
    let Loaded { head, snapshot, tail, .. } = loaded;
    let first = tail.tip.seq + 1;
    while !log::seal(store, &snapshot.identity, tail, head.epoch, nonce).await? {
        let before = tail.tip;
        load::extend(store, snapshot, tail).await?;
        if tail.tip == before {
            // Something is there that is refused but not listed: not a log we understand.
            return Err(fenced("the journal grows under it"));
        }
        if tail.epoch > head.epoch {
            return Err(fenced("somebody else has taken over already"));
        }
    }
    if tail.tip.seq > first {
        // An earlier holder wrote between our reading and our seal.
        integrity::verify(snapshot).map_err(|e| e.corruption(&store.object("head.json")))?;
    }
    Ok(())
}

/// Puts our epoch into the head. `None`: it is not the head that was loaded any more.
async fn claim(
    store: &Store,
    lease: &Lease,
    loaded: Option<Loaded>,
    born: Option<Lineage>,
) -> Result<Option<(Loaded, Arc<DataKey>)>> {
    lease.check()?;
    let key = match &loaded {
        // The data key is kept: everything is opened by one call of the sealer. Who cannot open it would add secrets
        // that the others cannot read.
        Some(loaded) => store.vault.open(&loaded.head.key).await?,
        None => store.vault.mint().await?,
    };
    let head = Head {
        epoch: loaded.as_ref().map_or(lease.epoch, |loaded| {
            lease.epoch.max(loaded.head.epoch + 1).max(loaded.tail.epoch + 1)
        }),
        nonce: lease.nonce,
        written: store.env.now(),
        key: key.wrapped().clone(),
        ..match &loaded {
            Some(loaded) => loaded.head.clone(),
            None => first_head(store, born, &key),
        }
    };
    let won = store.move_head(&head, loaded.as_ref().map(|loaded| &loaded.tag)).await?;
    let Won::Mine(tag) = won else { return Ok(None) };
    let loaded = match loaded {
        Some(loaded) => Loaded { head, tag, ..loaded },
        None => Loaded {
            snapshot: Snapshot::empty(head.identity.clone()),
            tail: Tail::after(&head),
            head,
            tag,
        },
    };
    Ok(Some((loaded, key)))
}

fn first_head(store: &Store, born: Option<Lineage>, key: &DataKey) -> Head {
    Head {
        identity: Identity {
            stack: store.name.clone(),
            lineage: born.unwrap_or_else(|| Lineage(store.env.uuid())),
            home: store.backend.url(),
        },
        epoch: 0,
        nonce: uuid::Uuid::nil(),
        written: store.env.now(),
        snapshot: None,
        tip: Tip::default(),
        position: Position::default(),
        fences: Vec::new(),
        key: key.wrapped().clone(),
        moving: None,
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("stack", &self.store.name)
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}

fn is_entry_of(body: &[u8], number: u64, deployment: &Deployment) -> bool {
    let there = v1::read_history_line("history", number, body);
    there.is_ok_and(|there| there.entry.deployment == *deployment)
}
