//! A stack for tests: a program, its clouds, and a state that is gone with the test.
//!
//! ```
//! use infra_core::{App, prelude::*, testing::TestStack};
//!
//! fn program(stack: &mut Stack) -> Result<()> {
//!     let password = stack.secret("password");
//!     stack.export("password", password);
//!     Ok(())
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! // `App::new("shop").cloud("simulated", infra_aws::simulated_in(cloud.clone()))` in a program that has one.
//! let stack = TestStack::of(App::new("shop"));
//! assert!(!stack.plan(program).await?.is_empty());
//! let summary = stack.up(program).await?;
//! assert!(summary.exports.contains_key("password"));
//! assert!(stack.plan(program).await?.is_empty());
//! stack.destroy().await?;
//! # Ok::<(), Error>(()) }).unwrap();
//! ```

use std::{
    env, fs,
    io::{self, Write},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use infra_state::{Backend, LocalKey, Outcome, Sealer, backend::Memory};
use uuid::Uuid;

use crate::{
    App, Engine, Error, ErrorKind, Result, Stack,
    command::{self, Confirmed, PreviewOptions, UpOptions},
    config::{Config, Settings},
    event::Summary,
    plan::{Plan, PlanOptions},
};

/// A stack for tests. The program is given to each command, so that a test can change it in between.
pub struct TestStack {
    app: App,
    settings: Settings,
}

impl TestStack {
    /// The stack `test` of a program: its `App` as in `main`, without `run`. Without a choice it is on the cloud
    /// `simulated`, else on the first one.
    pub fn of(app: App) -> Self {
        let memory = Memory::new();
        let app = app
            .backend("memory", move |_| {
                let backend: Arc<dyn Backend> = Arc::new(memory.clone());
                async move { Ok(backend) }
            })
            .keys("memory", |_| async {
                let sealer: Arc<dyn Sealer> = Arc::new(LocalKey::from_bytes([7; 32]));
                Ok(sealer)
            })
            .revision("test");
        let mut settings = Settings::new("test").state("memory:");
        settings.key = Some("memory:".to_owned());
        // What connectors keep in files, they keep here.
        settings.directory = env::temp_dir().join(format!("infra-test-{}", Uuid::new_v4()));
        Self { app, settings }
    }

    /// With this configuration of the program.
    #[must_use]
    pub fn config(mut self, config: impl Into<Config>) -> Self {
        self.settings.config = config.into();
        self
    }

    /// With this setting of its clouds: `region`, …
    #[must_use]
    pub fn setting(mut self, key: &str, value: impl Into<infra_state::Value>) -> Self {
        if let infra_state::Value::Map(clouds) = &mut self.settings.clouds {
            clouds.insert(key.to_owned(), value.into());
        }
        self
    }

    /// The engine, for commands and options that are not here.
    pub async fn engine<P>(&self, program: P) -> Result<Engine>
    where
        P: Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    {
        self.app.engine(&self.settings, program).await
    }

    /// What `up` would do.
    pub async fn plan<P>(&self, program: P) -> Result<Arc<Plan>>
    where
        P: Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    {
        let engine = self.engine(program).await?;
        Ok(command::preview(&engine, &PreviewOptions::default()).await?.plan)
    }

    /// Brings the stack to what the program says. It is an error if not all of it was done.
    pub async fn up<P>(&self, program: P) -> Result<Summary>
    where
        P: Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    {
        let engine = self.engine(program).await?;
        whole(command::up(&engine, &UpOptions::default(), &Confirmed).await?)
    }

    /// Deletes everything, data too. It is an error if not all of it is gone.
    pub async fn destroy(&self) -> Result<Summary> {
        let engine = self.engine(|_| Ok(())).await?;
        let mut plan = PlanOptions::default();
        if let Some(view) = engine.state.read().await? {
            plan.allow_data_loss =
                view.snapshot.records.keys().map(|key| key.urn.clone()).collect();
        }
        let options = UpOptions { plan, ..UpOptions::default() };
        whole(command::destroy(&engine, &options, &Confirmed).await?)
    }
}

impl Drop for TestStack {
    fn drop(&mut self) {
        let folder: &PathBuf = &self.settings.directory;
        // Most clouds for tests keep nothing there, and then there is nothing to remove.
        drop(fs::remove_dir_all(folder));
    }
}

fn whole(summary: Summary) -> Result<Summary> {
    if summary.outcome == Outcome::Succeeded {
        return Ok(summary);
    }
    let failed: Vec<_> =
        summary.failed.iter().map(|it| format!("{}: {}", it.urn, it.message)).collect();
    let message = format!("{} steps were not begun; {}", summary.skipped, failed.join("; "));
    Err(Error::new(ErrorKind::Failed, message))
}

/// What is written while something runs, in memory. Its clones share what is written: give one to a
/// [`Screen`](crate::cli::Screen) and look at the other.
#[derive(Clone, Debug, Default)]
pub struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    /// Everything so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
