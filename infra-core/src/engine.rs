//! Everything that a command needs, put together once.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use infra_state::{Deployment, Env, Holder, State};
use tokio_util::sync::CancellationToken;

use crate::{
    Error, ErrorKind, Result, Stack,
    config::Config,
    event::{Event, Events, Target},
    graph::{Graph, Mistake},
    own_policy,
    panics::caught,
    policy::Pack,
    provider::{Connector, Context, Registry},
    reference::Stacks,
};

/// A program: fills the stack, calls no cloud, and does the same every time it is called.
pub type Program = dyn Fn(&mut Stack) -> Result<()> + Send + Sync;

/// A program, its stack, and what to run it on. [`App`](crate::app::App) makes one from settings; a program that
/// embeds the engine may fill one in itself.
#[derive(Clone)]
pub struct Engine {
    /// The kinds that may occur.
    pub registry: Registry,
    /// Who connects providers, by the kind of their nodes.
    pub connectors: BTreeMap<String, Arc<dyn Connector>>,
    /// The stack's state.
    pub state: State,
    /// The other stacks that it can refer to: [`SamePlace`](crate::reference::SamePlace), if nothing more is known.
    pub stacks: Arc<dyn Stacks>,
    /// Time and randomness.
    pub env: Arc<dyn Env>,
    /// What connectors get; its gate is guarded by the session while one is held.
    pub context: Context,
    /// The program.
    pub program: Arc<Program>,
    /// What its plans are checked against.
    pub policies: Pack,
    /// The program's configuration.
    pub config: Config,
    /// The name of the cloud it runs on.
    pub cloud: String,
    /// The program's own rules of how bad a change is.
    pub rules: Vec<crate::drift::Rule>,
    /// The program's revision, for the history.
    pub revision: String,
    /// Who runs it, `user@host`.
    pub by: String,
    /// Where its state lives, as the settings say it.
    pub state_url: Option<String>,
    /// What seals its secrets, as the settings say it.
    pub key_url: Option<String>,
    /// Where events go.
    pub events: Events,
    /// How a person stops it.
    pub cancel: Cancel,
}

/// How a command is stopped, in two stages. Clones are the same switch.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    stop: CancellationToken,
    abort: CancellationToken,
}

impl Cancel {
    /// First stage: start nothing new, finish what runs.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Second stage: do not wait for what runs either. What it was about to do is in the state; the next run settles it.
    pub fn abort(&self) {
        self.stop.cancel();
        self.abort.cancel();
    }

    /// Whether somebody asked to stop.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Whether somebody asked not to wait.
    pub fn is_aborted(&self) -> bool {
        self.abort.is_cancelled()
    }

    /// Returns when somebody has asked to stop.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Returns when somebody has asked not to wait.
    pub async fn aborted(&self) {
        self.abort.cancelled().await;
    }
}

impl Engine {
    /// Runs the program. An error has all its mistakes.
    pub fn graph(&self) -> Result<Graph> {
        self.declared().map(|(graph, _)| graph)
    }

    /// The same, and the kinds of the providers that the program left to their connectors.
    pub(crate) fn declared(&self) -> Result<(Graph, BTreeSet<String>)> {
        let mut stack = Stack::new(self.state.name().clone(), self.config.clone());
        let ran = caught(|| (self.program)(&mut stack)).unwrap_or_else(|panic| {
            let message = format!("the program panicked: {panic}");
            Err(Error::new(ErrorKind::Program, message))
        });
        if let Err(error) = ran {
            if stack.mistakes.is_empty() {
                return Err(error);
            }
            let mut mistakes = stack.mistakes;
            if error.mistakes().is_empty() {
                let message = error.to_string();
                mistakes.push(Mistake { message, urn: None, at: None });
            }
            mistakes.extend_from_slice(error.mistakes());
            return Err(Error::program(mistakes));
        }
        self.built(stack)
    }

    /// The graph of a stack that is filled, and the kinds of the providers that it left to their connectors.
    pub(crate) fn built(&self, stack: Stack) -> Result<(Graph, BTreeSet<String>)> {
        let left = RefCell::new(BTreeSet::new());
        let defaults = |kind: &str| {
            left.borrow_mut().insert(kind.to_owned());
            let connector = self.connector(kind)?;
            let config = connector.default_provider(&self.context);
            config.map_err(|e| Error::new(ErrorKind::Usage, e.to_string()).because(e))
        };
        let mut graph = Graph::build(stack, &self.registry, &defaults)?;
        own_policy::fill(self, &mut graph)?;
        self.known_policies(&graph)?;
        Ok((graph, left.into_inner()))
    }

    /// What is allowed with a reason must be the violation of a policy that there is.
    fn known_policies(&self, graph: &Graph) -> Result<()> {
        let mut mistakes = Vec::new();
        for node in graph.nodes.values() {
            let wrong = node.options.allow.keys().filter_map(|name| self.policies.unknown(name));
            let (urn, at) = (&node.urn, node.at);
            mistakes.extend(wrong.map(|message| Mistake {
                message,
                urn: Some(urn.clone()),
                at: Some(at),
            }));
        }
        if mistakes.is_empty() { Ok(()) } else { Err(Error::program(mistakes)) }
    }

    /// Whether nothing real can be touched or lost: every cloud says of itself that it is not a real one.
    pub fn is_simulated(&self) -> bool {
        let mut connectors = self.connectors.values();
        !self.connectors.is_empty()
            && connectors.all(|connector| connector.notice(&self.context).is_some())
    }

    /// Who connects providers of this kind.
    pub(crate) fn connector(&self, kind: &str) -> Result<&Arc<dyn Connector>> {
        self.connectors.get(kind).ok_or_else(|| {
            let known: Vec<_> = self.connectors.keys().map(String::as_str).collect();
            let message = format!(
                "no cloud of this program connects `{kind}` (it has: {}); add it with `App::cloud`",
                known.join(", ")
            );
            Error::new(ErrorKind::Usage, message)
        })
    }

    /// What a command says first.
    pub(crate) fn announce(
        &self,
        command: &str,
        providers: BTreeMap<String, BTreeMap<String, String>>,
    ) {
        let notices =
            self.connectors.values().filter_map(|connector| connector.notice(&self.context));
        // Those that are used together mostly say the same.
        let notices: BTreeSet<String> = notices.collect();
        self.events.send(Event::Target(Box::new(Target {
            stack: self.state.name().to_string(),
            command: command.to_owned(),
            cloud: self.cloud.clone(),
            state: self.state.url(),
            providers,
            notice: notices.into_iter().reduce(|all, one| format!("{all}; {one}")),
        })));
    }

    pub(crate) fn holder(&self, command: &str) -> Holder {
        Holder { who: self.by.clone(), command: command.to_owned(), pid: std::process::id() }
    }

    pub(crate) fn deployment(&self, command: &str, before: Option<&Deployment>) -> Deployment {
        Deployment {
            number: before.map_or(0, |deployment| deployment.number) + 1,
            command: command.to_owned(),
            by: self.by.clone(),
            revision: self.revision.clone(),
            at: self.env.now(),
            cloud: (!self.connectors.is_empty()).then(|| self.cloud.clone()),
        }
    }
}
