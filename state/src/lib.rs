#![doc = include_str!("../README.md")]

pub mod error;
pub mod identity;
pub mod journal;
pub mod path;
pub mod record;
pub mod snapshot;
pub mod urn;
pub mod value;

pub use error::{Error, ErrorKind, Result};
pub use identity::{Identity, Lineage, ProviderIdentity, StackName};
pub use journal::{Change, Deployment, Intent, Outcome, Verb};
pub use path::{Path, Segment};
pub use record::{Instance, Key, Options, Provider, Record, Status};
pub use snapshot::{OpenIntent, Snapshot};
pub use urn::Urn;
pub use value::Value;
