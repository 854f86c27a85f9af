//! What keeps the key of all keys.

use std::fmt::Debug;

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::Result;

/// Seals and opens a few bytes under a key that is kept outside the state: a local file, a passphrase, KMS.
///
/// Every call may cost a second (a passphrase) or a request (KMS), so nothing larger or more often than a data key is
/// given to it: one call for a run.
///
/// **Invariant:** the key may not be a resource of the stack it seals, or a destroy would destroy the way back.
#[async_trait]
pub trait Sealer: Debug + Send + Sync {
    /// Names the key and reveals nothing of it: `local:3f2a…`, a key's ARN. Stored beside everything the key seals. A
    /// sealer may know it better once it was used.
    fn key_id(&self) -> String;

    /// What the key's cloud calls it: its id, its ARN, its alias. No resource of the stack may have such an id.
    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    /// Seals `plain`; `context` (a line of text that is not secret) has to be the same at [`Sealer::open`].
    async fn seal(&self, plain: &[u8], context: &[u8]) -> Result<Vec<u8>>;

    /// Opens what [`Sealer::seal`] gave; [`ErrorKind::Key`](crate::ErrorKind::Key) if this is not its key or not its
    /// context.
    async fn open(&self, sealed: &[u8], context: &[u8]) -> Result<Zeroizing<Vec<u8>>>;
}
