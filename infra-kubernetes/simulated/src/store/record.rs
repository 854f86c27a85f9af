//! One object and what is noted about it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

/// Namespace (empty for what has none) and name.
pub(crate) type Key = (String, String);

/// Instants in milliseconds that no field of the object has room for; never shown.
pub(crate) type Notes = BTreeMap<String, i64>;

/// One object.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) object: Arc<Value>,
    pub(crate) notes: Notes,
}
