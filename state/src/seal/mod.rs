//! Keeping secrets: a [`Sealer`] wraps the stack's data key, and the data key seals value by value.
//!
//! The data key is kept over the runs, wrapped, in the head and in every object that it seals. So a run costs the
//! sealer one call however many secrets, segments and deployments there are, and every stored object carries the key
//! that opens it. Another data key, under the same sealer or another one, comes by [`Session::rekey`](crate::Session::rekey).

mod data_key;
#[cfg(feature = "kms")]
mod kms;
mod local_key;
mod passphrase;
mod port;
mod sealed;

pub(crate) use data_key::{DataKey, Opened, Vault, WrappedKey};
#[cfg(feature = "kms")]
pub use kms::Kms;
pub use local_key::LocalKey;
pub use passphrase::Passphrase;
pub use port::Sealer;
pub use sealed::Sealed;
