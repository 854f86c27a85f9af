#![doc = include_str!("../README.md")]

pub mod backend;
pub mod canonical;
mod checksum;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
pub mod env;
pub mod error;
mod finding;
mod format;
mod history;
pub mod identity;
pub mod integrity;
pub mod journal;
pub mod path;
mod position;
pub mod record;
mod seal;
pub mod snapshot;
mod stack;
pub mod urn;
pub mod value;

pub use backend::{Backend, Holder, HolderInfo, Local, Memory};
pub use checksum::Checksum;
pub use env::{Env, EnvExt};
pub use error::{Error, ErrorKind, Result};
pub use finding::{Finding, Grade};
pub use history::HistoryEntry;
pub use identity::{Identity, Lineage, Place, ProviderIdentity, StackName};
pub use journal::{Change, Deployment, Intent, Outcome, Verb};
pub use path::{Path, Segment};
pub use position::Position;
pub use record::{Instance, Key, Options, Provider, Record, Status};
#[cfg(feature = "kms")]
pub use seal::Kms;
pub use seal::{LocalKey, Passphrase, Sealed, Sealer};
pub use snapshot::{Dependents, OpenIntent, Snapshot};
pub use stack::{ExportSecrets, Limits, Migrated, Push, Rebind, Session, State, View};
pub use urn::Urn;
pub use value::Value;
