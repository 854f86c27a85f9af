//! Keeping secrets: one [`Sealer`] wraps one data key a run, and the data key seals value by value.
//!
//! So a run costs the sealer one call however many secrets there are, and every stored object carries, wrapped, the
//! key that opens it.

mod data_key;
mod local_key;
mod port;

pub(crate) use data_key::{DataKey, Opened, Vault, WrappedKey};
pub use local_key::LocalKey;
pub use port::Sealer;
