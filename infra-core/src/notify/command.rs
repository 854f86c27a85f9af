//! A command that is told: `command:PROGRAM ARGS`.

use std::{path::PathBuf, process::Stdio, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::{io::AsyncWriteExt, process::Command as Process};

use super::{Address, Notification, Notifier};
use crate::{Error, ErrorKind, Result};

/// How long a command may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// The longest part of what a command said that is repeated.
const QUOTED: usize = 500;

/// A program that gets the document on its standard input. The subject and the text are in `INFRA_SUBJECT` and
/// `INFRA_TEXT`.
#[derive(Debug)]
struct Command {
    program: String,
    arguments: Vec<String>,
    directory: PathBuf,
}

/// The command that the address says. Words are divided by spaces; nothing is given to a shell.
pub(crate) fn command(address: &Address) -> Result<Arc<dyn Notifier>> {
    let mut words = address.rest().split_whitespace().map(str::to_owned);
    let program = words.next().ok_or_else(|| {
        let message =
            "`command:` names no program; write it like `command:/usr/local/bin/page --team ops`";
        Error::new(ErrorKind::Usage, message)
    })?;
    // A path is relative to the settings; a bare name is looked for on the PATH.
    let program = if program.contains('/') {
        address.directory.join(program).display().to_string()
    } else {
        program
    };
    let directory = address.directory.clone();
    Ok(Arc::new(Command { program, arguments: words.collect(), directory }))
}

#[async_trait]
impl Notifier for Command {
    fn shows(&self) -> String {
        // Arguments may be tokens.
        format!("command:{}", self.program)
    }

    async fn notify(&self, what: &Notification) -> Result<()> {
        let failed = |why: String| {
            Error::new(ErrorKind::Failed, format!("the command `{}` {why}", self.program))
        };
        let mut process = Process::new(&self.program);
        process.args(&self.arguments).env("INFRA_SUBJECT", &what.subject);
        process.env("INFRA_TEXT", &what.text).kill_on_drop(true);
        if self.directory.is_dir() {
            process.current_dir(&self.directory);
        }
        process.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = process.spawn().map_err(|e| failed(format!("cannot be started: {e}")))?;
        let input = child.stdin.take();
        let document = format!("{}\n", what.document);
        let told = async {
            let write = async {
                if let Some(mut input) = input {
                    // Who does not read all of it may have read enough: its status tells.
                    drop(input.write_all(document.as_bytes()).await);
                }
            };
            tokio::join!(write, child.wait_with_output()).1
        };
        let ended = tokio::time::timeout(PATIENCE, told).await;
        let ended = ended
            .map_err(|_| failed(format!("did not end within {} s", PATIENCE.as_secs())))?
            .map_err(|e| failed(format!("cannot be waited for: {e}")))?;
        if ended.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&ended.stderr);
        let said: String = said.trim().chars().take(QUOTED).collect();
        let said = if said.is_empty() { said } else { format!(": {said}") };
        Err(failed(format!("failed ({}){said}", ended.status)))
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;

    use super::*;

    fn told(folder: &std::path::Path, command_line: &str) -> Arc<dyn Notifier> {
        let address = Address {
            url: format!("command:{command_line}"),
            directory: folder.to_owned(),
            settings: infra_state::Value::map(),
        };
        command(&address).unwrap()
    }

    fn something() -> Notification {
        let text = "2 findings".to_owned();
        let document = serde_json::json!({"version": 1, "reports": ["x".repeat(1 << 20)]});
        Notification { subject: "drift in shop/prod".to_owned(), text, document }
    }

    #[tokio::test]
    async fn the_document_is_on_its_standard_input() {
        let folder = tempfile::tempdir().unwrap();
        let script = "#!/bin/sh\ncat > \"$1\"\nprintf %s \"$INFRA_SUBJECT\" > subject\n";
        let path = folder.path().join("tell");
        fs::write(&path, script).unwrap();
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&path, permissions).unwrap();
        let notifier = told(folder.path(), "./tell told.json");
        notifier.notify(&something()).await.unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        let document: serde_json::Value = serde_json::from_str(&read("told.json")).unwrap();
        assert_eq!(document, something().document);
        assert_eq!(read("subject"), "drift in shop/prod");
    }

    #[tokio::test]
    async fn a_failure_says_what_the_command_said_and_no_argument() {
        let folder = tempfile::tempdir().unwrap();
        // It reads nothing: a full pipe must not hang.
        let error = told(folder.path(), "ls /nowhere/hunter2").notify(&something()).await;
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with("the command `ls` failed (exit status: 2)"), "{error}");
        let notifier = told(folder.path(), "no-such-program token");
        assert_eq!(notifier.shows(), "command:no-such-program");
        let error = notifier.notify(&something()).await.unwrap_err().to_string();
        assert!(error.contains("cannot be started") && !error.contains("token"), "{error}");
    }

    #[test]
    fn a_command_has_a_program() {
        let directory = PathBuf::new();
        let settings = infra_state::Value::map();
        let address = Address { url: "command: ".to_owned(), directory, settings };
        let error = command(&address).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Usage);
    }
}
