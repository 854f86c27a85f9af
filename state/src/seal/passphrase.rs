//! A key that a person knows.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use scrypt::{Params, scrypt};
use zeroize::Zeroizing;

use super::{LocalKey, Sealer};
use crate::{
    Error, ErrorKind, Result,
    env::{Env, System},
};

/// The work that guessing costs, as the power of two of scrypt's `N`: about a second and 256 MiB each time.
const WORK: u8 = 18;
/// Somebody who may write to the state could ask for more work than a machine has memory for.
const MOST_WORK: u8 = 20;
const SALT: usize = 16;

/// What a key was worked out from, besides the passphrase. Kept with everything it seals, so that who knows the passphrase
/// needs nothing else.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Recipe {
    work: u8,
    salt: [u8; SALT],
}

/// A key made of a passphrase with scrypt, so that every guess costs a second. A process works out each key once, and a
/// state has one.
#[derive(Clone)]
pub struct Passphrase {
    /// Where it comes from.
    id: String,
    secret: Zeroizing<String>,
    work: u8,
    env: Arc<dyn Env>,
    keys: Arc<Mutex<Keys>>,
}

/// The keys that were worked out.
#[derive(Default)]
struct Keys {
    known: HashMap<Recipe, LocalKey>,
    /// What seals: the one that proved right, so that a state does not gather keys. Never one that is easier to guess.
    current: Option<Recipe>,
}

impl Passphrase {
    /// The passphrase, and where it comes from (`passphrase:env=NAME`): what people are told that need it.
    pub fn new(passphrase: impl Into<String>, from: impl Into<String>) -> Result<Self> {
        let (secret, id) = (Zeroizing::new(passphrase.into()), from.into());
        if secret.trim().is_empty() {
            let message = format!(
                "the passphrase of `{id}` is empty: secrets need one that is hard to guess"
            );
            return Err(Error::new(ErrorKind::Key, message));
        }
        Ok(Self { id, secret, work: WORK, env: Arc::new(System), keys: Arc::default() })
    }

    /// With less work, so that tests are quick. What it seals is as easy to guess.
    #[must_use]
    pub fn with_work_factor(mut self, log_n: u8) -> Self {
        self.work = log_n;
        self
    }

    /// The same key, with another source of randomness.
    #[must_use]
    pub fn with_env(mut self, env: Arc<dyn Env>) -> Self {
        self.env = env;
        self
    }

    /// How many keys were worked out: what a process has paid for.
    pub fn worked_out(&self) -> usize {
        self.keys().known.len()
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn recipe(&self) -> Recipe {
        let current = self.keys().current;
        current.unwrap_or_else(|| {
            let mut salt = [0; SALT];
            self.env.random(&mut salt);
            Recipe { work: self.work, salt }
        })
    }

    async fn key(&self, recipe: Recipe) -> Result<LocalKey> {
        let known = self.keys().known.get(&recipe).cloned();
        let key = match known {
            Some(key) => key,
            None => self.work_out(recipe).await?,
        };
        Ok(self.keys().known.entry(recipe).or_insert(key).clone())
    }

    async fn work_out(&self, recipe: Recipe) -> Result<LocalKey> {
        let params = Params::new(recipe.work, 8, 1, 32).map_err(|_| self.wrong())?;
        let secret = self.secret.clone();
        // A second of work must not hold up everything else.
        let worked_out = tokio::task::spawn_blocking(move || {
            let mut key = Zeroizing::new([0; 32]);
            scrypt(secret.as_bytes(), &recipe.salt, &params, &mut *key).map(|()| key)
        });
        let cut_off = |e| Error::new(ErrorKind::Key, "working out the key was cut off").because(e);
        let key = worked_out.await.map_err(cut_off)?.map_err(|_| self.wrong())?;
        Ok(LocalKey::from_bytes(*key).with_env(Arc::clone(&self.env)))
    }

    fn wrong(&self) -> Error {
        let message = format!(
            "the passphrase of `{}` is not the one that the secrets were sealed with: give the passphrase that the \
             state was made with",
            self.id
        );
        Error::new(ErrorKind::Key, message)
    }
}

#[async_trait]
impl Sealer for Passphrase {
    fn key_id(&self) -> String {
        self.id.clone()
    }

    async fn seal(&self, plain: &[u8], context: &[u8]) -> Result<Vec<u8>> {
        let recipe = self.recipe();
        let key = self.key(recipe).await?;
        self.keys().current = Some(recipe);
        let mut sealed = vec![recipe.work];
        sealed.extend(recipe.salt);
        sealed.extend(key.seal(plain, context).await?);
        Ok(sealed)
    }

    async fn open(&self, sealed: &[u8], context: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let (work, rest) = sealed.split_first().ok_or_else(|| self.wrong())?;
        let (salt, sealed) = rest.split_first_chunk().ok_or_else(|| self.wrong())?;
        if *work > MOST_WORK {
            return Err(self.wrong());
        }
        let recipe = Recipe { work: *work, salt: *salt };
        let key = self.key(recipe).await?;
        let opened = key.open(sealed, context).await.map_err(|e| self.wrong().because(e))?;
        if recipe.work >= self.work {
            self.keys().current = Some(recipe);
        }
        Ok(opened)
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passphrase").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(passphrase: &str) -> Passphrase {
        Passphrase::new(passphrase, "passphrase:env=TEST").unwrap().with_work_factor(4)
    }

    #[tokio::test]
    async fn who_knows_the_passphrase_opens_and_nobody_else() {
        let sealed = key("correct horse").seal(b"x", b"c").await.unwrap();
        assert_eq!(&**key("correct horse").open(&sealed, b"c").await.unwrap(), b"x");
        assert!(key("correct horse").open(&sealed, b"d").await.is_err());
        let error = key("battery staple").open(&sealed, b"c").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Key);
        assert!(error.to_string().contains("passphrase:env=TEST"), "{error}");
        for cut in [0, 1, 2, 40, sealed.len() - 1] {
            assert!(key("correct horse").open(&sealed[..cut], b"c").await.is_err(), "{cut}");
        }
        assert!(!format!("{:?}", key("correct horse")).contains("correct"));
    }

    #[tokio::test]
    async fn a_process_pays_once() {
        let first = key("correct horse");
        let mut sealed = Vec::new();
        for n in 0..20_u8 {
            sealed.push(first.seal(&[n], b"c").await.unwrap());
        }
        let second = key("correct horse");
        for (n, sealed) in sealed.iter().enumerate() {
            assert_eq!(usize::from(second.open(sealed, b"c").await.unwrap()[0]), n);
        }
        second.seal(b"more", b"c").await.unwrap();
        assert_eq!((first.worked_out(), second.worked_out()), (1, 1));
    }

    #[test]
    fn an_empty_passphrase_is_none() {
        for empty in ["", " \n"] {
            let error = Passphrase::new(empty, "passphrase:env=TEST").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Key);
            assert!(error.to_string().contains("env=TEST"), "{error}");
        }
    }

    #[tokio::test]
    #[ignore = "takes seconds: `cargo test -p infra-state passphrase -- --ignored --nocapture`"]
    async fn the_usual_work_can_be_done() {
        let key = || Passphrase::new("correct horse", "test").unwrap();
        let sealed = key().seal(b"x", b"c").await.unwrap();
        let before = System.monotonic();
        assert_eq!(&**key().open(&sealed, b"c").await.unwrap(), b"x");
        let took = System.monotonic().saturating_sub(before);
        let kept = key();
        kept.open(&sealed, b"c").await.unwrap();
        let before = System.monotonic();
        kept.open(&sealed, b"c").await.unwrap();
        let again = System.monotonic().saturating_sub(before);
        assert!(again.as_millis() < 20, "{again:?} for what was worked out already");
        assert!(took.as_millis() > 100, "{took:?} is too quick to stop anybody from guessing");
        assert!(took.as_secs() < 30, "{took:?} is too slow to be used");
    }
}
