//! Where every call of every actor waits until the explorer grants it.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, atomic::AtomicBool},
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures_util::future::BoxFuture;
use infra_state::{
    Error, ErrorKind, HolderInfo, Result,
    backend::{Claim, Object, Put, Tag, Taken},
};
use uuid::Uuid;

use super::mutant::Mutant;

/// Who calls: an index into the actors of a scenario.
pub(crate) type Actor = usize;

/// What an actor waits for.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Get(String),
    PutIfAbsent(String, Vec<u8>),
    PutIfMatch(String, Vec<u8>, Tag),
    List(String, String),
    Delete(String),
    DeleteIfMatch(String, Tag),
    Take(String, Claim, Option<Uuid>),
    Renew(String, Uuid, Uuid),
    Free(String, Uuid),
    Holder(String),
    /// Until when; a nap is too short to matter to a lease.
    Sleep(Duration, bool),
}

/// What it is told.
#[derive(Debug)]
pub(crate) enum Reply {
    Object(Option<Object>),
    Put(Put),
    Names(Vec<String>),
    Done,
    Taken(Taken),
    Held(bool),
    Holder(Option<HolderInfo>),
    Unavailable,
}

impl Call {
    pub(crate) fn mutates(&self) -> bool {
        !matches!(self, Self::Get(_) | Self::List(..) | Self::Holder(_) | Self::Sleep(..))
    }

    /// Whether it is the heartbeat's, which goes beside everything else an actor does.
    pub(crate) fn is_beat(&self) -> bool {
        matches!(self, Self::Renew(..) | Self::Sleep(_, false))
    }

    pub(crate) fn hash(&self, to: &mut impl Hasher) {
        std::mem::discriminant(self).hash(to);
        match self {
            Self::Get(key) | Self::Delete(key) | Self::Holder(key) => key.hash(to),
            Self::PutIfAbsent(key, body) => (key, body).hash(to),
            Self::PutIfMatch(key, body, tag) => (key, body, tag).hash(to),
            Self::List(folder, after) => (folder, after).hash(to),
            Self::DeleteIfMatch(key, tag) => (key, tag).hash(to),
            Self::Take(_, claim, over) => (claim.nonce, claim.beat, over).hash(to),
            Self::Renew(_, nonce, beat) => (nonce, beat).hash(to),
            Self::Free(_, nonce) => nonce.hash(to),
            Self::Sleep(until, nap) => (until, nap).hash(to),
        }
    }
}

impl Reply {
    pub(crate) fn hash(&self, to: &mut impl Hasher) {
        std::mem::discriminant(self).hash(to);
        match self {
            Self::Object(object) => object.as_ref().map(|object| &object.body).hash(to),
            Self::Put(Put::Stored(tag)) => tag.hash(to),
            Self::Names(names) => names.hash(to),
            Self::Taken(Taken::Granted(grant)) => grant.epoch.hash(to),
            Self::Taken(Taken::Held(held)) | Self::Holder(Some(held)) => {
                (held.nonce, held.beat).hash(to);
            }
            Self::Held(held) => held.hash(to),
            Self::Put(Put::Refused) | Self::Holder(None) | Self::Done | Self::Unavailable => {}
        }
    }
}

/// A call that waits, or whose reply waits.
pub(crate) struct Pending {
    pub(crate) actor: Actor,
    pub(crate) call: Call,
    /// What it was told, but has not seen yet.
    pub(crate) reply: Option<Reply>,
    /// It had its effect; the reply is on its way.
    pub(crate) held_back: Option<Reply>,
    /// What the lease was when it began; who sleeps a little need not look again before that changes.
    pub(crate) since: u64,
    pub(crate) asked: Duration,
    waker: Option<Waker>,
}

/// Something that an actor runs beside itself.
pub(crate) struct Spawned {
    pub(crate) actor: Actor,
    pub(crate) work: BoxFuture<'static, ()>,
    pub(crate) alive: Arc<AtomicBool>,
}

#[derive(Default)]
pub(crate) struct Inner {
    pub(crate) time: Duration,
    pub(crate) pending: BTreeMap<u64, Pending>,
    pub(crate) spawned: Vec<Spawned>,
    /// All that each actor was ever told. What it does follows from that, and so what it is.
    pub(crate) histories: BTreeMap<Actor, u64>,
    /// The lease that each actor was granted last.
    pub(crate) taken: BTreeMap<Actor, Uuid>,
    /// Changes with the lease.
    pub(crate) lease: u64,
    pub(crate) mutant: Option<Mutant>,
    /// What a clock shows that does not go right (of mutants).
    pub(crate) stopped: BTreeMap<Actor, Duration>,
    /// The head that an actor is shown next instead of the one that is there (of mutants).
    pub(crate) shown: BTreeMap<Actor, Vec<u8>>,
    /// The head that an actor wrote last.
    pub(crate) wrote: BTreeMap<Actor, Vec<u8>>,
    next: u64,
}

/// One world's calls. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Exchange(Arc<Mutex<Inner>>);

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Exchange")
    }
}

impl Exchange {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    /// Waits until the call is granted and told what became of it.
    pub(crate) fn ask(&self, actor: Actor, call: Call) -> Asked {
        let mut inner = self.lock();
        inner.next += 1;
        let (ticket, since, asked) = (inner.next, inner.lease, inner.time);
        if inner.mutant == Some(Mutant::NoCheckAfterAppend) {
            inner.stopped.remove(&actor);
        }
        let pending =
            Pending { actor, call, reply: None, held_back: None, since, asked, waker: None };
        inner.pending.insert(ticket, pending);
        drop(inner);
        Asked { exchange: self.clone(), ticket }
    }

    /// Tells a call what became of it.
    pub(crate) fn tell(&self, ticket: u64, reply: Reply) {
        let mut inner = self.lock();
        let time = inner.time;
        let Some(pending) = inner.pending.get_mut(&ticket) else { return };
        let mut digest = DefaultHasher::new();
        pending.call.hash(&mut digest);
        reply.hash(&mut digest);
        time.hash(&mut digest);
        let (actor, waker, asked) = (pending.actor, pending.waker.take(), pending.asked);
        let granted = match (&pending.call, &reply) {
            (Call::Take(_, claim, _), Reply::Taken(Taken::Granted(_))) => Some(claim.nonce),
            _ => None,
        };
        let appended =
            matches!(&pending.call, Call::PutIfAbsent(key, _) if key.contains("/journal/"));
        pending.reply = Some(reply);
        if let Some(nonce) = granted {
            inner.taken.insert(actor, nonce);
        }
        if appended && inner.mutant == Some(Mutant::NoCheckAfterAppend) {
            inner.stopped.insert(actor, asked);
        }
        let history = inner.histories.entry(actor).or_default();
        (*history, digest.finish()).hash(&mut digest);
        *history = digest.finish();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// A call under way.
pub(crate) struct Asked {
    exchange: Exchange,
    ticket: u64,
}

impl Future for Asked {
    type Output = Reply;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reply> {
        let mut inner = self.exchange.lock();
        let pending = inner.pending.get_mut(&self.ticket).expect("it is asked once");
        match pending.reply.take() {
            Some(reply) => {
                inner.pending.remove(&self.ticket);
                Poll::Ready(reply)
            }
            None => {
                pending.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.exchange.lock().pending.remove(&self.ticket);
    }
}

impl Reply {
    /// The error that there was no reply.
    pub(crate) fn lost<T>(&self) -> Result<T> {
        assert!(matches!(self, Self::Unavailable), "{self:?} is no reply to this");
        Err(Error::new(ErrorKind::Unavailable, "no answer"))
    }
}
