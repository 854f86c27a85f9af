//! A key in a file of the user's.

use std::{
    fmt, fs,
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD as BASE64};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, aead::Aead, aead::Payload};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::Sealer;
use crate::{
    Checksum, Error, ErrorKind, Result,
    env::{Env, System},
};

const FIRST_LINE: &str =
    "infra sealing key, version 1. Who has this file can read the secrets; without it nobody can.";
const NONCE: usize = 24;

/// A key in a file that is not part of the project: losing the state does not lose the key, publishing the state
/// does not publish it.
#[derive(Clone)]
pub struct LocalKey {
    id: String,
    seal: Zeroizing<[u8; 32]>,
    derive: Zeroizing<[u8; 32]>,
    env: Arc<dyn Env>,
}

impl LocalKey {
    /// The key in the file, which is made if it is not there.
    pub fn open_or_create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        match Self::open(path) {
            Err(e) if e.kind() == ErrorKind::Key && !path.exists() => {}
            opened => return opened,
        }
        let mut key = Zeroizing::new([0; 32]);
        System.random(&mut *key);
        let failed = |e: io::Error| {
            let message = format!("cannot make the sealing key {}: {e}", path.display());
            Error::new(ErrorKind::Unavailable, message).because(e)
        };
        create(path, &key).map_err(failed)?;
        // Somebody may have been faster; whatever is there now is the key.
        Self::open(path)
    }

    /// The key in the file, which has to be there.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map(Zeroizing::new).map_err(|e| {
            let message = format!(
                "cannot read the sealing key {}: {e}; put back the key that the state was made with",
                path.display()
            );
            Error::new(ErrorKind::Key, message).because(e)
        })?;
        let wrong = || {
            let message = format!("{} is not a sealing key, or it is damaged", path.display());
            Error::new(ErrorKind::Key, message)
        };
        let mut lines = text.lines();
        if lines.next() != Some(FIRST_LINE) {
            return Err(wrong());
        }
        let bytes =
            Zeroizing::new(BASE64.decode(lines.next().unwrap_or_default()).map_err(|_| wrong())?);
        let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| wrong())?;
        Ok(Self::from_bytes(key))
    }

    /// The key itself, for programs that keep it elsewhere, and for tests.
    pub fn from_bytes(key: [u8; 32]) -> Self {
        let key = Zeroizing::new(key);
        let id = Checksum(hmac(&key, b"id")).to_string();
        Self {
            id: format!("local:{}", &id[..16]),
            seal: Zeroizing::new(hmac(&key, b"seal")),
            derive: Zeroizing::new(hmac(&key, b"derive")),
            env: Arc::new(System),
        }
    }

    /// The same key, with another source of randomness.
    #[must_use]
    pub fn with_env(mut self, env: Arc<dyn Env>) -> Self {
        self.env = env;
        self
    }

    /// Another key of 32 bytes, for this purpose: the same as long as the key file is, and telling nothing of it.
    pub fn derive(&self, purpose: &[u8]) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(hmac(&self.derive, purpose))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*self.seal).into())
    }
}

fn hmac(key: &[u8; 32], bytes: &[u8]) -> [u8; 32] {
    // A block of SHA-256 is 64 bytes; HMAC pads a shorter key with zeros.
    let mut block = Zeroizing::new([0; 64]);
    block[..32].copy_from_slice(key);
    let mut mac = <Hmac<Sha256> as KeyInit>::new((&*block).into());
    mac.update(bytes);
    mac.finalize().into_bytes().into()
}

/// Writes the file whole or not at all; one that is there already stays.
fn create(path: &Path, key: &[u8; 32]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        fs::create_dir_all(folder)?;
    }
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut options = fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.write(true).create(true).truncate(true).open(&temporary)?;
    let text = Zeroizing::new(format!("{FIRST_LINE}\n{}\n", BASE64.encode(key)));
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let made = fs::hard_link(&temporary, path);
    fs::remove_file(&temporary)?;
    match made {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
        _ => Ok(()),
    }
}

#[async_trait]
impl Sealer for LocalKey {
    fn key_id(&self) -> String {
        self.id.clone()
    }

    async fn seal(&self, plain: &[u8], context: &[u8]) -> Result<Vec<u8>> {
        let mut sealed = [0; NONCE].to_vec();
        self.env.random(&mut sealed);
        let payload = Payload { msg: plain, aad: context };
        let ciphertext = self
            .cipher()
            .encrypt(sealed[..].into(), payload)
            .map_err(|_| Error::new(ErrorKind::Invalid, "too much to seal at once"))?;
        sealed.extend(ciphertext);
        Ok(sealed)
    }

    async fn open(&self, sealed: &[u8], context: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let wrong = || {
            let message = format!("the key `{}` does not open this", self.id);
            Error::new(ErrorKind::Key, message)
        };
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE).ok_or_else(wrong)?;
        let payload = Payload { msg: ciphertext, aad: context };
        self.cipher().decrypt(nonce.into(), payload).map(Zeroizing::new).map_err(|_| wrong())
    }
}

impl fmt::Debug for LocalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_file_is_made_once_and_read_ever_after() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/dev.key");
        assert_eq!(LocalKey::open(&path).unwrap_err().kind(), ErrorKind::Key);
        let first = LocalKey::open_or_create(&path).unwrap();
        let second = LocalKey::open_or_create(&path).unwrap();
        let sealed = first.seal(b"x", b"c").await.unwrap();
        assert_eq!(&**second.open(&sealed, b"c").await.unwrap(), b"x");
        assert_eq!(first.derive(b"x"), second.derive(b"x"));
        assert_ne!(first.derive(b"x"), LocalKey::from_bytes([9; 32]).derive(b"x"));
        assert!(second.open(&sealed, b"d").await.is_err());
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing left over");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        LocalKey::open_or_create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_file_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "").unwrap();
        assert_eq!(LocalKey::open_or_create(&path).unwrap_err().kind(), ErrorKind::Key);
        assert_eq!(fs::read(&path).unwrap(), b"");
    }
}
