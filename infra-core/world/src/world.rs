//! What a log is of.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Everything an embedded cloud remembers.
pub trait World: Default {
    /// What a call did; or, from nothing, all there is.
    type Changes: Serialize + DeserializeOwned;

    /// What the first frame of a log says. A log that says something else is another world's, or
    /// another version's.
    const FORMAT: &'static str;

    /// Takes changes that are durable already.
    fn apply(&mut self, changes: Self::Changes);

    /// The whole world as changes from nothing.
    fn everything(&self) -> Self::Changes;
}
