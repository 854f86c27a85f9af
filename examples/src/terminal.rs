//! A command run as a person would run it, in a folder of its own, for the tests.

use std::{
    fs,
    io::{self, Write},
    sync::{Arc, Mutex},
};

use infra_core::{App, Result, Stack, cli::Screen, exit::Exit};

/// A folder with a stack's settings, state and key.
pub(crate) struct Terminal {
    pub(crate) folder: tempfile::TempDir,
}

/// What a command did.
pub(crate) struct Ran {
    pub(crate) exit: Exit,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Everything that was printed, on one line.
    pub(crate) fn all(&self) -> String {
        format!("{} {}", self.out, self.err).split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl Terminal {
    /// A new folder. Its program is called `ledger`.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = "[stack.dev]\nstate = \"file:state\"\nkey = \"file:key\"\n";
        fs::write(folder.path().join("ledger.toml"), settings).unwrap();
        Self { folder }
    }

    /// Runs a command.
    pub(crate) async fn run<P>(&self, app: App, program: P, arguments: &[&str]) -> Ran
    where
        P: Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    {
        let settings = self.folder.path().join("ledger.toml").display().to_string();
        let mut all = vec!["ledger", "--config", &settings];
        all.extend(arguments);
        let (out, err) = (Written::default(), Written::default());
        let screen = Screen::captured(out.clone(), err.clone(), None);
        let exit = app.run_on(program, all, screen).await;
        Ran { exit, out: out.text(), err: err.text() }
    }
}

/// What was written, shared with the test that reads it.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
