//! What happens to a stack, one entry at a time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Key, Record, Value};

/// What a step does in the cloud.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Make the object.
    Create,
    /// Change it in place.
    Update,
    /// Remove it.
    Delete,
    /// Look something up; changes nothing.
    Read,
}

/// Written before a call is made, so that a crash after it can be told from one before it.
#[derive(Clone, PartialEq, Debug)]
pub struct Intent {
    /// The operation; also the client token and what the operation's owner tag says.
    pub op: Uuid,
    /// What is about to be done.
    pub verb: Verb,
    /// Create and update: the record as it will be, with the full inputs. Delete: the record as it is.
    pub record: Record,
    /// When it was written.
    pub at: Timestamp,
}

/// How an operation or a deployment ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// As planned.
    Succeeded,
    /// Something failed; the rest was done.
    Failed,
    /// A person or a lost lease stopped it.
    Interrupted,
}

/// One run of a command that changes the stack.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Deployment {
    /// 1 for a stack's first.
    pub number: u64,
    /// `up`, `destroy`, `state mv`, …
    pub command: String,
    /// `user@host`.
    pub by: String,
    /// The program's revision, if it is known (version control, else a hash of the executable).
    pub revision: String,
    /// When it began.
    pub at: Timestamp,
    /// The cloud it was done on, by the program's name for it; `None` if the program has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<String>,
}

/// One journal entry: everything that ever changes a snapshot is one of these.
#[derive(Clone, PartialEq, Debug)]
pub enum Change {
    /// A deployment begins.
    Begun(Deployment),
    /// A call is about to be made.
    Intent(Intent),
    /// The create of `op` gave an id, before the object is ready.
    Created {
        /// The operation.
        op: Uuid,
        /// The cloud's id.
        id: String,
    },
    /// The operation is over: the record as it is now, or none if the object is gone.
    Done {
        /// The operation.
        op: Uuid,
        /// What is remembered from now on.
        record: Option<Record>,
    },
    /// The operation failed: the record as it is now known (incomplete), or what was there before if none is given.
    Failed {
        /// The operation.
        op: Uuid,
        /// The failure's class and message, scrubbed of secrets.
        message: String,
        /// What is remembered from now on; `None` leaves the records as they are.
        record: Option<Record>,
    },
    /// A record changes without a call: imported, protected, moved, pinned, deposed.
    Put(Record),
    /// A record is forgotten without a call.
    Forgotten(Key),
    /// The stack's exports from now on.
    Exports(BTreeMap<String, Value>),
    /// The deployment in progress is over.
    Ended(Outcome),
}
