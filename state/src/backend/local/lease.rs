//! The lease of a stack: a file that the kernel keeps locked as long as the holder lives.
//!
//! Each holding locks a file of its own, named by its epoch; `holder.json` says which one counts. So `unlock` can
//! take the lease from a process that hangs: it only has to change `holder.json`.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::files;
use crate::{
    Error, ErrorKind, Result,
    backend::{Claim, Grant, Guard, HolderInfo, Taken},
};

/// What `holder.json` says.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Standing {
    epoch: u64,
    holder: Option<HolderInfo>,
}

impl Standing {
    fn read(path: &Path) -> Result<Self> {
        let Some(body) = files::read(path)? else { return Ok(Self::default()) };
        serde_json::from_slice(&body).map_err(|e| {
            let message = format!(
                "{} is damaged: if no run is in progress, remove it and run again (nothing else is stored in it)",
                path.display()
            );
            Error::new(ErrorKind::Corrupt, message).because(e)
        })
    }

    fn is_held_by(&self, nonce: Uuid) -> bool {
        self.holder.as_ref().is_some_and(|holder| holder.nonce == nonce)
    }
}

/// The locked file; the kernel unlocks it when this is dropped or the process ends.
#[derive(Debug)]
struct Locked {
    _file: File,
    /// `holder.json`.
    standing: PathBuf,
    nonce: Uuid,
    /// What it was when it last said that this is the holder.
    seen: Mutex<Option<Version>>,
}

/// A file as it was at one time: whoever takes the lease, or takes it away, puts another in its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Version {
    modified: SystemTime,
    length: u64,
    #[cfg(unix)]
    inode: u64,
}

impl Version {
    fn of(path: &Path) -> Option<Self> {
        let about = fs::metadata(path).ok()?;
        Some(Self {
            modified: about.modified().ok()?,
            length: about.len(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(&about),
        })
    }
}

impl Guard for Locked {
    fn holds(&self) -> bool {
        let now = Version::of(&self.standing);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if now.is_some() && *seen == now {
            return true;
        }
        let ours = Standing::read(&self.standing).is_ok_and(|it| it.is_held_by(self.nonce));
        *seen = now.filter(|_| ours);
        ours
    }
}

/// The lease of one stack. Every method holds the directory's mutex while it looks and acts.
pub(super) struct Lease<'a> {
    pub(super) root: &'a Path,
    pub(super) folder: PathBuf,
}

impl Lease<'_> {
    pub(super) fn take(&self, claim: &Claim) -> Result<Taken> {
        let _mutex = files::mutex(self.root)?;
        let standing = self.standing()?;
        match &standing.holder {
            Some(holder) if holder.nonce != claim.nonce && self.lives(standing.epoch)? => {
                return Ok(Taken::Held(holder.clone()));
            }
            _ => {}
        }
        let epoch = standing.epoch + 1;
        let path = self.lock_file(epoch);
        files::make_directory(&self.folder)
            .and_then(|()| files::private().create(true).truncate(true).write(true).open(&path))
            .and_then(|file| file.try_lock().map_err(Into::into).map(|()| file))
            .map_err(|e| match e.kind() {
                std::io::ErrorKind::WouldBlock => alive(&path),
                _ => files::failed("lock", &path, e),
            })
            .and_then(|file| {
                let holder = HolderInfo {
                    holder: claim.holder.clone(),
                    nonce: claim.nonce,
                    since: claim.at,
                    beat: claim.beat,
                };
                self.write(&Standing { epoch, holder: Some(holder) })?;
                let _ = fs::remove_file(self.lock_file(standing.epoch));
                files::sweep(self.root);
                let (standing, nonce) = (self.file(), claim.nonce);
                let locked = Locked { _file: file, standing, nonce, seen: Mutex::default() };
                Ok(Taken::Granted(Grant { epoch, guard: Box::new(locked) }))
            })
    }

    pub(super) fn free(&self, nonce: Uuid) -> Result<bool> {
        if !self.file().exists() {
            return Ok(false);
        }
        let _mutex = files::mutex(self.root)?;
        let Standing { epoch, holder } = self.standing()?;
        if holder.is_none_or(|holder| holder.nonce != nonce) {
            return Ok(false);
        }
        self.write(&Standing { epoch, holder: None })?;
        let _ = fs::remove_file(self.lock_file(epoch));
        Ok(true)
    }

    pub(super) fn holder(&self) -> Result<Option<HolderInfo>> {
        if self.standing()?.holder.is_none() {
            return Ok(None);
        }
        let _mutex = files::mutex(self.root)?;
        let Standing { epoch, holder } = self.standing()?;
        match holder {
            Some(holder) if self.lives(epoch)? => Ok(Some(holder)),
            _ => Ok(None),
        }
    }

    pub(super) fn is_held_by(&self, nonce: Uuid) -> Result<bool> {
        Ok(self.standing()?.is_held_by(nonce))
    }

    /// Whether some process keeps the file of `epoch` locked.
    fn lives(&self, epoch: u64) -> Result<bool> {
        let path = self.lock_file(epoch);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if files::absent(&e) => return Ok(false),
            Err(e) => return Err(files::failed("open", &path, e)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(fs::TryLockError::WouldBlock) => Ok(true),
            Err(fs::TryLockError::Error(e)) => Err(files::failed("lock", &path, e)),
        }
    }

    fn standing(&self) -> Result<Standing> {
        Standing::read(&self.file())
    }

    fn write(&self, standing: &Standing) -> Result<()> {
        let body = serde_json::to_vec(standing)
            .map_err(|e| Error::new(ErrorKind::Invalid, "cannot write the holder").because(e))?;
        files::replace(self.root, &self.file(), &body)
    }

    fn file(&self) -> PathBuf {
        self.folder.join("holder.json")
    }

    fn lock_file(&self, epoch: u64) -> PathBuf {
        self.folder.join(format!("{epoch}.lock"))
    }
}

/// Nothing says who holds it: `holder.json` was removed under a living run.
fn alive(path: &Path) -> Error {
    let message = format!(
        "{} is locked by a run that is alive, though `holder.json` beside it does not name it (was it removed?): wait for \
         that run, or end it",
        path.display()
    );
    Error::new(ErrorKind::Locked, message)
}
