//! Files that are there whole or not at all, and still there after the power fails.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::{Error, ErrorKind, Result, backend::Tag};

/// The error of a file operation, with what to do about it.
pub(super) fn failed(action: &str, path: &Path, error: io::Error) -> Error {
    let hint = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; nothing that was reported as done is lost: make room and run again"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; nothing that was reported as done is lost: make the directory writable and run again"
        }
        _ => "",
    };
    let message = format!("cannot {action} {}: {error}{hint}", path.display());
    Error::new(ErrorKind::Unavailable, message).because(error)
}

/// The file's bytes, if there is one.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(body) => Ok(Some(body)),
        Err(e) if absent(&e) => Ok(None),
        Err(e) => Err(failed("read", path, e)),
    }
}

/// Makes the file with `body`, unless there is one already (`false`).
pub(super) fn create(root: &Path, path: &Path, body: &[u8]) -> Result<bool> {
    let temporary = written(root, body)?;
    let made = with_parent(path, || fs::hard_link(&temporary, path));
    let made = match made {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        // Not every file system has hard links. Who creates by renaming does it under the mutex.
        Err(_) => {
            let _mutex = mutex(root)?;
            match path.try_exists() {
                Ok(true) => Ok(false),
                Ok(false) => with_parent(path, || fs::rename(&temporary, path))
                    .map(|()| true)
                    .map_err(|e| failed("write", path, e)),
                Err(e) => Err(failed("read", path, e)),
            }
        }
    };
    // Gone already if it was renamed; if it stays, the next run removes it.
    let _ = fs::remove_file(&temporary);
    if made? {
        sync_parent(path)?;
        return Ok(true);
    }
    Ok(false)
}

/// Puts `body` in the place of whatever is there. The caller holds the [`mutex`].
pub(super) fn replace(root: &Path, path: &Path, body: &[u8]) -> Result<()> {
    let temporary = written(root, body)?;
    with_parent(path, || fs::rename(&temporary, path)).map_err(|e| {
        let _ = fs::remove_file(&temporary);
        failed("write", path, e)
    })?;
    sync_parent(path)
}

/// Removes the file, if there is one, and the directories that are empty without it: a folder is there as long as
/// there is an object in it.
pub(super) fn remove(root: &Path, path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(e) if absent(&e) => return Ok(()),
        Err(e) => return Err(failed("remove", path, e)),
    }
    let above = path.ancestors().skip(1).take_while(|folder| *folder != root);
    // Ends at the first that is not empty. Who is about to create in one that goes makes it anew.
    let _ = above.map(fs::remove_dir).find(io::Result::is_err);
    Ok(())
}

/// Whether anything can be written there, and locked. Leaves nothing behind but what every write does.
pub(super) fn try_write(root: &Path) -> Result<()> {
    let _mutex = mutex(root)?;
    let path = written(root, b"")?;
    fs::remove_file(&path).map_err(|e| failed("remove", &path, e))
}

/// Held until dropped; one process (and one task) at a time, for the length of a compare-and-set.
pub(super) fn mutex(root: &Path) -> Result<File> {
    let path = root.join(".mutex");
    let file = with_parent(&path, || private().create(true).write(true).open(&path))
        .map_err(|e| failed("open", &path, e))?;
    file.lock().map_err(|e| failed("lock", &path, e))?;
    Ok(file)
}

/// Options for a file that only its owner may read.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes the directory and its parents, each only for its owner, each entry durable.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(Path::new("."));
    make_directory(parent)?;
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    sync_directory(parent)
}

/// Removes what crashed runs left on its way.
pub(super) fn sweep(root: &Path) {
    const HOUR: Duration = Duration::from_hours(1);
    let Ok(left) = fs::read_dir(root.join(".tmp")) else { return };
    for entry in left.flatten() {
        let age = entry.metadata().and_then(|about| about.modified()).map(|at| at.elapsed());
        if matches!(age, Ok(Ok(age)) if age > HOUR) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

pub(super) fn absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// A new file beside the objects that holds `body` durably.
fn written(root: &Path, body: &[u8]) -> Result<PathBuf> {
    static NEXT: AtomicU64 = AtomicU64::new(0);

    loop {
        let name = format!("{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = root.join(".tmp").join(name);
        let opened = with_parent(&path, || private().create_new(true).write(true).open(&path));
        let mut file = match opened {
            Ok(file) => file,
            // Two containers that share the directory may both be process 7.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(e) => return Err(failed("write", &path, e)),
        };
        if let Err(e) = file.write_all(body).and_then(|()| file.sync_data()) {
            let _ = fs::remove_file(&path);
            return Err(failed("write", &path, e));
        }
        return Ok(path);
    }
}

/// Does it, and if a directory is missing makes the directory and does it again.
fn with_parent<T>(path: &Path, act: impl Fn() -> io::Result<T>) -> io::Result<T> {
    match act() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            if let Some(parent) = path.parent() {
                make_directory(parent)?;
            }
            act()
        }
        done => done,
    }
}

fn sync_parent(path: &Path) -> Result<()> {
    let parent = path.parent().unwrap_or(Path::new("."));
    sync_directory(parent).map_err(|e| failed("write", parent, e))
}

/// Makes the entries of a directory durable; where a directory cannot be opened (Windows) the system does it itself.
fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        File::open(path)?.sync_all()?;
    }
    Ok(())
}

/// A version of a file: its content's digest, because times are too coarse.
pub(super) fn tag(body: &[u8]) -> Tag {
    Tag(crate::Checksum::of(body).to_string())
}
