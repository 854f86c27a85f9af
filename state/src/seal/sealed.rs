//! Bytes that are sealed for a stack and kept outside its state.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Vault, WrappedKey, data_key::DataKey};
use crate::Result;

/// Bytes sealed by [`State::seal`](crate::State::seal): the data key, wrapped, and what it sealed. They open as long as
/// the sealer is what it was, whatever became of the state.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    key: WrappedKey,
    content: String,
}

impl Sealed {
    pub(crate) fn new(key: &DataKey, plain: &[u8], context: &[u8]) -> Result<Self> {
        Ok(Self { key: key.wrapped().clone(), content: key.seal(plain, context)? })
    }

    pub(crate) async fn open(&self, vault: &Vault, context: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        vault.open(&self.key).await?.open(&self.content, context)
    }
}
