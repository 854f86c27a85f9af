//! What is remembered of one object.

use std::{collections::BTreeSet, fmt, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ProviderIdentity, Urn, Value};

/// Tells one object from the next that takes its place: a short random word, minted at each create, part of its
/// generated name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Instance(Arc<str>);

impl Instance {
    /// Eight lower-case letters and digits from `bytes`: 40 bits, starting with a letter.
    pub fn from_bytes(bytes: [u8; 8]) -> Self {
        const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let pick = |(at, byte): (usize, u8)| {
            LETTERS[usize::from(byte) % if at == 0 { 24 } else { 32 }] as char
        };
        Self(bytes.into_iter().enumerate().map(pick).collect::<String>().into())
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Instance {
    fn from(word: &str) -> Self {
        Self(word.into())
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a record is filed under: while a resource is being replaced it has two objects.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Key {
    /// The resource.
    pub urn: Urn,
    /// Which of its objects.
    pub instance: Instance,
}

/// Where an object is in its life.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Made, and as its inputs say.
    Ready,
    /// It exists, but making or updating it did not finish: the next `up` finishes it.
    Incomplete,
    /// Replaced: it only waits to be deleted.
    Deposed,
    /// Nobody knows whether the cloud made or deleted it; `state` commands settle it.
    Unresolved,
}

/// Options that matter after the program no longer mentions the resource.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Options {
    /// May not be deleted or replaced; stays in force when the line is removed from the program.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protect: bool,
    /// Deleting the resource only forgets it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retain_on_delete: bool,
    /// How long its delete may take, in seconds; the kind's default where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_timeout: Option<u64>,
    /// Where the program declared the resource when this record was last written, `src/db.rs:12`: for what it does not
    /// declare any more. It is written along with something else, never by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<String>,
}

/// The provider that made the object, and where that provider's calls went.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Provider {
    /// The provider's node.
    pub urn: Urn,
    /// Where its calls went when this record was written; never credentials.
    pub identity: ProviderIdentity,
}

/// One object of one resource.
#[derive(Clone, PartialEq, Debug)]
pub struct Record {
    /// The resource.
    pub urn: Urn,
    /// Which of its objects.
    pub instance: Instance,
    /// The version of the kind's schema that `inputs` and `outputs` have.
    pub version: u32,
    /// Where it is in its life.
    pub status: Status,
    /// The cloud's id. Absent only while a create is not known to have happened.
    pub id: Option<String>,
    /// What was declared and confirmed, with generated names; sparse: what was never set is absent.
    pub inputs: Value,
    /// What the cloud gave back.
    pub outputs: Value,
    /// Through which provider; absent for what needs none (secrets, providers themselves).
    pub provider: Option<Provider>,
    /// The resources it was made from, for the order of deletes.
    pub dependencies: BTreeSet<Urn>,
    /// Options that outlive the declaration.
    pub options: Options,
    /// Deleting it loses data (a database, a key, a bucket).
    pub holds_data: bool,
    /// When the object was first recorded.
    pub created: Timestamp,
    /// When this record last changed.
    pub updated: Timestamp,
}

impl Record {
    /// What it is filed under.
    pub fn key(&self) -> Key {
        Key { urn: self.urn.clone(), instance: self.instance.clone() }
    }
}
