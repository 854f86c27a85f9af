//! One change, as it is written to disk.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::record::Notes;

/// An object as it is since this revision.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Change {
    pub(crate) table: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) revision: u64,
    /// Nothing: it is gone.
    pub(crate) object: Option<Value>,
    #[serde(default, skip_serializing_if = "Notes::is_empty")]
    pub(crate) notes: Notes,
}
