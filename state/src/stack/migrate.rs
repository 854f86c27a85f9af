//! Moving a whole state: to another place, to another name, or both.
//!
//! 1. Under the lock of the old end everything is copied to the new end, whose head says *arriving*: it cannot be used.
//! 2. What arrived is read back and compared.
//! 3. The old head is sealed: *leaving*. That is a conditional write over the head that was copied, so whoever took the
//!    lock meanwhile keeps the state where it is, with everything they wrote.
//! 4. The new head is opened.
//! 5. The old end is emptied, and its head becomes a tombstone: *left*.
//!
//! **Invariant:** at most one end can be used, and the one that can has everything. Cut off before the third step it is
//! the old one; after the fourth the new one; between the two it is neither, and the same call made again goes on.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    commit::Ended,
    history,
    lease::Lease,
    load,
    log::{JOURNAL, segment_name, segment_seq},
    session::Session,
    state::State,
    store::{Store, Won, fenced},
};
use crate::{
    Checksum, Error, ErrorKind, Holder, Identity, Place, Position, Result, Snapshot,
    backend::Tag,
    format::v1::{self, Head, Moving, SnapshotRef},
    seal::{DataKey, WrappedKey},
};

const HISTORY: &str = "history";
const SNAPSHOTS: &str = "snapshots";
const WIDTH: usize = 16;

/// A state that was moved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Migrated {
    /// Where it was; there is a tombstone now.
    pub from: Place,
    /// Where it is.
    pub to: Place,
    /// The last change: the same at both ends.
    pub position: Position,
    /// How many records went.
    pub records: u64,
    /// How many deployments of the history went.
    pub deployments: u64,
    /// It was there already: there was nothing left to do.
    pub already: bool,
}

impl State {
    /// Moves the whole state to `to`: another place, another name of the same program, or both. It stays the same
    /// stack, with its lineage, history and position; secrets are sealed with the key of `to`. Made again after it was
    /// cut off, it goes on.
    ///
    /// The old end keeps a tombstone: whoever still uses it is told where the state went.
    pub async fn migrate_to(&self, to: &Self, who: Holder, wait: Duration) -> Result<Migrated> {
        let (old, new) = (self.place(), to.place());
        if old == new {
            let message = format!("the state of {old} is there already");
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let Some((head, _)) = self.store.head().await? else {
            self.store.is_absent().await?;
            let message = format!("there is no state of {old} to move");
            return Err(Error::new(ErrorKind::Invalid, message));
        };
        match &head.moving {
            Some(Moving::Leaving(there) | Moving::Left(there)) if *there == new => {}
            _ => {
                // The end that nobody may use is locked as well: two who copy there would mix what they copy.
                let lease = Lease::take(&to.store, who.clone(), wait).await?;
                let copied = Box::pin(self.copy_and_seal(to, who, wait, &lease)).await;
                lease.free().await;
                copied?;
            }
        }
        Box::pin(self.finish_move(to)).await
    }

    /// Where the state went, if it is not here any more.
    pub async fn left_for(&self) -> Result<Option<Place>> {
        let head = self.store.head().await?;
        Ok(match head.and_then(|(head, _)| head.moving) {
            Some(Moving::Leaving(to) | Moving::Left(to)) => Some(to),
            _ => None,
        })
    }

    /// The first three steps.
    async fn copy_and_seal(
        &self,
        to: &Self,
        who: Holder,
        wait: Duration,
        lease: &Lease,
    ) -> Result<()> {
        let session = self.acquire(who, wait).await?;
        let moved = Box::pin(self.copy_under(&session, to, lease)).await;
        let mut writer = session.writer.lock().await;
        let over = Error::new(ErrorKind::Invalid, "the session is closed");
        writer.ended.get_or_insert(Ended::new(&over));
        drop(writer);
        session.lease.free().await;
        moved
    }

    async fn copy_under(&self, session: &Session, to: &Self, lease: &Lease) -> Result<()> {
        let mut writer = session.writer.lock().await;
        let snapshot = session.snapshot();
        let identity = Identity {
            stack: to.store.name.clone(),
            lineage: snapshot.identity.lineage,
            home: to.url(),
        };
        let seen = free_for(&to.store, &identity).await?;
        let fences = seen.as_ref().map_or_else(Vec::new, |(head, _)| head.fences.clone());
        let key = to.store.vault.mint().await?;
        let tip = writer.tail.tip;
        let there = Snapshot { identity: identity.clone(), ..snapshot.clone() };
        let body = v1::write_snapshot(&there, tip.seq, &key, &v1::scope(&identity))?;
        let name = format!("{:08}-{:010}.ndjson.zst", session.epoch, tip.seq);
        let head = Head {
            identity,
            epoch: session.epoch,
            nonce: lease.nonce,
            written: self.store.env.now(),
            snapshot: Some(SnapshotRef {
                name: name.clone(),
                sha256: Checksum::of(&body),
                bytes: body.len() as u64,
                records: snapshot.records.len() as u64,
            }),
            tip,
            position: writer.tail.position,
            fences,
            key: key.wrapped().clone(),
            moving: Some(Moving::Arriving(self.place())),
        };
        // The head is the first object of a stack. It names the snapshot, so the copy is whole when that is there: the
        // history goes before it.
        let seen = seen.map(|(_, tag)| tag);
        let Won::Mine(tag) = to.store.move_head(&head, seen.as_ref()).await? else {
            return Err(fenced("somebody made a stack in the place that it was to go to"));
        };
        self.copy_history(to, &writer.head.key, &key).await?;
        let name = format!("{SNAPSHOTS}/{name}");
        if let Won::Theirs(_) = to.store.create(&name, &body).await? {
            return Err(fenced("somebody else writes to the place that it was to go to"));
        }
        let arrived = load::load_from(&to.store, head.clone(), tag).await?;
        let same = arrived.snapshot == there && arrived.tail.position == writer.tail.position;
        if !same {
            let message = format!(
                "what arrived in {} is not what was sent. Nothing was changed in {}",
                to.place(),
                self.place()
            );
            return Err(Error::new(ErrorKind::Corrupt, message));
        }
        lease.check()?;
        session.check()?;
        let mut fences = writer.tail.fences.clone();
        fences.drain(..fences.len().saturating_sub(self.store.limits.fences));
        let sealed = Head {
            written: self.store.env.now(),
            fences,
            moving: Some(Moving::Leaving(to.place())),
            ..writer.head.clone()
        };
        match self.store.move_head(&sealed, Some(&writer.tag)).await? {
            Won::Mine(tag) => writer.tag = tag,
            Won::Theirs(_) => return Err(fenced("somebody else has moved the head")),
        }
        Ok(())
    }

    /// Copies the history, and reads back everything. What an attempt before has copied is under a data key that never
    /// came to count.
    async fn copy_history(&self, to: &Self, from_key: &WrappedKey, key: &DataKey) -> Result<()> {
        let names = history::names(&self.store, from_key).await?;
        let copied = stream::iter(names).map(|name| async move {
            let Some(stored) = self.store.get(&name).await? else { return Ok(()) };
            let there = history::renamed(&name, from_key, key.wrapped());
            let (from, object) = (self.store.object(&name), to.store.object(&there));
            let body = v1::reseal_history(
                &from,
                history::number(&name),
                &stored.body,
                &self.store.vault,
                key,
            )
            .await?;
            if let Won::Mine(_) = to.store.create(&there, &body).await?
                && to.store.get(&there).await?.is_some_and(|there| there.body == body)
            {
                return Ok(());
            }
            let message =
                format!("{object} is not what was sent. Nothing was changed in {}", self.place());
            Err(Error::new(ErrorKind::Corrupt, message))
        });
        copied.buffer_unordered(WIDTH).try_collect::<Vec<()>>().await.map(drop)
    }

    /// The last two steps, from wherever they got to.
    async fn finish_move(&self, to: &Self) -> Result<Migrated> {
        let place = to.place();
        let Some((old, old_tag)) = self.store.head().await? else {
            return Err(fenced("somebody removed the old end"));
        };
        let Some((new, new_tag)) = to.store.head().await? else {
            let message = format!(
                "the state of {} was moved to {place}, and there is none. Put it back there, from a backup or an \
                 earlier version of its objects",
                self.place()
            );
            return Err(Error::new(ErrorKind::Corrupt, message));
        };
        if new.identity.lineage != old.identity.lineage {
            let message =
                format!("{place} is another stack by now (lineage {})", new.identity.lineage);
            return Err(Error::new(ErrorKind::Identity, message));
        }
        let arriving = matches!(new.moving, Some(Moving::Arriving(_)));
        if arriving {
            let open = Head { moving: None, written: self.store.env.now(), ..new.clone() };
            if let Won::Theirs(_) = to.store.move_head(&open, Some(&new_tag)).await? {
                return Err(fenced("somebody else finishes it"));
            }
        }
        if matches!(old.moving, Some(Moving::Leaving(_))) {
            self.empty(&old).await?;
            let left =
                Head { snapshot: None, moving: Some(Moving::Left(place.clone())), ..old.clone() };
            if let Won::Theirs(_) = self.store.move_head(&left, Some(&old_tag)).await? {
                return Err(fenced("somebody else finishes it"));
            }
        }
        Ok(Migrated {
            from: self.place(),
            to: place,
            position: new.position,
            records: new.snapshot.as_ref().map_or(0, |snapshot| snapshot.records),
            already: !arriving && matches!(old.moving, Some(Moving::Left(_))),
            deployments: history::names(&to.store, &new.key).await?.len() as u64,
        })
    }

    /// Removes everything but what keeps those out who were taken over from long ago.
    async fn empty(&self, head: &Head) -> Result<()> {
        let segments = self.store.list(JOURNAL, "").await?;
        let segments = segments.iter().filter_map(|name| segment_seq(name));
        let segments = segments.filter(|seq| !head.fences.contains(seq)).map(segment_name);
        let mut names: Vec<String> = segments.collect();
        for folder in [SNAPSHOTS, HISTORY] {
            let inside = self.store.list(folder, "").await?;
            names.extend(inside.into_iter().map(|name| format!("{folder}/{name}")));
        }
        let removed = stream::iter(names)
            .map(|name| async move { self.store.backend.delete(&self.store.key(&name)).await });
        removed.buffer_unordered(WIDTH).try_collect::<Vec<()>>().await.map(drop)
    }
}

/// The head that may be replaced by the arriving one, or none: a place is free if nothing is there, or if what is there
/// is a tombstone or an unfinished copy of this very stack.
async fn free_for(store: &Store, identity: &Identity) -> Result<Option<(Head, Tag)>> {
    let Some((head, tag)) = store.head().await? else {
        store.is_absent().await?;
        return Ok(None);
    };
    let ours = head.identity.lineage == identity.lineage;
    let way = match &head.moving {
        Some(_) if ours => return Ok(Some((head, tag))),
        Some(Moving::Left(_)) => {
            "There is a note that another stack was moved from there: remove it with `stack rm`"
        }
        _ if ours => "It is this same stack: one of the two was copied",
        _ => "There is a stack already: choose another place or name",
    };
    let message = format!("{} is not free. {way}. Nothing was changed", store.object("head.json"));
    Err(Error::new(ErrorKind::Identity, message))
}
