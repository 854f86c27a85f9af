//! The world of an embedded cloud: where it is kept, and the key that seals it.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use infra_state::LocalKey;

use super::{Error, Result};

/// Where an embedded cloud keeps what it was told: one world a program, for all of its stacks.
///
/// **Invariant:** the key is the program's, whatever seals the secrets of its stacks: stacks with keys of their own
/// still share one world. It is made when a world is first opened, so a program that uses none has none.
#[derive(Clone)]
pub struct World {
    directory: PathBuf,
    key: Key,
}

#[derive(Clone)]
enum Key {
    Given([u8; 32]),
    File(PathBuf),
    /// There is no place for a file; why.
    Nowhere(String),
}

impl World {
    /// The world in `directory`, sealed with the key in `file`, or with the reason why there can be no such file.
    pub(crate) fn new(directory: PathBuf, file: crate::Result<PathBuf>) -> Self {
        let key = match file {
            Ok(file) => Key::File(file),
            Err(e) => Key::Nowhere(e.to_string()),
        };
        Self { directory, key }
    }

    /// The world in `directory`, sealed with this key: for tests.
    pub fn with_key(directory: impl Into<PathBuf>, key: [u8; 32]) -> Self {
        Self { directory: directory.into(), key: Key::Given(key) }
    }

    /// Where it is kept.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// 32 bytes that seal what is kept there. Made if there is no world yet; an error if there is one and its key is
    /// missing.
    pub fn key(&self) -> Result<[u8; 32]> {
        let file = match &self.key {
            Key::Given(key) => return Ok(*key),
            Key::File(file) => file,
            Key::Nowhere(why) => return Err(Error::invalid(why.clone())),
        };
        if self.directory.exists() && !file.exists() {
            let message = format!(
                "the embedded cloud in {} is sealed with a key that is not here: {} is missing. Put that file back, or \
                 delete the directory to begin with an empty cloud",
                self.directory.display(),
                file.display()
            );
            return Err(Error::invalid(message));
        }
        let failed = |e: infra_state::Error| Error::invalid(e.to_string()).because(e);
        let key = LocalKey::open_or_create(file).map_err(failed)?;
        Ok(*key.derive(b"what an embedded cloud stores"))
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("directory", &self.directory).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_for_a_new_world_only() {
        let folder = tempfile::tempdir().unwrap();
        let (directory, file) =
            (folder.path().join(".cloud"), folder.path().join("keys/p.cloud.key"));
        let world = World::new(directory.clone(), Ok(file.clone()));
        assert!(!file.exists());
        let key = world.key().unwrap();
        assert_eq!(world.key().unwrap(), key);
        std::fs::create_dir(&directory).unwrap();
        assert_eq!(World::new(directory, Ok(file.clone())).key().unwrap(), key);
        std::fs::remove_file(&file).unwrap();
        let error = world.key().unwrap_err().to_string();
        assert!(error.contains("p.cloud.key is missing"), "{error}");
        assert!(!file.exists());
    }
}
