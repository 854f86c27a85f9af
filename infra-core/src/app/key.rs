//! Where the sealing key lies: with the user, never in the tree.

use std::path::{Path, PathBuf};

use infra_state::StackName;

use super::Address;
use crate::{Error, ErrorKind, Result};

/// The variable that names another key file.
pub(super) const VARIABLE: &str = "INFRA_KEY_FILE";

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// `$INFRA_KEY_FILE`, else `infra/keys/PROGRAM.key` in the user's configuration directory.
pub(super) fn file(stack: &StackName) -> Result<PathBuf> {
    if let Some(file) = variable(VARIABLE) {
        return std::path::absolute(&file).map_err(|e| {
            Error::new(ErrorKind::Usage, format!("{VARIABLE}={}: {e}", file.display())).because(e)
        });
    }
    Ok(folder()?.join(format!("{}.key", stack.program)))
}

/// The key of the program's embedded cloud: `infra/keys/PROGRAM.cloud.key` in the user's configuration directory. No
/// program's name has a dot, so no program's sealing key is meant by it.
pub(super) fn world_file(program: &str) -> Result<PathBuf> {
    let beside = || Some(std::path::absolute(variable(VARIABLE)?).ok()?.parent()?.to_owned());
    let folder = folder().or_else(|e| beside().ok_or(e))?;
    Ok(folder.join(format!("{program}.cloud.key")))
}

/// Where the user's keys are.
fn folder() -> Result<PathBuf> {
    let config = variable("XDG_CONFIG_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| variable("APPDATA"))
        .or_else(|| Some(variable("HOME")?.join(".config")));
    let config = config.ok_or_else(|| {
        let message =
            format!("there is no HOME to keep the sealing key in; name a file with {VARIABLE}");
        Error::new(ErrorKind::Usage, message)
    })?;
    Ok(config.join("infra/keys"))
}

/// A key beside the secrets it seals would be published with them.
pub(super) fn outside(key: &Path, state: &Path) -> Result<()> {
    if !key.starts_with(state) {
        return Ok(());
    }
    let message = format!(
        "the sealing key {} would lie inside the state {}: who has one would have the other. Keep it elsewhere",
        key.display(),
        state.display()
    );
    Err(Error::new(ErrorKind::Usage, message))
}

/// The stack has state, and its key is not here.
pub(super) fn missing(address: &Address, path: &Path) -> Error {
    let message = format!(
        "the secrets of {} are sealed with a key that is not here: {} is missing. Put that file back (from a backup, or from the machine that made the stack), or say where it is with {VARIABLE}",
        address.stack,
        path.display()
    );
    Error::new(ErrorKind::Failed, message)
}
