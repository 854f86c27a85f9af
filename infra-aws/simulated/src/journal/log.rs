//! The log file: following it, appending to it, rewriting it when most of it is past.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::frame::{Read, Sealer};
use crate::error::Error;
use crate::world::{CellId, Change, World};

const FORMAT: &str = "embedded-aws 1";
/// A log this much larger than what it means is rewritten.
const SLACK: u64 = 8;
/// A log smaller than this is never worth rewriting.
const SMALL: u64 = 4 << 20;

type Changes = Vec<(CellId, Vec<Change>)>;

/// Whether a call only reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Read,
    Write,
}

/// The open log.
pub(crate) struct Journal {
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

/// The OS lock; the kernel frees it when the process dies.
pub(crate) struct Held(File);

impl Drop for Held {
    fn drop(&mut self) {
        // Closing the file frees the lock as well.
        let _ = self.0.unlock();
    }
}

impl Journal {
    /// Opens or makes the log in `dir`, and reads it all.
    pub(crate) fn open(dir: &Path, key: &[u8; 32], world: &mut World) -> Result<Self, Error> {
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
            journal.begin()?;
            sync_dir(dir)?;
        }
        journal.follow(world, Mode::Write)?;
        journal.base = journal.read;
        drop(held);
        Ok(journal)
    }

    /// Takes the lock and reads what other processes appended.
    pub(crate) fn enter(&mut self, world: &mut World, mode: Mode) -> Result<Held, Error> {
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
            *world = World::default();
        }
        if metadata.len() != self.read {
            self.follow(world, mode)?;
        }
        Ok(held)
    }

    /// Forgets how far it was read: the next call reads the log from its beginning.
    pub(crate) fn reread(&mut self) {
        self.read = 0;
    }

    /// Makes changes durable. The lock must be held for writing.
    pub(crate) fn commit(&mut self, world: &World, changes: &Changes) -> Result<(), Error> {
        if self.read > self.small && self.read > self.base.saturating_mul(SLACK) {
            return self.rewrite(world);
        }
        let at = self.read;
        let written = self.append(changes);
        if written.is_err() {
            // A frame that was never answered must not come to life later.
            let _ = self.file.set_len(at);
            self.read = at;
        }
        written
    }

    fn append(&mut self, changes: &Changes) -> Result<(), Error> {
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
    fn begin(&mut self) -> Result<(), Error> {
        let sealed = self.sealer.seal(FORMAT.as_bytes(), 0).map_err(Error::io(&self.path))?;
        self.file
            .write_all(&sealed)
            .and_then(|()| self.file.sync_all())
            .map_err(Error::io(&self.path))
    }

    /// Reads from where this process is to the end.
    fn follow(&mut self, world: &mut World, mode: Mode) -> Result<(), Error> {
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
                        if plain != FORMAT.as_bytes() {
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
    fn rewrite(&mut self, world: &World) -> Result<(), Error> {
        let path = self.path.with_extension("new");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)
            .map_err(Error::io(&path))?;
        let head = self.sealer.seal(FORMAT.as_bytes(), 0).map_err(Error::io(&path))?;
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

fn encode(path: &Path, changes: &Changes) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(changes).map_err(|error| Error::content(path, error))
}

fn decode(path: &Path, plain: &[u8]) -> Result<Changes, Error> {
    serde_json::from_slice(plain).map_err(|error| Error::content(path, error))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::services::Service;

    fn put(journal: &mut Journal, world: &mut World, value: &Value) {
        let held = journal.enter(world, Mode::Write).unwrap();
        let id = CellId::new("1", "eu-west-1", Service::Ec2);
        world.cell(&id).docs.put("t", "d", value.clone());
        let changes = world.take_changes();
        journal.commit(world, &changes).unwrap();
        drop(held);
    }

    fn get(journal: &mut Journal, world: &mut World) -> Value {
        let held = journal.enter(world, Mode::Read).unwrap();
        let id = CellId::new("1", "eu-west-1", Service::Ec2);
        let value = world.docs(&id).and_then(|docs| docs.get("t", "d")).cloned();
        drop(held);
        value.unwrap_or_default()
    }

    /// Two processes that both rewrite, each following into the other's new file; and what a
    /// third left when it died in the middle of rewriting is in nobody's way.
    #[test]
    fn a_rewritten_log_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let open = |world: &mut World| {
            let mut journal = Journal::open(dir.path(), &[1; 32], world).unwrap();
            journal.small = 0;
            journal
        };
        let (mut ours, mut theirs) = (World::default(), World::default());
        let (mut here, mut there) = (open(&mut ours), open(&mut theirs));
        std::fs::write(dir.path().join("world.new"), "half").unwrap();
        let (mut largest, mut inodes) = (0, std::collections::BTreeSet::new());
        for n in 0..60 {
            let (writer, world) =
                if n % 3 == 0 { (&mut there, &mut theirs) } else { (&mut here, &mut ours) };
            put(writer, world, &json!(n));
            assert_eq!(get(&mut here, &mut ours), json!(n));
            assert_eq!(get(&mut there, &mut theirs), json!(n));
            let metadata = std::fs::metadata(dir.path().join("world.log")).unwrap();
            largest = largest.max(metadata.len());
            inodes.insert(metadata.ino());
        }
        assert!(inodes.len() > 1 && largest < 4000, "{} files, {largest} bytes", inodes.len());
        let mut later = World::default();
        let mut journal = open(&mut later);
        assert_eq!(get(&mut journal, &mut later), json!(59));
    }
}
