//! The port: conditional objects and a lease.

use std::{fmt, fmt::Debug, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Finding, Result};

/// A place that keeps objects and leases.
///
/// Keys are words of letters, digits, `.`, `_` and `-` joined by `/`; no word starts with a dot. A stack is the key
/// of its folder: `program/stack`.
///
/// **Invariant:** a write that returned is durable and is seen by every later read, of any process. A write that
/// failed with [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) may have happened, now or a little later:
/// the caller finds out by what is stored. A reader never sees half a write.
#[async_trait]
pub trait Backend: Debug + Send + Sync {
    /// Where this is, in one canonical form: the same place has the same URL, however it was reached. Without
    /// credentials.
    fn url(&self) -> String;

    /// How a holder of a lease is known to be alive.
    fn liveness(&self) -> Liveness;

    /// The object, if it is there.
    async fn get(&self, key: &str) -> Result<Option<Object>>;

    /// Stores an object if there is none under this key yet (`If-None-Match: *`).
    async fn put_if_absent(&self, key: &str, body: &[u8]) -> Result<Put>;

    /// Replaces an object if it is still the version seen (`If-Match`).
    async fn put_if_match(&self, key: &str, body: &[u8], seen: &Tag) -> Result<Put>;

    /// What is directly inside `folder` (`""` is the root), by name: objects as `name`, folders as `name/`. Only
    /// what sorts after `after`, in order, all of it.
    async fn list(&self, folder: &str, after: &str) -> Result<Vec<String>>;

    /// Removes an object; one that is not there is removed already.
    async fn delete(&self, key: &str) -> Result<()>;

    /// Removes an object if it is still the version seen (`If-Match`). `false`: it is another one now, and stays.
    ///
    /// A backend that can do this at once overrides it: this looks first and removes then.
    async fn delete_if_match(&self, key: &str, seen: &Tag) -> Result<bool> {
        match self.get(key).await? {
            Some(there) if there.tag != *seen => Ok(false),
            _ => self.delete(key).await.map(|()| true),
        }
    }

    /// Takes the lease of `stack` if nobody has it, or if the holder's beat is still `over`: the caller has watched
    /// that beat stand still for a whole lease on its own clock. With [`Liveness::Kernel`] the backend knows by
    /// itself that a holder is dead, and `over` means nothing.
    async fn lease_take(&self, stack: &str, claim: &Claim, over: Option<Uuid>) -> Result<Taken>;

    /// Shows that the holder `nonce` is alive, by a new `beat`. `false`: the lease is not its own any more.
    async fn lease_renew(&self, stack: &str, nonce: Uuid, beat: Uuid) -> Result<bool>;

    /// Frees the lease if `nonce` holds it. `false`: it does not, and nothing was changed. The holder itself uses
    /// this, and so does a person who unlocks.
    async fn lease_free(&self, stack: &str, nonce: Uuid) -> Result<bool>;

    /// Who holds the lease and is, as far as the backend can know, alive.
    async fn lease_holder(&self, stack: &str) -> Result<Option<HolderInfo>>;

    /// Looks at the place itself: whether what is kept there is safe (`state doctor`). What is wrong with it is a
    /// finding, not an error. Nothing is changed; what is tried out is removed again.
    async fn examine(&self) -> Result<Vec<Finding>> {
        Ok(Vec::new())
    }

    /// Makes what the place needs and repairs what is not as it should be (`bootstrap`); done again it does nothing.
    /// [`Grade::Good`](crate::Grade::Good): it was there and right; [`Grade::Notice`](crate::Grade::Notice): it was
    /// made or changed.
    async fn prepare(&self) -> Result<Vec<Finding>> {
        Ok(Vec::new())
    }
}

/// The version of an object: opaque, another one after each write (S3's `ETag`).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Tag(pub String);

/// A stored object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Object {
    /// Its bytes.
    pub body: Vec<u8>,
    /// Its version.
    pub tag: Tag,
}

/// What became of a conditional write.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use = "a refused write was not made"]
pub enum Put {
    /// It was made; this is the version now.
    Stored(Tag),
    /// The condition did not hold, so nothing was written. After a lost reply the condition does not hold because
    /// the caller's own write is there: compare what is stored.
    Refused,
}

/// How a holder of a lease is known to be alive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Liveness {
    /// The operating system frees the lease when the holder dies. Nothing has to be renewed.
    Kernel,
    /// The holder renews; who has watched the same beat for a whole lease may take over.
    Beats {
        /// How long a beat is good for.
        lease: Duration,
        /// How often the holder renews it.
        every: Duration,
    },
}

/// Who asks for the lock, for the person who finds it held.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Holder {
    /// `user@host`.
    pub who: String,
    /// `up`, `destroy`, `state mv`, …
    pub command: String,
    /// The process on that host.
    pub pid: u32,
}

/// Who holds a lock.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HolderInfo {
    /// Who it is.
    pub holder: Holder,
    /// Names this one holding of the lock; what `unlock` wants to be told.
    pub nonce: Uuid,
    /// Since when, by the holder's clock.
    pub since: Timestamp,
    /// Changes with each renewal.
    pub beat: Uuid,
}

/// A request for the lease.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Who asks.
    pub holder: Holder,
    /// Names this holding; random. A holder that finds its own nonce has lost a reply, not the lease.
    pub nonce: Uuid,
    /// The first beat.
    pub beat: Uuid,
    /// Now, by the asker's clock.
    pub at: Timestamp,
}

/// The answer to a [`Claim`].
#[derive(Debug)]
pub enum Taken {
    /// The lease is the asker's.
    Granted(Grant),
    /// Somebody else has it.
    Held(HolderInfo),
}

/// A lease that was granted.
#[derive(Debug)]
pub struct Grant {
    /// Greater than that of every lease of this stack granted before, as far as the place that keeps leases
    /// remembers. (A deleted table remembers nothing; the stack's head does.)
    pub epoch: u64,
    /// Kept as long as the lease is. Where the kernel frees the lease of a dead holder, dropping this does too.
    pub guard: Box<dyn Guard>,
}

/// What a holder keeps as long as it holds: dropped, it frees a lease that the kernel watches.
pub trait Guard: Debug + Send + Sync {
    /// Whether the lease is still the holder's, as far as can be told at once and without a request. Asked before every
    /// call that changes something, and after every write. With [`Liveness::Kernel`] it must notice at once that the
    /// lease was freed or taken: nothing else asks. With beats it may always say yes.
    fn holds(&self) -> bool;
}

impl fmt::Display for HolderInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Holder { who, command, pid } = &self.holder;
        let since = self.since.strftime("%Y-%m-%d %H:%M:%S UTC");
        write!(f, "{who} (`{command}`, process {pid}) since {since}, nonce {}", self.nonce)
    }
}
