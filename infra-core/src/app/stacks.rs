//! Where the other stacks are that a program refers to.

use std::sync::Arc;

use async_trait::async_trait;
use infra_state::{Sealer, StackName, State};

use super::{Address, App, assemble::local_folder, key};
use crate::{
    Result,
    config::Settings,
    reference::{Neighbour, Stacks},
};

/// The stacks that this program can reach from one of its own.
pub(super) struct Reach {
    pub(super) app: App,
    /// The settings of the stack that refers.
    pub(super) settings: Settings,
    /// What seals its secrets.
    pub(super) sealer: Arc<dyn Sealer>,
}

#[async_trait]
impl Stacks for Reach {
    /// A stack of the same program has settings of its own, which say where it is; one of another program is taken to be
    /// where this one is.
    async fn open(&self, stack: &Neighbour) -> Result<State> {
        let (app, own) = (&self.app, &self.settings);
        let same_program = stack.name.program == app.name;
        let theirs = match &own.file {
            Some(file) if same_program => {
                app.settings(&stack.name.stack, Some(file.clone()), &own.directory, &[])?
            }
            _ => Settings { directory: own.directory.clone(), ..Settings::new(&stack.name.stack) },
        };
        let said = |url: &Option<String>, theirs: Option<String>, own: &Option<String>| {
            url.clone().or(theirs).or_else(|| own.clone())
        };
        let settings = Settings {
            state: said(&stack.at, theirs.state, &own.state),
            clouds: theirs.clouds,
            cloud: theirs.cloud.or_else(|| own.cloud.clone()),
            ..own.clone()
        };
        let address = app.state_address(&settings, &stack.name);
        let key = said(&stack.key, theirs.key, &own.key);
        let sealer = self.sealer_of(&address, key, stack.key.is_some()).await?;
        let backend = app.open_backend(address).await?;
        let state = State::new(backend, sealer, stack.name.clone());
        Ok(state.with_env(Arc::clone(&app.env)))
    }

    async fn document(&self, url: &str) -> Result<Vec<u8>> {
        let name = StackName::new(&*self.app.name, &*self.settings.stack)?;
        let address = self.app.state_address(&self.settings, &name);
        self.app.open_document(Address { url: url.to_owned(), ..address }).await
    }
}

impl Reach {
    /// What opens the other stack's secrets, if it can be had; else our own, which says of what it cannot open that it
    /// cannot.
    async fn sealer_of(
        &self,
        state: &Address,
        key: Option<String>,
        said: bool,
    ) -> Result<Arc<dyn Sealer>> {
        let url = match key {
            Some(url) => url,
            None => format!("file:{}", key::file(&state.stack)?.display()),
        };
        let address = Address { url, exists: true, ..state.clone() };
        let missing =
            local_folder(&address.url, &address.directory).is_some_and(|file| !file.exists());
        if missing && !said {
            Ok(Arc::clone(&self.sealer))
        } else {
            self.app.open_key(address).await
        }
    }
}
