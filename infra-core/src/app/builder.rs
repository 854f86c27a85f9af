//! What a program says of itself in `main`.

use std::{
    collections::BTreeMap, ffi::OsString, future::Future, io::Write, path::PathBuf,
    process::ExitCode, sync::Arc,
};

use async_trait::async_trait;
use infra_state::{Backend, Env, Sealer, env::System};

use super::store::{Address, OpenBackend, OpenDocument, OpenKey};
use crate::{
    Engine, Result, Stack,
    cli::{self, Screen},
    drift::Rule,
    policy::{IntoPolicy, Pack, Policy},
    provider::{Connector, Driver, Managed, driver},
};

/// A program and what it can run on.
///
/// ```no_run
/// use infra_core::{App, Result, Stack};
///
/// # async fn example(simulated: impl infra_core::provider::Connector + 'static) -> std::process::ExitCode {
/// fn program(stack: &mut Stack) -> Result<()> {
///     let password = stack.secret("password");
///     stack.export("password", password);
///     Ok(())
/// }
///
/// App::new("shop").cloud("simulated", simulated).run(program).await
/// # }
/// ```
#[derive(Clone)]
pub struct App {
    pub(super) name: String,
    pub(super) clouds: Vec<(String, Arc<dyn Connector>)>,
    pub(super) backends: BTreeMap<String, Arc<OpenBackend>>,
    pub(super) keys: BTreeMap<String, Arc<OpenKey>>,
    pub(super) documents: BTreeMap<String, Arc<OpenDocument>>,
    pub(super) kinds: Vec<Arc<dyn Driver>>,
    pub(super) commands: Vec<Arc<dyn Custom>>,
    pub(super) notifiers: BTreeMap<String, Arc<crate::notify::Open>>,
    pub(super) beside: Option<PathBuf>,
    pub(super) env: Arc<dyn Env>,
    pub(super) revision: Option<String>,
    pub(super) rules: Vec<Rule>,
    pub(super) world: Option<String>,
    pub(super) pack: Option<Pack>,
    pub(super) policies: Vec<Policy>,
    pub(super) without: Vec<String>,
}

/// A command of the program's own, beside the engine's.
#[async_trait]
pub trait Custom: Send + Sync {
    /// Its name and arguments.
    fn command(&self) -> clap::Command;

    /// Runs it; data goes to `out`.
    async fn run(
        &self,
        engine: &Engine,
        arguments: &clap::ArgMatches,
        out: &mut (dyn Write + Send),
    ) -> Result<()>;
}

impl App {
    /// A program called `name`: part of the state's address and of generated names, so it must not change.
    pub fn new(name: impl Into<String>) -> Self {
        let app = Self {
            name: name.into(),
            clouds: Vec::new(),
            backends: BTreeMap::new(),
            keys: BTreeMap::new(),
            documents: BTreeMap::new(),
            kinds: Vec::new(),
            commands: Vec::new(),
            notifiers: BTreeMap::new(),
            beside: None,
            env: Arc::new(System),
            revision: None,
            rules: Vec::new(),
            world: None,
            pack: None,
            policies: Vec::new(),
            without: Vec::new(),
        };
        app.with_files().with_notifiers()
    }

    /// A cloud that stacks can name (`cloud = "aws"`, `--cloud aws`). Several connectors may share a name: they are
    /// used together. Without a choice it is `simulated`, else the first one.
    #[must_use]
    pub fn cloud(mut self, name: impl Into<String>, connector: impl Connector + 'static) -> Self {
        self.clouds.push((name.into(), Arc::new(connector)));
        self
    }

    /// Where state can live: `open` is called with the URL of every state that begins with `scheme:`.
    #[must_use]
    pub fn backend<F, Fut>(mut self, scheme: impl Into<String>, open: F) -> Self
    where
        F: Fn(Address) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Arc<dyn Backend>>> + Send + 'static,
    {
        let open: Arc<OpenBackend> = Arc::new(move |address| Box::pin(open(address)));
        self.backends.insert(scheme.into(), open);
        self
    }

    /// What can seal secrets: `open` is called with every `key = "scheme:…"`.
    #[must_use]
    pub fn keys<F, Fut>(mut self, scheme: impl Into<String>, open: F) -> Self
    where
        F: Fn(Address) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Arc<dyn Sealer>>> + Send + 'static,
    {
        let open: Arc<OpenKey> = Arc::new(move |address| Box::pin(open(address)));
        self.keys.insert(scheme.into(), open);
        self
    }

    /// Where documents of others can be read, a Terraform state above all: `read` is called with every URL that begins with
    /// `scheme:`. Files need none.
    #[must_use]
    pub fn documents<F, Fut>(mut self, scheme: impl Into<String>, read: F) -> Self
    where
        F: Fn(Address) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Vec<u8>>> + Send + 'static,
    {
        let read: Arc<OpenDocument> = Arc::new(move |address| Box::pin(read(address)));
        self.documents.insert(scheme.into(), read);
        self
    }

    /// A kind of the program's own. Needed so that it can still be deleted when no line of the program mentions it.
    #[must_use]
    pub fn kind<R: Managed>(mut self) -> Self {
        self.kinds.push(driver::<R>());
        self
    }

    /// Who can be told what a look at the stack found: `open` is called with every `--notify` that begins with `scheme:`.
    #[must_use]
    pub fn notifier<F, Fut>(mut self, scheme: impl Into<String>, open: F) -> Self
    where
        F: Fn(crate::notify::Address) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Arc<dyn crate::notify::Notifier>>> + Send + 'static,
    {
        let open: Arc<crate::notify::Open> = Arc::new(move |address| Box::pin(open(address)));
        self.notifiers.insert(scheme.into(), open);
        self
    }

    /// A policy of the program's own, beside those of its clouds: a [`Policy`], or a function over the plan.
    #[must_use]
    pub fn policy(mut self, policy: impl IntoPolicy) -> Self {
        self.policies.push(policy.into_policy());
        self
    }

    /// These policies instead of those that its clouds bring.
    #[must_use]
    pub fn policies(mut self, pack: Pack) -> Self {
        self.pack = Some(pack);
        self
    }

    /// Without this policy of its clouds.
    #[must_use]
    pub fn without_policy(mut self, name: impl Into<String>) -> Self {
        self.without.push(name.into());
        self
    }

    /// A command of the program's own.
    #[must_use]
    pub fn command(mut self, command: impl Custom + 'static) -> Self {
        self.commands.push(Arc::new(command));
        self
    }

    /// How bad a change that somebody else made is: goes before the rules of the clouds, and the first that matches
    /// decides, even downwards.
    #[must_use]
    pub fn drift_rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Where the program's TOML file is looked for last: `env!("CARGO_MANIFEST_DIR")`.
    #[must_use]
    pub fn config_beside(mut self, folder: impl Into<PathBuf>) -> Self {
        self.beside = Some(folder.into());
        self
    }

    /// Another clock and another source of randomness, for tests.
    #[must_use]
    pub fn env(mut self, env: Arc<dyn Env>) -> Self {
        self.env = env;
        self
    }

    /// The world of its embedded clouds, where several programs share one: a platform and what runs on it. Otherwise a
    /// program has a world of its own.
    #[must_use]
    pub fn world(mut self, name: impl Into<String>) -> Self {
        self.world = Some(name.into());
        self
    }

    /// The program's revision, for the history; otherwise that of the git checkout it lies in.
    #[must_use]
    pub fn revision(mut self, revision: impl Into<String>) -> Self {
        self.revision = Some(revision.into());
        self
    }

    /// The same under another name: with the settings, the state and the keys of a program of that name.
    #[must_use]
    pub(crate) fn called(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// The program's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What `--version` prints after the name: the engine's version, and the program's revision if it is known.
    pub(crate) fn version(&self) -> String {
        let engine = concat!("(infra ", env!("CARGO_PKG_VERSION"), ")");
        let from = self.beside.as_deref().filter(|folder| folder.exists());
        let revision = self.revision.clone().or_else(|| from.and_then(super::revision::commit));
        revision.map_or_else(|| engine.to_owned(), |revision| format!("{revision} {engine}"))
    }

    /// The program's own commands.
    pub(crate) fn commands(&self) -> &[Arc<dyn Custom>] {
        &self.commands
    }

    /// Where the program's source is, if it said so.
    pub(crate) fn beside(&self) -> Option<&PathBuf> {
        self.beside.as_ref()
    }

    /// Runs the command that the process was started with.
    pub async fn run<P>(&self, program: P) -> ExitCode
    where
        P: Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    {
        self.run_with(program, std::env::args_os()).await
    }

    /// Runs the command that these arguments say (the first is the program's own name).
    pub async fn run_with<P, A>(&self, program: P, arguments: A) -> ExitCode
    where
        P: Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
        A: IntoIterator<Item: Into<OsString> + Clone>,
    {
        cli::run(self, Arc::new(program), arguments, Screen::process()).await.into()
    }

    /// The same on another screen than the process's own: for tests, and for programs that show it elsewhere.
    pub async fn run_on<P, A>(&self, program: P, arguments: A, screen: Screen) -> crate::exit::Exit
    where
        P: Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
        A: IntoIterator<Item: Into<OsString> + Clone>,
    {
        cli::run(self, Arc::new(program), arguments, screen).await
    }
}
