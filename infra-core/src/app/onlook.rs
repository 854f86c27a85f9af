//! Looking at the stacks of a place, whoever's they are.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use infra_state::{Backend, Env, Sealer, StackName, State, View};
use zeroize::Zeroizing;

use super::{App, key};
use crate::{
    Engine, Error, ErrorKind, Result,
    command::{
        drift::DriftOptions,
        fleet::{Each, InRole, Role},
        watch::{OneStack, unseen},
    },
    config::Settings,
    drift::Report,
    engine::{Cancel, Program},
    event::Events,
    provider::Connector,
};

/// Looks at the stacks of a place. Of this program's own it knows what they want, if their settings can be had; of others
/// it knows what is recorded. It needs no sealing key: without one, what is secret is not compared.
pub(crate) struct Onlooker {
    pub(crate) app: App,
    /// The settings of the stack that was named, which say where the place is.
    pub(crate) settings: Settings,
    /// What `--set` says, to every stack of this program.
    pub(crate) sets: Vec<String>,
    pub(crate) program: Arc<Program>,
    pub(crate) place: Arc<dyn Backend>,
    pub(crate) options: DriftOptions,
    pub(crate) role: Option<Role>,
    pub(crate) cancel: Cancel,
}

impl App {
    /// Time and randomness.
    pub(crate) fn clock(&self) -> Arc<dyn Env> {
        Arc::clone(&self.env)
    }
}

/// What is opened if its key is at hand.
struct Perhaps(Option<Arc<dyn Sealer>>);

#[async_trait]
impl Each for Onlooker {
    async fn report(&self, stack: &StackName) -> Option<Report> {
        let at = self.app.env.now();
        let sealer: Arc<dyn Sealer> = Arc::new(Perhaps(None));
        let bare = State::new(Arc::clone(&self.place), sealer, stack.clone());
        let bare = bare.with_env(Arc::clone(&self.app.env));
        let report = match self.look(stack, &bare).await {
            Ok(report) => report,
            Err(error) => Report { state: bare.url(), ..unseen(stack, at, error.to_string()) },
        };
        // Where a stack went it is looked at by whoever looks there; and one may be removed at any time.
        if report.failed.is_some()
            && (matches!(bare.left_for().await, Ok(Some(_)))
                || matches!(bare.read_without_key().await, Ok(None)))
        {
            return None;
        }
        Some(report)
    }
}

impl Onlooker {
    async fn look(&self, stack: &StackName, bare: &State) -> Result<Report> {
        let (app, mut notices) = (&self.app, Vec::new());
        let own =
            if stack.program == app.name { self.own(stack, &mut notices).await } else { None };
        let recorded_only = self.options.recorded_only || own.is_none();
        let settings = own.unwrap_or_else(|| Settings {
            directory: self.settings.directory.clone(),
            file: self.settings.file.clone(),
            ..Settings::new(&*stack.stack)
        });
        let settings = Settings { state: self.settings.state.clone(), ..settings };
        // Read for this only where it is needed.
        let several = settings.cloud.is_none() && app.cloud_names().len() > 1;
        let view = if several || self.role.is_some() {
            bare.read_without_key().await?.map(|(view, _)| view)
        } else {
            None
        };
        let cloud = self.cloud(&settings, view.as_ref())?;
        let sealer = self.sealer(stack, &settings).await;
        let state = State::new(Arc::clone(&self.place), Arc::clone(&sealer), stack.clone());
        let state = state.with_env(Arc::clone(&app.env));
        let program: Arc<Program> =
            if recorded_only { Arc::new(|_: &mut _| Ok(())) } else { Arc::clone(&self.program) };
        let mut engine = app.outfit(&settings, state, sealer, cloud, program, Events::ignored())?;
        engine.cancel = self.cancel.clone();
        if let (Some(role), Some(view)) = (&self.role, &view) {
            for connector in engine.connectors.values_mut() {
                let inner = Arc::clone(connector);
                let in_role: Arc<dyn Connector> =
                    Arc::new(InRole::new(inner, role.clone(), &view.snapshot));
                *connector = in_role;
            }
        }
        let recorded_only = recorded_only || !self.can_be_asked(&engine, &mut notices);
        let options = DriftOptions { recorded_only, without_key: true, ..self.options.clone() };
        let mut report = OneStack::new(&engine, options).report().await;
        report.notices.extend(notices);
        Ok(report)
    }

    /// The settings of a stack of this program, if it is the one that they mean.
    async fn own(&self, stack: &StackName, notices: &mut Vec<String>) -> Option<Settings> {
        let own = &self.settings;
        let why =
            match self.app.settings(&stack.stack, own.file.clone(), &own.directory, &self.sets) {
                Err(error) => {
                    let mistakes = error.mistakes().iter().map(|mistake| mistake.message.clone());
                    mistakes.reduce(|all, one| format!("{all}; {one}")).unwrap_or(error.to_string())
                }
                Ok(settings) if settings.state.is_none() || settings.state == own.state => {
                    return Some(settings);
                }
                Ok(settings) => match self.app.place(&settings).await {
                    Ok(there) if there.url() == self.place.url() => return Some(settings),
                    Ok(there) => format!("they are of the one in {}", there.url()),
                    Err(error) => error.to_string(),
                },
            };
        notices
            .push(format!("compared with what is recorded only, its settings do not help: {why}"));
        None
    }

    /// Whether the program says what it wants of this stack.
    fn can_be_asked(&self, engine: &Engine, notices: &mut Vec<String>) -> bool {
        if engine.state.name().program != self.app.name {
            return false;
        }
        let Err(error) = engine.graph() else { return true };
        let mistakes = error.mistakes().iter().map(|mistake| mistake.message.clone());
        let why = mistakes.reduce(|all, one| format!("{all}; {one}"));
        let why = why.unwrap_or_else(|| error.to_string());
        notices
            .push(format!("compared with what is recorded only, the program cannot be run: {why}"));
        false
    }

    fn cloud(&self, settings: &Settings, view: Option<&View>) -> Result<String> {
        let app = &self.app;
        if let Some(wanted) = &settings.cloud {
            return app.known_cloud(wanted);
        }
        let made = view.and_then(|view| view.snapshot.deployment.as_ref()?.cloud.as_ref());
        match made {
            Some(made) if app.cloud_names().contains(&&**made) => Ok(made.clone()),
            Some(made) => {
                let known = app.cloud_names().join(", ");
                let message = format!(
                    "it was made on the cloud `{made}`, which this program does not have (it has: {known})"
                );
                Err(Error::new(ErrorKind::Failed, message))
            }
            None => Ok(app.default_cloud()),
        }
    }

    /// What opens the stack's secrets, if it can be had. A key is never made here.
    async fn sealer(&self, stack: &StackName, settings: &Settings) -> Arc<dyn Sealer> {
        let app = &self.app;
        let there = settings.key.is_some() || key::file(stack).is_ok_and(|file| file.exists());
        let open = async {
            let address = app.key_address(settings, stack, true).ok().filter(|_| there)?;
            app.open_key(address).await.ok()
        };
        Arc::new(Perhaps(open.await))
    }
}

impl fmt::Debug for Perhaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Perhaps").field(&self.0).finish()
    }
}

#[async_trait]
impl Sealer for Perhaps {
    fn key_id(&self) -> String {
        self.0.as_ref().map_or_else(|| "none".to_owned(), |sealer| sealer.key_id())
    }

    fn names(&self) -> Vec<String> {
        self.0.iter().flat_map(|sealer| sealer.names()).collect()
    }

    async fn seal(&self, _: &[u8], _: &[u8]) -> infra_state::Result<Vec<u8>> {
        let message = "who only looks seals nothing";
        Err(infra_state::Error::new(infra_state::ErrorKind::Key, message))
    }

    async fn open(&self, sealed: &[u8], context: &[u8]) -> infra_state::Result<Zeroizing<Vec<u8>>> {
        let missing = |why: String| infra_state::Error::new(infra_state::ErrorKind::Key, why);
        let Some(known) = &self.0 else { return Err(missing("its key is not here".to_owned())) };
        // A key that may not be used is as good as none.
        known.open(sealed, context).await.map_err(|error| match error.kind() {
            infra_state::ErrorKind::Unavailable => error,
            _ => missing(error.to_string()),
        })
    }
}
