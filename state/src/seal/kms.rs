//! A key in AWS KMS.

use std::{
    fmt,
    sync::{PoisonError, RwLock},
};

use async_trait::async_trait;
use aws_sdk_kms::{
    Client,
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    primitives::Blob,
};
use zeroize::Zeroizing;

use super::Sealer;
use crate::{Error, ErrorKind, Result};

/// The encryption context's name: what a policy can demand as `kms:EncryptionContext:infra`.
const CONTEXT: &str = "infra";

/// A key in KMS that never leaves it: KMS encrypts and decrypts the stack's data key, one call for a run.
///
/// Who makes a stack or seals it anew needs `kms:Encrypt` and `kms:Decrypt`, everybody else `kms:Decrypt`.
///
/// **Invariant:** only the key that the settings name is ever asked to decrypt, never one that the state names: who may
/// write to the state could name a key of their own.
pub struct Kms {
    client: Client,
    /// As it was said: an id, an ARN, an alias.
    key: String,
    /// The key's ARN, once KMS has said it.
    arn: RwLock<Option<String>>,
}

impl Kms {
    /// The key `key` (an id, an ARN, `alias/NAME`) as this client sees it.
    pub fn new(client: Client, key: impl Into<String>) -> Self {
        Self { client, key: key.into(), arn: RwLock::default() }
    }

    fn arn(&self) -> Option<String> {
        self.arn.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn known_as(&self, arn: Option<&str>) {
        if let Some(arn) = arn {
            *self.arn.write().unwrap_or_else(PoisonError::into_inner) = Some(arn.to_owned());
        }
    }

    /// What KMS said, for the person who must act.
    fn failed<E, R>(&self, verb: &str, error: &SdkError<E, R>) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        R: fmt::Debug + Send + Sync + 'static,
    {
        let key = format!("the key `{}`", self.key);
        let region = self.client.config().region().map_or("?", |region| region.as_ref());
        let said = error.message().unwrap_or_default().to_owned();
        let (kind, what) = match error.code() {
            Some("AccessDeniedException") => (
                ErrorKind::Key,
                format!(
                    "{key} may not be used: `kms:{verb}` is denied. Allow it in the key's policy or in an IAM policy"
                ),
            ),
            Some("DisabledException") => (
                ErrorKind::Key,
                format!(
                    "{key} is disabled, so nothing that it seals can be read: enable it (`kms:EnableKey`)"
                ),
            ),
            Some("KMSInvalidStateException") => (
                ErrorKind::Key,
                format!(
                    "{key} cannot be used as it is. If it is pending deletion, cancel that now (`kms:CancelKeyDeletion`, \
                     `kms:EnableKey`): once it is deleted the secrets of this state are lost"
                ),
            ),
            Some("NotFoundException") => (
                ErrorKind::Key,
                format!(
                    "there is no {} in {region}: a key of another region is named by its ARN, or with `?region=`; an alias \
                     may be gone, a key may be deleted",
                    key.trim_start_matches("the ")
                ),
            ),
            Some("IncorrectKeyException" | "InvalidCiphertextException") => (
                ErrorKind::Key,
                format!(
                    "{key} is not the one that sealed this, or it was sealed for another stack"
                ),
            ),
            Some("InvalidKeyUsageException") => (
                ErrorKind::Key,
                format!(
                    "{key} cannot seal: expected a symmetric key for encryption and decryption"
                ),
            ),
            _ => (ErrorKind::Unavailable, format!("KMS in {region} does not answer for {key}")),
        };
        let said = if said.is_empty() { String::new() } else { format!(" (KMS says: {said})") };
        let message = format!("{what}{said}");
        if kind == ErrorKind::Unavailable {
            return Error::new(kind, format!("{message}: {}", DisplayErrorContext(error)));
        }
        Error::new(kind, message)
    }
}

fn text(context: &[u8]) -> String {
    String::from_utf8_lossy(context).into_owned()
}

#[async_trait]
impl Sealer for Kms {
    fn key_id(&self) -> String {
        self.arn().unwrap_or_else(|| format!("kms:{}", self.key))
    }

    fn names(&self) -> Vec<String> {
        let mut names = vec![self.key.clone()];
        names.extend(self.arn());
        // The id, or `alias/NAME`, is what stands last in an ARN.
        let short = names.iter().filter_map(|arn| {
            let last = arn.splitn(6, ':').nth(5)?;
            Some(last.strip_prefix("key/").unwrap_or(last).to_owned())
        });
        let short: Vec<_> = short.collect();
        names.extend(short);
        names
    }

    async fn seal(&self, plain: &[u8], context: &[u8]) -> Result<Vec<u8>> {
        let call = self.client.encrypt().key_id(&self.key).plaintext(Blob::new(plain));
        let sealed = call.encryption_context(CONTEXT, text(context)).send().await;
        let sealed = sealed.map_err(|e| self.failed("Encrypt", &e))?;
        self.known_as(sealed.key_id());
        let bytes = sealed.ciphertext_blob.map(Blob::into_inner);
        bytes.ok_or_else(|| Error::new(ErrorKind::Unavailable, "KMS encrypted and gave nothing"))
    }

    async fn open(&self, sealed: &[u8], context: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let call = self.client.decrypt().key_id(&self.key).ciphertext_blob(Blob::new(sealed));
        let opened = call.encryption_context(CONTEXT, text(context)).send().await;
        let opened = opened.map_err(|e| self.failed("Decrypt", &e))?;
        self.known_as(opened.key_id());
        let bytes = opened.plaintext.map(Blob::into_inner);
        let bytes = bytes.map(Zeroizing::new);
        bytes.ok_or_else(|| Error::new(ErrorKind::Unavailable, "KMS decrypted and gave nothing"))
    }
}

impl fmt::Debug for Kms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kms")
            .field("key", &self.key)
            .field("arn", &self.arn())
            .finish_non_exhaustive()
    }
}
