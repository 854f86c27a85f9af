//! Where the sealing key lies: with the user, never in the tree.

use std::{
    fs,
    path::{Path, PathBuf},
};

use infra_state::{Passphrase, StackName};
use zeroize::Zeroizing;

use super::Address;
use crate::{Error, ErrorKind, Result};

/// The variable that a passphrase is in if nothing else is said.
const PASSPHRASE: &str = "INFRA_PASSPHRASE";

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

/// The key of `passphrase:env=NAME` or `passphrase:file=PATH`.
pub(super) fn passphrase(address: &Address) -> Result<Passphrase> {
    let usage = |message: String| Error::new(ErrorKind::Usage, message);
    let (kind, at) = address.rest().split_once('=').unwrap_or((address.rest(), ""));
    let (passphrase, from) = match (kind, at) {
        ("", "") => from_variable(PASSPHRASE)?,
        ("env", name) if !name.is_empty() => from_variable(name)?,
        ("file", path) if !path.is_empty() => {
            let path = address.directory.join(path);
            let text = fs::read_to_string(&path).map(Zeroizing::new).map_err(|e| {
                let path = path.display();
                usage(format!("the passphrase cannot be read from {path}: {e}")).because(e)
            })?;
            // Editors end a file with a line break, and nobody means it.
            let line = text.trim_end_matches(['\r', '\n']).to_owned();
            (line, format!("passphrase:file={}", path.display()))
        }
        _ => {
            let url = &address.url;
            return Err(usage(format!(
                "the key {url:?} is not understood; expected `passphrase:` (the variable {PASSPHRASE}), \
                 `passphrase:env=NAME` or `passphrase:file=PATH`"
            )));
        }
    };
    Ok(Passphrase::new(passphrase, from)?)
}

fn from_variable(name: &str) -> Result<(String, String)> {
    let value = std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let value = value.ok_or_else(|| {
        let message = format!(
            "the stack's secrets are sealed with a passphrase, and the variable {name} has none: set it, or name another \
             place with `key = \"passphrase:env=NAME\"` or `key = \"passphrase:file=PATH\"`"
        );
        Error::new(ErrorKind::Usage, message)
    })?;
    Ok((value, format!("passphrase:env={name}")))
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
