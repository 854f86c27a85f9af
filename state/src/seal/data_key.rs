//! The key that seals a stack's values.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD as BASE64};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, aead::Aead, aead::Payload};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Sealer;
use crate::{Checksum, Error, ErrorKind, Result, StackName, env::Env};

const NONCE: usize = 24;

/// A data key as it is stored: sealed by the sealer `id`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrappedKey {
    /// Which sealer.
    pub(crate) id: String,
    /// Whose data key it was when it was made. A state that was taken over under another name keeps it.
    pub(crate) stack: StackName,
    /// Base64.
    pub(crate) wrapped: String,
}

impl WrappedKey {
    /// Which data key of the stack this is, in a word for names of objects.
    pub(crate) fn word(&self) -> String {
        let mut word = Checksum::of(self.wrapped.as_bytes()).to_string();
        word.truncate(8);
        word
    }
}

/// Bound to every wrapped data key, so that neither another stack's nor anything else the sealer sealed passes for it. In
/// KMS it is the encryption context, which policies can name.
fn context(stack: &StackName) -> Vec<u8> {
    format!("infra-state data key of {stack}").into_bytes()
}

/// Seals values with XChaCha20-Poly1305.
pub(crate) struct DataKey {
    wrapped: WrappedKey,
    cipher: XChaCha20Poly1305,
    /// A nonce is this, random for each `DataKey` in memory, and a count: no two are equal in all runs that share the
    /// key (after 2^40 runs two of 16 random bytes are equal with a chance of 2^-49), and a snapshot with many secrets
    /// does not ask the system for randomness as many times.
    prefix: [u8; 16],
    count: AtomicU64,
}

impl DataKey {
    fn new(wrapped: WrappedKey, key: &[u8], env: &dyn Env) -> Result<Self> {
        let cipher = XChaCha20Poly1305::new_from_slice(key).map_err(|_| {
            Error::new(ErrorKind::Key, format!("{} does not hold a data key", wrapped.id))
        })?;
        let mut prefix = [0; 16];
        env.random(&mut prefix);
        Ok(Self { wrapped, cipher, prefix, count: AtomicU64::new(0) })
    }

    pub(crate) fn wrapped(&self) -> &WrappedKey {
        &self.wrapped
    }

    /// Base64 of nonce and ciphertext.
    pub(crate) fn seal(&self, plain: &[u8], context: &[u8]) -> Result<String> {
        let mut sealed = [0; NONCE].to_vec();
        sealed[..16].copy_from_slice(&self.prefix);
        sealed[16..].copy_from_slice(&self.count.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        let payload = Payload { msg: plain, aad: context };
        let ciphertext = self
            .cipher
            .encrypt(sealed[..].into(), payload)
            .map_err(|_| Error::new(ErrorKind::Invalid, "a secret is too large to be sealed"))?;
        sealed.extend(ciphertext);
        Ok(BASE64.encode(sealed))
    }

    /// The reverse; the error says nothing of the content.
    pub(crate) fn open(&self, sealed: &str, context: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let damaged = || {
            let message = "a sealed value is damaged or was moved here from another place";
            Error::new(ErrorKind::Corrupt, message)
        };
        let bytes = BASE64.decode(sealed).map_err(|_| damaged())?;
        let (nonce, ciphertext) = bytes.split_at_checked(NONCE).ok_or_else(damaged)?;
        let payload = Payload { msg: ciphertext, aad: context };
        self.cipher.decrypt(nonce.into(), payload).map(Zeroizing::new).map_err(|_| damaged())
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKey").field("id", &self.wrapped.id).finish_non_exhaustive()
    }
}

/// A data key as far as this run has it.
#[derive(Clone, Debug)]
pub(crate) enum Opened {
    /// It opens what it sealed.
    Key(Arc<DataKey>),
    /// This run may read without it: what it sealed is secret and not known.
    Missing,
}

/// Mints data keys, and opens each wrapped one only once.
#[derive(Clone, Debug)]
pub(crate) struct Vault {
    sealer: Arc<dyn Sealer>,
    stack: StackName,
    env: Arc<dyn Env>,
    opened: Arc<Mutex<HashMap<WrappedKey, Arc<DataKey>>>>,
    /// Which keys were missing, where reading without them is allowed.
    missing: Option<Arc<Mutex<BTreeSet<String>>>>,
}

impl Vault {
    pub(crate) fn new(sealer: Arc<dyn Sealer>, env: Arc<dyn Env>, stack: StackName) -> Self {
        Self { sealer, stack, env, opened: Arc::default(), missing: None }
    }

    /// The same for a reader who may not have the key. It must not write with this.
    pub(crate) fn lenient(&self) -> Self {
        Self { missing: Some(Arc::default()), ..self.clone() }
    }

    pub(crate) fn is_lenient(&self) -> bool {
        self.missing.is_some()
    }

    /// The keys that were missing so far.
    pub(crate) fn missing(&self) -> BTreeSet<String> {
        let missing = self.missing.as_ref();
        let missing = missing.map(|keys| keys.lock().unwrap_or_else(PoisonError::into_inner));
        missing.map(|keys| keys.clone()).unwrap_or_default()
    }

    /// The data key inside, or that it is missing where that is allowed.
    pub(crate) async fn opened(&self, wrapped: &WrappedKey) -> Result<Opened> {
        match (self.open(wrapped).await, &self.missing) {
            (Ok(key), _) => Ok(Opened::Key(key)),
            (Err(error), Some(missing)) if error.kind() == ErrorKind::Key => {
                let mut missing = missing.lock().unwrap_or_else(PoisonError::into_inner);
                missing.insert(wrapped.id.clone());
                Ok(Opened::Missing)
            }
            (Err(error), _) => Err(error),
        }
    }

    /// The same, with another source of randomness.
    pub(crate) fn with_env(&self, env: &Arc<dyn Env>) -> Self {
        Self::new(Arc::clone(&self.sealer), Arc::clone(env), self.stack.clone())
    }

    /// The same, for who has this key in hand: it need not be opened.
    pub(crate) fn holding(&self, key: &Arc<DataKey>) -> Self {
        let opened = [(key.wrapped().clone(), Arc::clone(key))].into_iter().collect();
        Self { opened: Arc::new(Mutex::new(opened)), ..self.clone() }
    }

    /// The same for another stack.
    pub(crate) fn named(&self, stack: StackName) -> Self {
        Self { stack, ..self.clone() }
    }

    /// The sealer.
    pub(crate) fn sealer(&self) -> &dyn Sealer {
        &*self.sealer
    }

    /// A new data key.
    pub(crate) async fn mint(&self) -> Result<Arc<DataKey>> {
        let mut key = Zeroizing::new([0; 32]);
        self.env.random(&mut *key);
        let stack = self.stack.clone();
        let wrapped = BASE64.encode(self.sealer.seal(&*key, &context(&stack)).await?);
        let wrapped = WrappedKey { id: self.sealer.key_id(), stack, wrapped };
        Ok(self.remember(DataKey::new(wrapped, &*key, &*self.env)?))
    }

    /// The data key inside; an error names the key that is needed.
    pub(crate) async fn open(&self, wrapped: &WrappedKey) -> Result<Arc<DataKey>> {
        let opened =
            self.opened.lock().unwrap_or_else(PoisonError::into_inner).get(wrapped).cloned();
        if let Some(key) = opened {
            return Ok(key);
        }
        let bytes = BASE64.decode(&wrapped.wrapped).map_err(|e| {
            Error::new(ErrorKind::Corrupt, "a wrapped data key is damaged").because(e)
        })?;
        let key = self.sealer.open(&bytes, &context(&wrapped.stack)).await.map_err(|e| {
            if e.kind() != ErrorKind::Key || wrapped.id == self.sealer.key_id() {
                return e;
            }
            let message = format!(
                "{e}. The secrets of {} are sealed with the key `{}`: give it the key that the state was made with, or was \
                 sealed with last by `state rekey`",
                wrapped.stack, wrapped.id,
            );
            Error::new(ErrorKind::Key, message).because(e)
        })?;
        Ok(self.remember(DataKey::new(wrapped.clone(), &key, &*self.env)?))
    }

    fn remember(&self, key: DataKey) -> Arc<DataKey> {
        let key = Arc::new(key);
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.insert(key.wrapped.clone(), Arc::clone(&key));
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{env::Fake, seal::LocalKey};

    fn vault(key: u8) -> Vault {
        let env = Arc::new(Fake::new(u64::from(key)));
        let stack = StackName::new("shop", "dev").unwrap();
        Vault::new(Arc::new(LocalKey::from_bytes([key; 32])), env, stack)
    }

    #[tokio::test]
    async fn what_is_sealed_opens_in_its_own_context_only() {
        let key = vault(1).mint().await.unwrap();
        let sealed = key.seal(b"hunter2", b"here").unwrap();
        assert_eq!(&**key.open(&sealed, b"here").unwrap(), b"hunter2");
        assert_eq!(key.open(&sealed, b"there").unwrap_err().kind(), ErrorKind::Corrupt);
        assert_ne!(sealed, key.seal(b"hunter2", b"here").unwrap(), "equal secrets look different");
    }

    #[tokio::test]
    async fn another_sealer_says_which_key_is_missing() {
        let wrapped = vault(1).mint().await.unwrap().wrapped().clone();
        let error = vault(2).open(&wrapped).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Key);
        assert!(error.to_string().contains(&wrapped.id), "{error}");
        assert_eq!(vault(1).open(&wrapped).await.unwrap().wrapped(), &wrapped);
        let stack = StackName::new("shop", "prod").unwrap();
        let moved = WrappedKey { stack, ..wrapped };
        assert_eq!(vault(1).open(&moved).await.unwrap_err().kind(), ErrorKind::Key);
    }
}
