//! The log file: following it, appending to it, rewriting it when most of it is past.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::frame::{Read, Sealer};
use crate::world::World;

/// A log this much larger than what it means is rewritten.
const SLACK: u64 = 8;
/// A log smaller than this is never worth rewriting.
const SMALL: u64 = 4 << 20;

/// Whether a call only reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It cannot change anything: others may read at the same time.
    Read,
    /// It may change something.
    Write,
}

/// The open log.
pub struct Journal {
    path: PathBuf,
    lock: File,
    file: File,
    inode: u64,
    sealer: Sealer,
    /// How far the log has been read into the world.
    read: u64,
    /// The size right after the last rewrite: what the world itself takes.
    base: u64,
    /// [`SMALL`], but for tests.
    small: u64,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The OS lock; the kernel frees it when the process dies.
#[derive(Debug)]
pub struct Held(File);

impl Drop for Held {
    fn drop(&mut self) {
        // Closing the file frees the lock as well.
        let _ = self.0.unlock();
    }
}

impl Journal {
    /// Opens or makes the log in `dir`, and reads it all.
    pub fn open<W: World>(dir: &Path, key: &[u8; 32], world: &mut W) -> Result<Self, Error> {
        std::fs::create_dir_all(dir).map_err(Error::io(dir))?;
        let lock_path = dir.join("lock");
        let lock = open(&lock_path)?;
        let path = dir.join("world.log");
        lock.lock().map_err(Error::io(&lock_path))?;
        let sealer = Sealer::new(key);
        let file = open(&path)?;
        let metadata = file.metadata().map_err(Error::io(&path))?;
        let mut journal = Self {
            inode: metadata.ino(),
            path,
            lock,
            file,
            sealer,
            read: 0,
            base: 0,
            small: SMALL,
        };
        let held = Held(journal.lock.try_clone().map_err(Error::io(&lock_path))?);
        if metadata.len() == 0 {
            journal.begin(W::FORMAT)?;
            sync_dir(dir)?;
        }
        journal.follow(world, Mode::Write)?;
        journal.base = journal.read;
        drop(held);
        Ok(journal)
    }

    /// Takes the lock and reads what other processes appended.
    pub fn enter<W: World>(&mut self, world: &mut W, mode: Mode) -> Result<Held, Error> {
        let lock = self.lock.try_clone().map_err(Error::io(&self.path))?;
        match mode {
            Mode::Read => lock.lock_shared(),
            Mode::Write => lock.lock(),
        }
        .map_err(Error::io(&self.path))?;
        let held = Held(lock);
        let metadata = std::fs::metadata(&self.path).map_err(Error::io(&self.path))?;
        if metadata.ino() != self.inode {
            // Another process rewrote the log: begin again from its first frame.
            self.file = open(&self.path)?;
            self.inode = metadata.ino();
            self.read = 0;
            *world = W::default();
        }
        if metadata.len() != self.read {
            self.follow(world, mode)?;
        }
        Ok(held)
    }

    /// Forgets how far it was read: the next call reads the log from its beginning.
    pub fn reread(&mut self) {
        self.read = 0;
    }

    /// Makes changes durable. The lock must be held for writing.
    pub fn commit<W: World>(&mut self, world: &W, changes: &W::Changes) -> Result<(), Error> {
        if self.read > self.small && self.read > self.base.saturating_mul(SLACK) {
            return self.rewrite(world);
        }
        let at = self.read;
        let written = self.append::<W>(changes);
        if written.is_err() {
            // A frame that was never answered must not come to life later.
            let _ = self.file.set_len(at);
            self.read = at;
        }
        written
    }

    fn append<W: World>(&mut self, changes: &W::Changes) -> Result<(), Error> {
        let plain = encode(&self.path, changes)?;
        let sealed = self.sealer.seal(&plain, self.read).map_err(Error::io(&self.path))?;
        self.file
            .seek(SeekFrom::Start(self.read))
            .and_then(|_| self.file.write_all(&sealed))
            .and_then(|()| self.file.sync_data())
            .map_err(Error::io(&self.path))?;
        self.read += sealed.len() as u64;
        Ok(())
    }

    /// The first frame says the format; with another key it does not open.
    fn begin(&mut self, format: &str) -> Result<(), Error> {
        let sealed = self.sealer.seal(format.as_bytes(), 0).map_err(Error::io(&self.path))?;
        self.file
            .write_all(&sealed)
            .and_then(|()| self.file.sync_all())
            .map_err(Error::io(&self.path))
    }

    /// Reads from where this process is to the end.
    fn follow<W: World>(&mut self, world: &mut W, mode: Mode) -> Result<(), Error> {
        let mut bytes = Vec::new();
        self.file
            .seek(SeekFrom::Start(self.read))
            .and_then(|_| self.file.read_to_end(&mut bytes))
            .map_err(Error::io(&self.path))?;
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            match self.sealer.open(rest, self.read) {
                Read::Frame(plain, after) => {
                    if self.read == 0 {
                        if plain != W::FORMAT.as_bytes() {
                            return Err(Error::content(&self.path, "written by another version"));
                        }
                    } else {
                        world.apply(decode(&self.path, &plain)?);
                    }
                    self.read += (rest.len() - after.len()) as u64;
                    rest = after;
                }
                Read::Torn if self.read > 0 => {
                    if mode == Mode::Write {
                        self.file.set_len(self.read).map_err(Error::io(&self.path))?;
                    }
                    return Ok(());
                }
                Read::Torn | Read::Unsealed => {
                    return Err(Error::Sealed { path: self.path.clone(), offset: self.read });
                }
            }
        }
        Ok(())
    }

    /// Writes the world as it is into a new log and puts it in the place of the old.
    fn rewrite<W: World>(&mut self, world: &W) -> Result<(), Error> {
        let path = self.path.with_extension("new");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)
            .map_err(Error::io(&path))?;
        let head = self.sealer.seal(W::FORMAT.as_bytes(), 0).map_err(Error::io(&path))?;
        let at = head.len() as u64;
        let plain = encode(&path, &world.everything())?;
        let body = self.sealer.seal(&plain, at).map_err(Error::io(&path))?;
        file.write_all(&head)
            .and_then(|()| file.write_all(&body))
            .and_then(|()| file.sync_all())
            .map_err(Error::io(&path))?;
        std::fs::rename(&path, &self.path).map_err(Error::io(&path))?;
        if let Some(dir) = self.path.parent() {
            sync_dir(dir)?;
        }
        self.inode = file.metadata().map_err(Error::io(&self.path))?.ino();
        self.file = file;
        self.read = at + body.len() as u64;
        self.base = self.read;
        Ok(())
    }
}

fn open(path: &Path) -> Result<File, Error> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(Error::io(path))
}

fn sync_dir(dir: &Path) -> Result<(), Error> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(Error::io(dir))
}

fn encode<C: Serialize>(path: &Path, changes: &C) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(changes).map_err(|error| Error::content(path, error))
}

fn decode<C: DeserializeOwned>(path: &Path, plain: &[u8]) -> Result<C, Error> {
    serde_json::from_slice(plain).map_err(|error| Error::content(path, error))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Debug, Default)]
    struct Numbers(BTreeMap<String, i32>);

    impl World for Numbers {
        type Changes = Vec<(String, i32)>;

        const FORMAT: &'static str = "numbers 1";

        fn apply(&mut self, changes: Self::Changes) {
            self.0.extend(changes);
        }

        fn everything(&self) -> Self::Changes {
            self.0.iter().map(|(name, number)| (name.clone(), *number)).collect()
        }
    }

    fn put(journal: &mut Journal, world: &mut Numbers, value: i32) {
        let held = journal.enter(world, Mode::Write).unwrap();
        world.0.insert("n".to_owned(), value);
        journal.commit(world, &vec![("n".to_owned(), value)]).unwrap();
        drop(held);
    }

    fn get(journal: &mut Journal, world: &mut Numbers) -> Option<i32> {
        let held = journal.enter(world, Mode::Read).unwrap();
        let value = world.0.get("n").copied();
        drop(held);
        value
    }

    /// Two processes that both rewrite, each following into the other's new file; and what a
    /// third left when it died in the middle of rewriting is in nobody's way.
    #[test]
    fn a_rewritten_log_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let open = |world: &mut Numbers| {
            let mut journal = Journal::open(dir.path(), &[1; 32], world).unwrap();
            journal.small = 0;
            journal
        };
        let (mut ours, mut theirs) = (Numbers::default(), Numbers::default());
        let (mut here, mut there) = (open(&mut ours), open(&mut theirs));
        std::fs::write(dir.path().join("world.new"), "half").unwrap();
        let (mut largest, mut inodes) = (0, std::collections::BTreeSet::new());
        for n in 0..60 {
            let (writer, world) =
                if n % 3 == 0 { (&mut there, &mut theirs) } else { (&mut here, &mut ours) };
            put(writer, world, n);
            assert_eq!(get(&mut here, &mut ours), Some(n));
            assert_eq!(get(&mut there, &mut theirs), Some(n));
            let metadata = std::fs::metadata(dir.path().join("world.log")).unwrap();
            largest = largest.max(metadata.len());
            inodes.insert(metadata.ino());
        }
        assert!(inodes.len() > 1 && largest < 4000, "{} files, {largest} bytes", inodes.len());
        let mut later = Numbers::default();
        let mut journal = open(&mut later);
        assert_eq!(get(&mut journal, &mut later), Some(59));
    }

    #[derive(Debug, Default)]
    struct Other;

    impl World for Other {
        type Changes = ();

        const FORMAT: &'static str = "other 1";

        fn apply(&mut self, (): ()) {}

        fn everything(&self) {}
    }

    #[test]
    fn another_key_or_another_world_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let mut world = Numbers::default();
        let mut journal = Journal::open(dir.path(), &[1; 32], &mut world).unwrap();
        put(&mut journal, &mut world, 1);
        let wrong = Journal::open(dir.path(), &[2; 32], &mut Numbers::default());
        assert!(matches!(wrong, Err(Error::Sealed { offset: 0, .. })));
        let other = Journal::open(dir.path(), &[1; 32], &mut Other);
        assert!(matches!(other, Err(Error::Content { .. })));
    }
}
