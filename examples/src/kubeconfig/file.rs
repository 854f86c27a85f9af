//! Changing somebody's file: wholly or not at all, and readable to nobody else.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use infra_core::{Error, ErrorKind, Result};

/// Replaces the text of the file by what `change` makes of it. A file that is not there has no text. A link stays one.
pub(super) fn change(path: &Path, change: impl FnOnce(&str) -> Result<String>) -> Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let failed = |what: &str, e: io::Error| {
        let message = format!("cannot {what} {}: {e}", path.display());
        Error::new(ErrorKind::Failed, message).because(e)
    };
    let before = match fs::read_to_string(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => String::new(),
        read => read.map_err(|e| failed("read", e))?,
    };
    let after = change(&before).map_err(|e| {
        Error::new(e.kind(), format!("{}: {e}; nothing was changed", path.display())).because(e)
    })?;
    if after == before {
        return Ok(());
    }
    replace(&path, &after).map_err(|e| failed("write", e))
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.map_or_else(|| PathBuf::from("."), Path::to_owned);
    fs::create_dir_all(&folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = folder.join(format!(".{name}.{}.new", std::process::id()));
    let written = private(&new).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    let replaced = written.and_then(|()| fs::rename(&new, path));
    if replaced.is_err() {
        // It may hold credentials of other clusters.
        drop(fs::remove_file(&new));
    }
    replaced
}

/// A new file that only its owner may read.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}
