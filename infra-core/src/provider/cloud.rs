//! Connections to clouds.

use std::{
    any::Any,
    collections::{HashMap, HashSet},
    fmt,
    future::Future,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use async_trait::async_trait;
use infra_state::{ProviderIdentity, StackName, Value};
use tokio::sync::OnceCell;

use super::{Class, Driver, Error, Needs, Policies, Result, World};
use crate::{policy::Policy, program::Resource};

/// A connection type that drivers work with: `Aws`, a Kubernetes cluster, your own service's client. Written by the
/// derive of its provider: `#[resource(kind = "aws:Provider", cloud = Aws)]`.
pub trait Cloud: Send + Sync + 'static {
    /// The kind of a provider node of this cloud, with its configuration as fields. Its urns are `NAME::…`.
    type Provider: ProviderKind<Cloud = Self>;
}

/// A kind of provider node: the configuration of a connection. Written by `#[derive(Resource)]` with `cloud = …`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a provider: it does not configure a connection to a cloud",
    label = "not the kind of a provider",
    note = "what a cloud has is declared by `stack.add` or `stack.lookup`; the kind of a provider has `cloud = …` in its `#[resource(…)]`"
)]
pub trait ProviderKind: Resource {
    /// What it connects to.
    type Cloud: Cloud<Provider = Self>;
}

/// What became of the objects of a Terraform state in an embedded cloud: [`Connector::plant`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Planted {
    /// The addresses of what it holds now.
    pub planted: Vec<String>,
    /// The addresses of what it does not hold, each with why.
    pub left: Vec<(String, String)>,
}

/// Makes connections: what a program plugs in with [`App::cloud`](crate::App::cloud).
#[async_trait]
pub trait Connector: Send + Sync {
    /// The kind of provider nodes it serves: `<C::Provider as Resource>::KIND`.
    fn provider_kind(&self) -> &'static str;

    /// The drivers of the kinds that this cloud has, the provider's own among them.
    fn drivers(&self) -> Vec<Arc<dyn Driver>>;

    /// The driver of a kind that is not among those: for a cloud that has kinds which nobody can list, like the custom
    /// resources of a Kubernetes cluster. It lives as long as the process.
    fn kind(&self, kind: &str) -> Option<&'static Arc<dyn Driver>> {
        let _ = kind;
        None
    }

    /// The configuration of the provider used where the program names none, from the stack's settings.
    fn default_provider(&self, context: &Context) -> Result<Value>;

    /// Connects. Costs at most the call that asks the cloud who we are.
    async fn connect(&self, config: &Value, context: &Context) -> Result<Connection>;

    /// Serves an embedded cloud over HTTP until `stop`; an error where this cloud is not an embedded one.
    async fn serve(
        &self,
        _listener: std::net::TcpListener,
        _context: &Context,
        _stop: tokio_util::sync::CancellationToken,
    ) -> Result<()> {
        let message = "only an embedded cloud can be served over HTTP, and this is not one";
        Err(Error::invalid(message))
    }

    /// Makes an embedded cloud hold what a Terraform state says, with the same ids, before it is served: a rehearsal of a
    /// migration. An error where this cloud cannot.
    async fn plant(&self, _state: &serde_json::Value, _context: &Context) -> Result<Planted> {
        Err(Error::invalid(
            "only an embedded cloud can hold what a state says, and this is not one",
        ))
    }

    /// The keys of `[stack.X]` that it reads; every other is a mistake. The fields of its provider, unless it says
    /// otherwise.
    fn settings(&self) -> Vec<String> {
        crate::app::provider_fields(self)
    }

    /// The variables with which other programs find an embedded cloud that is served at `address`.
    fn environment(&self, address: std::net::SocketAddr) -> Vec<(String, String)> {
        let _ = address;
        Vec::new()
    }

    /// A line for the screen before every plan if this cloud is not a real one: `simulated: nothing real is touched`.
    /// The stack's settings may point it at a real one.
    fn notice(&self, context: &Context) -> Option<String> {
        let _ = context;
        None
    }

    /// What a program that is being written says of its [`App`](crate::App) to plug this in as the cloud `name`, call by call:
    /// `cloud("aws", infra_aws::aws())`. None: no such program can be written.
    fn plugged(&self, _name: &str) -> Vec<String> {
        Vec::new()
    }

    /// The policies that allow exactly what a stack needs; `None` for a cloud without any.
    fn policies(&self, needs: &Needs) -> Result<Option<Policies>> {
        let _ = needs;
        Ok(None)
    }

    /// The policies that every program of this cloud has, unless it or its settings say otherwise.
    fn guardrails(&self) -> Vec<Policy> {
        Vec::new()
    }

    /// The option of `simulate` that says where an embedded cloud is served.
    fn listens(&self) -> &'static str {
        "listen"
    }

    /// The configuration of a provider that works as `role`: for who looks at stacks in many accounts. An error where this
    /// cloud has no roles.
    fn as_role(&self, config: Value, role: &str) -> Result<Value> {
        let _ = (config, role);
        Err(Error::invalid(format!(
            "a provider of `{}` cannot work as a role",
            self.provider_kind()
        )))
    }

    /// How bad changes of its kinds are: see [`drift::Rule`](crate::drift::Rule).
    fn rules(&self) -> Vec<crate::drift::Rule> {
        Vec::new()
    }

    /// Who last changed these objects, and when, each with its own answer; `None` where the cloud does not tell, or may
    /// not be asked. `since` bounds how far back is looked.
    async fn actors(
        &self,
        _connection: &Connection,
        asked: &[Touched<'_>],
        _since: jiff::Timestamp,
    ) -> Vec<Option<crate::drift::Actor>> {
        asked.iter().map(|_| None).collect()
    }

    /// What it knows of Terraform's resource types, for taking them over and for leaving again.
    fn terraform(&self) -> crate::transfer::terraform::Tables {
        crate::transfer::terraform::Tables::default()
    }

    /// Everything that is inside the container `within` (a VPC's id), whoever made it: for what nobody manages, and for
    /// taking over a whole network. `None`: this cloud has no such container. Any id that the stack knows may be asked
    /// for: whether it is one of a container must be told without a call.
    async fn contained(
        &self,
        _connection: &Connection,
        _within: &str,
    ) -> Result<Option<Vec<Contained>>> {
        Ok(None)
    }
}

/// An object of which it is asked who changed it.
#[derive(Clone, Copy, Debug)]
pub struct Touched<'a> {
    /// Its kind.
    pub kind: &'a str,
    /// Its id, as it is or was.
    pub id: &'a str,
    /// It is gone: who deleted it is asked.
    pub gone: bool,
}

/// An object that was found inside a container.
#[derive(Clone, Debug, PartialEq)]
pub struct Contained {
    /// Its kind: ours, or the cloud's own word (`AWS::EC2::NetworkInterface`) where there is no kind for it.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// What people call it: a `Name` tag.
    pub name: Option<String>,
    /// The tags that say who made it, if there are any.
    pub owner: Option<std::collections::BTreeMap<String, String>>,
    /// It came with another object and goes with it (a main route table, a default group, an interface of a load
    /// balancer): nothing to manage. The text says with what.
    pub comes_with: Option<String>,
}

/// A live connection.
#[derive(Clone)]
pub struct Connection {
    /// Where its calls go: account, region, endpoint; never credentials.
    pub identity: ProviderIdentity,
    /// The `C: Cloud`.
    pub client: Arc<dyn Any + Send + Sync>,
    /// The calls that were made through it so far.
    pub calls: Calls,
}

impl Connection {
    /// A connection to `identity` through `client`, of whose calls none is counted yet.
    pub fn new(identity: ProviderIdentity, client: impl Any + Send + Sync) -> Self {
        Self { identity, client: Arc::new(client), calls: Calls::default() }
    }

    /// The same, with its calls counted by `calls`.
    #[must_use]
    pub fn counted(mut self, calls: Calls) -> Self {
        self.calls = calls;
        self
    }
}

/// How many calls were made to each service. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Calls(Arc<Mutex<std::collections::BTreeMap<String, u64>>>);

impl Calls {
    /// One more call to `service`; every attempt counts.
    pub fn count(&self, service: &str) {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match calls.get_mut(service) {
            Some(count) => *count += 1,
            None => drop(calls.insert(service.to_owned(), 1)),
        }
    }

    /// How many, by service.
    pub fn so_far(&self) -> std::collections::BTreeMap<String, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a connector may need of the stack.
#[derive(Clone)]
pub struct Context {
    /// Program and stack.
    pub stack: StackName,
    /// The stack's own settings that the engine does not use itself (`region`, `profile`, …), from `[stack.X]`.
    pub settings: Value,
    /// What relative paths in the settings are relative to: the folder of the settings' file.
    pub directory: std::path::PathBuf,
    /// Where an embedded cloud keeps its world: the same for all stacks of the program.
    pub world: World,
    /// Closed when the lease is lost; asked before every attempt of a changing call.
    pub gate: Gate,
}

/// Whether calls may still be started. Cheap to clone; shared by everything that calls the cloud.
#[derive(Clone, Default)]
pub struct Gate(Arc<RwLock<Option<Arc<Check>>>>);

type Check = dyn Fn() -> Result<(), String> + Send + Sync;

impl Gate {
    /// From now on `check` is asked; its text says why nothing may start.
    pub fn guard(&self, check: impl Fn() -> Result<(), String> + Send + Sync + 'static) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(check));
    }

    /// An error of class [`Class::Fenced`] if nothing may be started any more.
    pub fn check(&self) -> Result<()> {
        let check = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        check.map_or(Ok(()), |check| check()).map_err(|why| Error::new(Class::Fenced, why))
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}

/// What a verb gets: the connection (by `Deref`), and answers shared within one batch of reads.
pub struct Cx<C> {
    cloud: Arc<C>,
    memo: Memo,
}

impl<C> Clone for Cx<C> {
    fn clone(&self) -> Self {
        Self { cloud: Arc::clone(&self.cloud), memo: self.memo.clone() }
    }
}

/// Answers of calls that several kinds share; lives for one batch.
#[derive(Clone, Default)]
pub struct Memo {
    answers: Arc<Mutex<HashMap<String, Arc<dyn Any + Send + Sync>>>>,
    /// The ids of what a look has read already, by kind.
    known: Option<Arc<Known>>,
}

type Known = HashMap<&'static str, HashSet<String>>;

impl Memo {
    /// The same answers, for a search of a look that has read these objects already (their kinds and ids).
    #[must_use]
    pub fn knowing(self, objects: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        let mut known = Known::new();
        for (kind, id) in objects {
            known.entry(kind).or_default().insert(id);
        }
        Self { known: Some(Arc::new(known)), ..self }
    }

    /// Without any answer.
    #[must_use]
    pub fn emptied(&self) -> Self {
        Self { answers: Arc::default(), known: self.known.clone() }
    }
}

impl<C: Cloud> Cx<C> {
    /// A context over this connection, with an empty memo.
    pub fn new(cloud: Arc<C>) -> Self {
        Self { cloud, memo: Memo::default() }
    }

    /// A context over the connection, if it is one of this cloud.
    pub fn of(connection: &Connection, memo: Memo) -> Result<Self> {
        let cloud = Arc::clone(&connection.client)
            .downcast()
            .map_err(|_| Error::invalid("the provider is of another cloud than the resource"))?;
        Ok(Self { cloud, memo })
    }

    /// The answer filed under `key` in this batch, asked for at most once: kinds that need the same call share it.
    pub async fn memo<T, F>(&self, key: &str, ask: impl FnOnce() -> F) -> Result<Arc<T>>
    where
        T: Send + Sync + 'static,
        F: Future<Output = Result<T>>,
    {
        let cell = {
            let mut memo = self.memo.answers.lock().unwrap_or_else(PoisonError::into_inner);
            let cell = memo.entry(key.to_owned());
            Arc::clone(cell.or_insert_with(|| Arc::new(OnceCell::<Arc<T>>::new())))
        };
        let cell: Arc<OnceCell<Arc<T>>> = cell
            .downcast()
            .map_err(|_| Error::invalid(format!("the memo {key:?} is used with two types")))?;
        cell.get_or_try_init(|| async { ask().await.map(Arc::new) }).await.cloned()
    }

    /// Whether this is a search of a look: it comes again soon, so an answer that is a little late will do. Whoever finds out
    /// what an interrupted run has made needs the whole truth.
    pub fn is_look(&self) -> bool {
        self.memo.known.is_some()
    }

    /// Whether the look has read the object already: then its search may leave it out.
    pub fn knows(&self, kind: &str, id: &str) -> bool {
        let known = self.memo.known.as_ref().and_then(|known| known.get(kind));
        known.is_some_and(|ids| ids.contains(id))
    }
}

impl<C> Deref for Cx<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.cloud
    }
}
