//! Values that a plan shares with the records it was made from.

use std::{fmt, ops::Deref, sync::Arc};

use infra_state::{Record, Value};

/// A value of a step: its own, or a record's. Cheap to clone; behaves as the [`Value`] it holds.
///
/// Most steps of most plans keep what is there: sharing the records' values is what keeps a plan small.
#[derive(Clone)]
pub enum Held {
    /// Its own.
    Own(Arc<Value>),
    /// The inputs of a record.
    Inputs(Arc<Record>),
    /// The outputs of a record.
    Outputs(Arc<Record>),
}

impl Deref for Held {
    type Target = Value;

    fn deref(&self) -> &Value {
        match self {
            Self::Own(value) => value,
            Self::Inputs(record) => &record.inputs,
            Self::Outputs(record) => &record.outputs,
        }
    }
}

impl From<Value> for Held {
    fn from(value: Value) -> Self {
        Self::Own(Arc::new(value))
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
