//! From settings to an engine.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use infra_state::{Backend, Sealer, StackName, State};

use super::{Address, App, key, revision, stacks::Reach, store::local_path};
use crate::{
    Engine, Error, ErrorKind, Result, Stack,
    config::{Known, Settings, Source, did_you_mean, scheme},
    engine::{Cancel, Program},
    event::Events,
    own_policy,
    provider::{Connector, Context, Driver, Gate, Registry, World},
    reference, secret,
};

/// Where state lives that nobody said anything about.
const DEFAULT_STATE: &str = "file:.infra";
/// The cloud of stacks that name none.
const DEFAULT_CLOUD: &str = "simulated";

impl App {
    /// The settings of `stack` as the program's TOML file and these `--set`s say; looked for from `from` upward.
    pub fn settings(
        &self,
        stack: &str,
        file: Option<PathBuf>,
        from: impl Into<PathBuf>,
        sets: &[String],
    ) -> Result<Settings> {
        let source = Source {
            program: self.name.clone(),
            file,
            from: from.into(),
            beside: self.beside.clone(),
        };
        let mut known = Known {
            clouds: self.cloud_names().into_iter().map(str::to_owned).collect(),
            states: self.backends.keys().cloned().collect(),
            seals: self.keys.keys().cloned().collect(),
            policies: self.all_policies(),
            ..Known::default()
        };
        for (_, connector) in &self.clouds {
            let provider = provider(&**connector);
            for key in connector.settings() {
                let is_field = |driver: &Arc<dyn Driver>| {
                    driver.schema().fields.iter().any(|field| field.name == key)
                };
                known.keys.insert(key.clone(), provider.clone().filter(is_field));
            }
        }
        Settings::load(&source, stack, sets, &known)
    }

    /// The engine for one stack: what the commands in [`command`](crate::command) take. Calls no cloud.
    pub async fn engine<P>(&self, settings: &Settings, program: P) -> Result<Engine>
    where
        P: Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    {
        self.assemble(settings, Arc::new(program), Events::ignored()).await
    }

    pub(crate) async fn assemble(
        &self,
        settings: &Settings,
        program: Arc<Program>,
        events: Events,
    ) -> Result<Engine> {
        let name = StackName::new(&*self.name, &*settings.stack)?;
        let backend = self.open_state(settings, &name).await?;
        let exists = exists(&*backend, &name).await?;
        let sealer = self.open_key(self.key_address(settings, &name, exists)?).await?;
        // The dot keeps it from being taken for a stack.
        let state = State::new(backend, Arc::clone(&sealer), name.clone())
            .with_env(Arc::clone(&self.env))
            .with_spill(own_folder(settings).join(".spill"))?;
        let cloud = match &settings.cloud {
            Some(wanted) => self.known_cloud(wanted)?,
            None => self.choose(exists.then_some(&state)).await?,
        };
        self.outfit(settings, state, sealer, cloud, program, events)
    }

    /// The engine for a state that is open. Its stack may be another program's.
    pub(super) fn outfit(
        &self,
        settings: &Settings,
        state: State,
        sealer: Arc<dyn Sealer>,
        cloud: String,
        program: Arc<Program>,
        events: Events,
    ) -> Result<Engine> {
        let name = state.name().clone();
        let mut registry = Registry::default();
        registry.add(secret::driver());
        registry.add(reference::driver::<()>());
        registry.add(reference::terraform_driver::<()>());
        registry.add(own_policy::driver());
        let mut connectors = BTreeMap::new();
        for (_, connector) in self.clouds.iter().filter(|(name, _)| *name == cloud) {
            registry.add_cloud(connector);
            connectors.insert(connector.provider_kind().to_owned(), Arc::clone(connector));
        }
        self.kinds.iter().for_each(|driver| registry.add(Arc::clone(driver)));
        let context = Context {
            stack: name.clone(),
            settings: settings.clouds.clone(),
            directory: settings.directory.clone(),
            world: Self::world_at(settings, self.world.as_ref().unwrap_or(&name.program)),
            gate: Gate::default(),
        };
        let from = self.beside.as_deref().unwrap_or(&settings.directory);
        let revision = self.revision.clone().or_else(|| revision::commit(from));
        let stacks = Arc::new(Reach { app: self.clone(), settings: settings.clone(), sealer });
        Ok(Engine {
            stacks,
            registry,
            connectors,
            state,
            env: Arc::clone(&self.env),
            context,
            program,
            policies: self.policies_of(settings)?,
            config: settings.config.clone(),
            rules: self.rules.clone(),
            cloud,
            revision: revision.unwrap_or_default(),
            by: revision::by(),
            state_url: settings.state.clone(),
            key_url: settings.key.clone(),
            events,
            cancel: Cancel::default(),
        })
    }

    /// The same stack in another place, which may have a key of its own.
    pub(crate) async fn other_place(
        &self,
        settings: &Settings,
        url: String,
        key: Option<String>,
        engine: &Engine,
    ) -> Result<State> {
        let name = engine.state.name();
        let there = Settings {
            state: Some(url),
            key: key.clone().or_else(|| settings.key.clone()),
            ..settings.clone()
        };
        if engine.is_simulated() && own_folder(&there) != own_folder(settings) {
            let message = "what an embedded cloud has is kept beside the state: a simulated stack cannot be moved away \
                           from it. Nothing was changed";
            return Err(Error::new(ErrorKind::Refused, message));
        }
        let backend = self.open_state(&there, name).await?;
        let exists = exists(&*backend, name).await?;
        // A key that is used already opens more than what is to be moved.
        let exists = exists || key.is_none();
        let sealer = self.open_key(self.key_address(&there, name, exists)?).await?;
        Ok(State::new(backend, sealer, name.clone()).with_env(Arc::clone(&self.env)))
    }

    /// The cloud that the settings name.
    pub(super) fn known_cloud(&self, wanted: &str) -> Result<String> {
        let names = self.cloud_names();
        if names.contains(&wanted) {
            return Ok(wanted.to_owned());
        }
        let hint = did_you_mean(wanted, &names);
        let message = format!("this program has no cloud `{wanted}`{hint}");
        Err(Error::new(ErrorKind::Usage, message))
    }

    /// Where the state of a stack lives.
    pub(super) fn state_address(&self, settings: &Settings, name: &StackName) -> Address {
        Address {
            url: state_url(settings),
            directory: settings.directory.clone(),
            stack: name.clone(),
            cloud: settings.cloud.clone(),
            default_cloud: self.default_cloud(),
            settings: settings.clouds.clone(),
            world: self.world_of(settings),
            exists: false,
        }
    }

    /// A world of each program, unless it shares one: those of one folder have keys of their own.
    fn world_of(&self, settings: &Settings) -> World {
        Self::world_at(settings, self.world.as_ref().unwrap_or(&self.name))
    }

    fn world_at(settings: &Settings, name: &str) -> World {
        let folder = own_folder(settings);
        let key =
            key::world_file(name).and_then(|file| key::outside(&file, &folder).map(|()| file));
        // The dot keeps it from being taken for a stack.
        World::new(folder.join(name).join(".cloud"), key)
    }

    /// The cloud of stacks that name none.
    pub(super) fn default_cloud(&self) -> String {
        let names = self.cloud_names();
        let default = names.iter().find(|name| **name == DEFAULT_CLOUD).or(names.first());
        // A program without a cloud can still have secrets.
        default.map_or_else(|| "none".to_owned(), |name| (*name).to_owned())
    }

    /// The cloud of a stack for which none is named: the one it was made on, else the default.
    async fn choose(&self, made: Option<&State>) -> Result<String> {
        let names = self.cloud_names();
        let default = self.default_cloud();
        let Some(state) = made.filter(|_| names.len() > 1) else { return Ok(default) };
        // What keeps the state from being read is for the command to say: some are there to mend it.
        let view = state.read().await.ok().flatten();
        let last = view.and_then(|view| view.snapshot.deployment);
        match last.and_then(|deployment| deployment.cloud) {
            None => Ok(default),
            Some(made) if names.iter().any(|name| *name == made) => Ok(made),
            Some(made) => {
                let message = format!(
                    "the stack `{}` was made on the cloud `{made}`, which this program does not have (it has: {})",
                    state.name().stack,
                    names.join(", ")
                );
                Err(Error::new(ErrorKind::Refused, message))
            }
        }
    }

    /// The clouds in their order, each once: several connectors may share a name.
    pub(super) fn cloud_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in &self.clouds {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }

    /// Where the state of the settings' stack lives, made or not.
    pub(crate) async fn place(&self, settings: &Settings) -> Result<Arc<dyn Backend>> {
        self.open_state(settings, &StackName::new(&*self.name, &*settings.stack)?).await
    }

    /// What seals the stack's secrets from now on: the key that `url` names, or the one it has.
    pub(crate) async fn other_key(
        &self,
        settings: &Settings,
        url: Option<&str>,
    ) -> Result<(Arc<dyn Sealer>, String)> {
        let name = StackName::new(&*self.name, &*settings.stack)?;
        let settings = match url {
            Some(url) => Settings { key: Some(url.to_owned()), ..settings.clone() },
            None => settings.clone(),
        };
        let address = self.key_address(&settings, &name, url.is_none())?;
        let url = address.url.clone();
        Ok((self.open_key(address).await?, url))
    }

    async fn open_state(&self, settings: &Settings, name: &StackName) -> Result<Arc<dyn Backend>> {
        self.open_backend(self.state_address(settings, name)).await
    }

    pub(super) fn key_address(
        &self,
        settings: &Settings,
        name: &StackName,
        exists: bool,
    ) -> Result<Address> {
        let state = self.state_address(settings, name);
        let url = match &settings.key {
            Some(url) => url.clone(),
            None => format!("file:{}", key::file(name)?.display()),
        };
        let address = Address { url, exists, ..state.clone() };
        let local = |address: &Address| local_folder(&address.url, &address.directory);
        if let (Some(key), Some(state)) = (local(&address), local(&state)) {
            key::outside(&key, &state)?;
        }
        Ok(address)
    }
}

/// The address of a stack's state.
fn state_url(settings: &Settings) -> String {
    settings.state.clone().unwrap_or_else(|| DEFAULT_STATE.to_owned())
}

/// What is kept on this machine: beside the state if that is here too.
pub(crate) fn own_folder(settings: &Settings) -> PathBuf {
    let folder = local_folder(&state_url(settings), &settings.directory);
    folder.unwrap_or_else(|| settings.directory.join(".infra"))
}

/// The path that a URL means, if it is one of this machine.
pub(super) fn local_folder(url: &str, directory: &Path) -> Option<PathBuf> {
    (scheme(url) == "file").then(|| {
        let path = local_path(url, directory);
        std::path::absolute(&path).unwrap_or(path)
    })
}

/// Whether the stack was ever made there.
async fn exists(backend: &dyn Backend, name: &StackName) -> Result<bool> {
    let objects = backend.list(&name.to_string(), "").await?;
    Ok(objects.iter().any(|object| Path::new(object) == Path::new("head.json")))
}

/// The driver of a connector's provider nodes.
fn provider(connector: &(impl Connector + ?Sized)) -> Option<Arc<dyn Driver>> {
    let kind = connector.provider_kind();
    connector.drivers().into_iter().find(|driver| driver.schema().kind == kind)
}

/// The keys of `[stack.X]` that a connector reads, unless it says otherwise: the fields of its provider.
pub(crate) fn provider_fields(connector: &(impl Connector + ?Sized)) -> Vec<String> {
    let provider = provider(connector);
    let fields = provider.iter().flat_map(|driver| &driver.schema().fields);
    fields.map(|field| field.name.to_owned()).collect()
}
