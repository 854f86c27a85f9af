//! Whether a directory is fit to keep state.

use std::{fs, path::Path};

use super::{directory::ignore, files};
use crate::{Finding, Grade, Result};

pub(super) fn examine(root: &Path) -> Result<Vec<Finding>> {
    let what = format!("directory {}", root.display());
    let about = match fs::metadata(root) {
        Ok(about) => about,
        Err(e) if files::absent(&e) => {
            let found = "it is not there yet; the first write makes it";
            return Ok(vec![plain(Grade::Good, format!("{what}: {found}"))]);
        }
        Err(e) => return Err(files::failed("read", root, e)),
    };
    if !about.is_dir() {
        let remedy = "Move the file away, or name another directory";
        return Ok(vec![Finding::wrong(format!("{what} is a file"), remedy)]);
    }
    let mut findings = vec![match files::try_write(root) {
        Ok(()) => Finding::good(format!("{what}: files can be written there and locked")),
        Err(e) => plain(Grade::Wrong, format!("{what}: {e}")),
    }];
    findings.extend(access(root, &about));
    let left = fs::read_dir(root.join(".tmp")).map_or(0, Iterator::count);
    if left > 0 {
        let found =
            format!("{left} files on their way: of a run in progress, or of one that crashed");
        findings.push(plain(Grade::Good, found + ". A later run removes them"));
    }
    Ok(findings)
}

pub(super) fn prepare(root: &Path) -> Result<Vec<Finding>> {
    let (grade, how) =
        if root.is_dir() { (Grade::Good, "was there") } else { (Grade::Notice, "was made") };
    ignore(root)?;
    Ok(vec![plain(grade, format!("directory {} {how}", root.display()))])
}

/// Where there is nothing to advise.
fn plain(grade: Grade, what: String) -> Finding {
    Finding { grade, what, advice: None }
}

/// Who else may read what is there.
#[cfg(unix)]
fn access(root: &Path, about: &fs::Metadata) -> Option<Finding> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = about.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Some(Finding::good("the directory is for its owner only"));
    }
    let found =
        format!("others may look into the directory (mode {mode:o}); secrets in it are sealed");
    Some(Finding::notice(found, format!("`chmod 700 {}`", root.display())))
}

#[cfg(not(unix))]
fn access(_: &Path, _: &fs::Metadata) -> Option<Finding> {
    None
}
