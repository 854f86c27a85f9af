//! The lease of a stack: a file that the kernel keeps locked as long as the holder lives.
//!
//! Each holding locks a file of its own, named by its epoch; `holder.json` says which one counts. So `unlock` can
//! take the lease from a process that hangs: it only has to change `holder.json`.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
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

/// The locked file; the kernel unlocks it when this is dropped or the process ends.
#[derive(Debug)]
struct Locked {
    _file: File,
    path: PathBuf,
}

impl Guard for Locked {
    /// Whoever takes the lease away, with `unlock` or with `rm`, removes the file.
    fn holds(&self) -> bool {
        self.path.try_exists().unwrap_or(true)
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
            .map_err(|e| files::failed("lock", &path, e))
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
                Ok(Taken::Granted(Grant { epoch, guard: Box::new(Locked { _file: file, path }) }))
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
        Ok(self.standing()?.holder.is_some_and(|holder| holder.nonce == nonce))
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
        let path = self.file();
        let Some(body) = files::read(&path)? else { return Ok(Standing::default()) };
        serde_json::from_slice(&body).map_err(|e| {
            let message = format!(
                "{} is damaged: if no run is in progress, remove it and run again (nothing else is stored in it)",
                path.display()
            );
            Error::new(ErrorKind::Corrupt, message).because(e)
        })
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
