//! Where the sealing key lies: with the user, never in the tree.

use std::{
    fs,
    path::{Path, PathBuf},
};

use infra_state::{LocalKey, Passphrase, StackName};
use zeroize::Zeroizing;

use super::Address;
use crate::{
    Error, ErrorKind, Result,
    provider::{Error as CallError, WorldKey},
};

/// The variable that a passphrase is in if nothing else is said.
const PASSPHRASE: &str = "INFRA_PASSPHRASE";

/// The variable that names another key file.
pub(super) const VARIABLE: &str = "INFRA_KEY_FILE";

/// `$INFRA_KEY_FILE`, else `infra/keys/PROGRAM.key` in the user's configuration directory.
pub(super) fn file(stack: &StackName) -> Result<PathBuf> {
    let variable =
        |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(file) = variable(VARIABLE) {
        return std::path::absolute(&file).map_err(|e| {
            Error::new(ErrorKind::Usage, format!("{VARIABLE}={}: {e}", file.display())).because(e)
        });
    }
    let config = variable("XDG_CONFIG_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| variable("APPDATA"))
        .or_else(|| Some(variable("HOME")?.join(".config")));
    let config = config.ok_or_else(|| {
        let message =
            format!("there is no HOME to keep the sealing key in; name a file with {VARIABLE}");
        Error::new(ErrorKind::Usage, message)
    })?;
    Ok(config.join("infra/keys").join(format!("{}.key", stack.program)))
}

/// What seals the world of an embedded cloud in `folder`: a key file of the user's, whatever seals the stacks.
pub(super) fn of_world(stack: &StackName, folder: &Path) -> WorldKey {
    let (stack, folder) = (stack.clone(), folder.to_owned());
    WorldKey::when_needed(move || {
        let open = || {
            let path = file(&stack)?;
            if folder.exists() && !path.exists() {
                let message = format!(
                    "the embedded cloud in {} is sealed with a key that is not here: {} is missing. Put that file back, or \
                     say where it is with {VARIABLE}; or remove the folder to begin with an empty cloud",
                    folder.display(),
                    path.display()
                );
                return Err(Error::new(ErrorKind::Failed, message));
            }
            Ok(*LocalKey::open_or_create(path)?.derive(b"what an embedded cloud stores"))
        };
        open().map_err(|e: Error| CallError::invalid(e.to_string()))
    })
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
