//! Reading a stack: head, snapshot, journal; consistent even while somebody writes.

use std::sync::PoisonError;

use super::{
    log::{self, Tail},
    store::Store,
};
use crate::{
    Checksum, Error, ErrorKind, Identity, Place, Result, Snapshot,
    backend::Tag,
    format::v1::{self, Head, Moving, SnapshotRef},
    integrity,
};

/// How often a reader begins again because the head moved under it. Every time somebody finished a deployment.
const ATTEMPTS: usize = 100;

/// A stack as it was read.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    pub(super) head: Head,
    pub(super) tag: Tag,
    pub(super) snapshot: Snapshot,
    pub(super) tail: Tail,
}

/// Whose state may be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Whose {
    /// Only this stack's, at its home.
    Ours,
    /// Anybody's: it is about to be taken over.
    Anybodys,
}

/// Checks that a state may be used here, before anything else is read of it.
pub(super) fn check(store: &Store, head: &Head, whose: Whose) -> Result<()> {
    if whose == Whose::Ours {
        check_identity(store, &head.identity)?;
    }
    let (what, way) = match &head.moving {
        None => return Ok(()),
        // Who takes it over says what became of the other end.
        Some(Moving::Arriving(_)) if whose == Whose::Anybodys => return Ok(()),
        Some(Moving::Arriving(from)) => (
            format!("this is a copy of {from}, made by a move that did not finish"),
            format!(
                "Finish it by saying there again what was said. If {from} is gone for ever, take this copy over with \
                 `state rebind --moved`"
            ),
        ),
        Some(Moving::Leaving(to)) => (
            format!("the state is being moved to {to}, and that was not finished"),
            "Finish it by saying again what was said".to_owned(),
        ),
        Some(Moving::Left(to)) => (
            format!("the state was moved to {to}"),
            format!("Use it there: {}. `stack rm` removes this note", address(store, to)),
        ),
    };
    let message =
        format!("{}: {what}. Nothing was read or changed. {way}", store.object("head.json"));
    Err(Error::new(ErrorKind::Identity, message))
}

/// How a person says where a state went.
fn address(store: &Store, to: &Place) -> String {
    let mut said = Vec::new();
    if to.stack.stack != store.name.stack {
        said.push(format!("`--stack {}`", to.stack.stack));
    }
    if to.url != store.backend.url() {
        said.push(format!("`--state {}`, or `state = {:?}` in the settings", to.url, to.url));
    }
    said.join(" with ")
}

fn check_identity(store: &Store, found: &Identity) -> Result<()> {
    let home = store.backend.url();
    let what = if found.stack != store.name {
        format!("it is the state of {}, not of {}", found.stack, store.name)
    } else if found.home != home {
        format!("it belongs in {}: this is a copy of it, or it was moved", found.home)
    } else {
        return Ok(());
    };
    let message = format!(
        "{}: {what}. Nothing was read or changed. Use the state where it belongs, or take this one over with \
         `state rebind`: a copy gets a lineage of its own, a state that was moved keeps the one it has",
        store.object("head.json")
    );
    Err(Error::new(ErrorKind::Identity, message))
}

/// The stack, or none if it was never made.
pub(super) async fn load(store: &Store, whose: Whose) -> Result<Option<Loaded>> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let Some((head, tag)) = store.head().await? else {
            if store.is_absent().await? {
                return Ok(None);
            }
            continue;
        };
        check(store, &head, whose)?;
        let loaded = Box::pin(load_from(store, head, tag.clone())).await;
        // A compaction may have moved the head and removed what we were about to read, or were not shown.
        if store.head().await?.is_some_and(|(_, now)| now == tag) {
            let loaded = loaded?;
            *store.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(loaded.clone());
            return Ok(Some(loaded));
        }
        if attempt >= ATTEMPTS {
            return loaded.and_then(|_| {
                let message = format!(
                    "{} moved {ATTEMPTS} times while it was read; try again",
                    store.object("head.json")
                );
                Err(Error::new(ErrorKind::Unavailable, message))
            });
        }
    }
}

pub(super) async fn load_from(store: &Store, head: Head, tag: Tag) -> Result<Loaded> {
    let seen = seen(store, &head).await?;
    let verified = seen.as_ref().map(|(_, tail)| tail.tip);
    let (mut snapshot, mut tail) = match (seen, &head.snapshot) {
        (Some(seen), _) => seen,
        (None, Some(from)) => (load_snapshot(store, &head, from).await?, Tail::after(&head)),
        (None, None) => (Snapshot::empty(head.identity.clone()), Tail::after(&head)),
    };
    extend(store, &mut snapshot, &mut tail).await?;
    if verified != Some(tail.tip) && !store.vault.is_lenient() {
        integrity::verify(&snapshot).map_err(|e| e.corruption(&store.object("head.json")))?;
    }
    Ok(Loaded { head, tag, snapshot, tail })
}

/// What was read last, if the state begins where it did and the segment it ended with is still the one that is there:
/// each segment names the one before, so the rest is too.
async fn seen(store: &Store, head: &Head) -> Result<Option<(Snapshot, Tail)>> {
    let begins = |seen: &&Loaded| {
        let seen = &seen.head;
        (&seen.identity, &seen.snapshot, seen.tip) == (&head.identity, &head.snapshot, head.tip)
    };
    let seen = {
        let seen = store.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.as_ref().filter(begins).cloned()
    };
    let Some(seen) = seen else { return Ok(None) };
    if seen.tail.tip != head.tip {
        let last = store.get(&log::segment_name(seen.tail.tip.seq)).await?;
        if last.is_none_or(|last| Checksum::of(&last.body) != seen.tail.tip.sha256) {
            return Ok(None);
        }
    }
    Ok(Some((seen.snapshot, seen.tail)))
}

async fn load_snapshot(store: &Store, head: &Head, from: &SnapshotRef) -> Result<Snapshot> {
    let name = format!("snapshots/{}", from.name);
    let object = store.object(&name);
    let damaged = |what: &str| {
        let message = format!(
            "{object} is {what}, and the head needs it. Nothing was changed. Put it back, from a backup or an earlier \
             version of the object"
        );
        Error::new(ErrorKind::Corrupt, message)
    };
    let stored = store.get(&name).await?.ok_or_else(|| damaged("missing"))?;
    if Checksum::of(&stored.body) != from.sha256 {
        return Err(damaged("not the snapshot that was written (its checksum is another)"));
    }
    let key = match v1::read_snapshot_header(&object, &stored.body)? {
        Some(key) => Some(store.vault.opened(&key).await?),
        None => None,
    };
    let scope = v1::scope(&head.identity);
    v1::read_snapshot(&object, &stored.body, &head.identity, head.tip.seq, key.as_ref(), &scope)
}

/// Reads what the journal has beyond `tail`, and applies it.
pub(super) async fn extend(store: &Store, snapshot: &mut Snapshot, tail: &mut Tail) -> Result<()> {
    let identity = snapshot.identity.clone();
    log::read(store, &identity, tail, |object, segment| {
        segment.changes.iter().try_for_each(|change| {
            snapshot.apply(change).map_err(|e| {
                let message = format!("{object} cannot be applied: {e}. Nothing was changed");
                Error::new(ErrorKind::Corrupt, message).because(e)
            })
        })
    })
    .await
}
