//! What keeps the key of all keys.

use std::fmt::Debug;

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::Result;

/// Seals and opens a few bytes under a key that is kept outside the state: a local file, a passphrase, KMS.
///
/// **Invariant:** the key may not be a resource of the stack it seals, or a destroy would destroy the way back.
#[async_trait]
pub trait Sealer: Debug + Send + Sync {
    /// Names the key and reveals nothing of it: `local:3f2a…`. Stored beside everything the key seals.
    fn key_id(&self) -> String;

    /// Seals `plain`; `context` has to be the same at [`Sealer::open`].
    async fn seal(&self, plain: &[u8], context: &[u8]) -> Result<Vec<u8>>;

    /// Opens what [`Sealer::seal`] gave; [`ErrorKind::Key`](crate::ErrorKind::Key) if this is not its key or not its
    /// context.
    async fn open(&self, sealed: &[u8], context: &[u8]) -> Result<Zeroizing<Vec<u8>>>;

    /// A keyed digest: the same for the same bytes as long as the key lives, and telling nothing without the key.
    /// For comparing secrets across runs without storing them.
    fn digest(&self, bytes: &[u8]) -> [u8; 32];
}
