//! The connector to the embedded Kubernetes.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use infra_core::{
    Data as _, Resource as _,
    provider::{Class, Connection, Connector, Context, Driver, Error, Result, World},
    state::Value,
};
use infra_kubernetes_simulated::{Kubernetes as Embedded, Settings};

use crate::{
    Cluster,
    connector::{self, SETTING, Told, drivers, elsewhere},
    kind,
};

/// The cluster of connections that name none.
const DEFAULT: &str = "default";

/// Clusters in this process, kept beside the local state: one for each server that a connection names.
#[derive(Clone)]
pub struct Simulated {
    settings: Settings,
    given: Option<Embedded>,
}

/// The embedded Kubernetes, to be plugged in beside the embedded cloud that has the clusters:
/// `App::cloud("simulated", infra_aws::simulated()).cloud("simulated", infra_kubernetes::simulated())`.
pub fn simulated() -> Simulated {
    Simulated { settings: Settings::default(), given: None }
}

/// This embedded cluster, whichever one a connection names; for tests that look at its calls and switch its faults.
pub fn simulated_in(cluster: Embedded) -> Simulated {
    Simulated { settings: Settings::default(), given: Some(cluster) }
}

impl Simulated {
    /// The cluster called `name` of a program's world: one per directory and process.
    fn cluster(&self, world: &World, name: &str) -> Result<Embedded> {
        static OPEN: Mutex<Option<HashMap<PathBuf, Embedded>>> = Mutex::new(None);
        if let Some(cluster) = &self.given {
            return Ok(cluster.clone());
        }
        let dir = home(world).join(name);
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let open = open.get_or_insert_default();
        if let Some(cluster) = open.get(&dir) {
            return Ok(cluster.clone());
        }
        let cluster = Embedded::open(&dir, &world.key()?, self.settings.clone()).map_err(|e| {
            let message =
                format!("the embedded Kubernetes in {} cannot be opened: {e}", dir.display());
            Error::new(Class::Invalid, message).because(e)
        })?;
        open.insert(dir, cluster.clone());
        Ok(cluster)
    }
}

fn home(world: &World) -> PathBuf {
    world.directory().join("kubernetes")
}

/// What a cluster is called here: by the address that its cloud gave it, which no other has.
fn name(cluster: &Cluster) -> String {
    let Some(server) = &cluster.server else { return DEFAULT.to_owned() };
    let host = server.split("://").last().unwrap_or_default();
    let plain =
        host.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    let name: String = plain.collect();
    name.trim_matches('-').to_owned()
}

/// The clusters of a world.
fn names(home: &Path) -> Vec<String> {
    let entries = fs::read_dir(home).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

#[async_trait]
impl Connector for Simulated {
    fn provider_kind(&self) -> &'static str {
        Cluster::KIND
    }

    fn drivers(&self) -> Vec<Arc<dyn Driver>> {
        drivers()
    }

    fn plugged(&self, name: &str) -> Vec<String> {
        vec![format!("cloud({name:?}, infra_kubernetes::simulated())")]
    }

    fn kind(&self, kind: &str) -> Option<&'static Arc<dyn Driver>> {
        kind::driver_of(kind)
    }

    fn default_provider(&self, context: &Context) -> Result<Value> {
        elsewhere(context)?;
        Ok(Cluster::default().to_value())
    }

    async fn connect(&self, config: &Value, context: &Context) -> Result<Connection> {
        if let Some(there) = elsewhere(context)? {
            return there.connect(context).await;
        }
        let config = Cluster::from_value(config)?;
        let cluster = self.cluster(&context.world, &name(&config))?;
        let server =
            config.server.unwrap_or_else(|| "https://kubernetes.simulated.invalid".to_owned());
        let client = kube::Client::new(Signed(cluster), "default");
        let told = if config.eks.is_some() { Told::Address } else { Told::Uid };
        connector::connected(client, &server, told, context).await
    }

    fn settings(&self) -> Vec<String> {
        vec![SETTING.to_owned()]
    }

    async fn serve(
        &self,
        listener: std::net::TcpListener,
        context: &Context,
        stop: tokio_util::sync::CancellationToken,
    ) -> Result<()> {
        let failed = |e: std::io::Error| {
            let message = format!("the embedded Kubernetes cannot be served: {e}");
            Error::new(Class::Invalid, message).because(e)
        };
        let found = names(&home(&context.world));
        let name = match &found[..] {
            [] => DEFAULT,
            [only] => only,
            several => {
                let message = format!(
                    "there are several embedded clusters here ({}): serve them from stacks with a state of their own \
                     (`--state file:DIR`)",
                    several.join(", ")
                );
                return Err(Error::invalid(message));
            }
        };
        let cluster = self.cluster(&context.world, name)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(failed)?;
        cluster.serve(listener, stop.cancelled_owned()).await.map_err(failed)
    }

    fn notice(&self, context: &Context) -> Option<String> {
        // Somewhere else is nobody's simulation, as far as is known here.
        matches!(elsewhere(context), Ok(None))
            .then(|| "simulated: nothing real is touched".to_owned())
    }

    fn listens(&self) -> &'static str {
        "kubernetes"
    }
}

/// Calls with credentials, as every real client has them.
#[derive(Clone)]
struct Signed(Embedded);

impl<B> tower::Service<http::Request<B>> for Signed
where
    Embedded: tower::Service<http::Request<B>>,
{
    type Response = <Embedded as tower::Service<http::Request<B>>>::Response;
    type Error = <Embedded as tower::Service<http::Request<B>>>::Error;
    type Future = <Embedded as tower::Service<http::Request<B>>>::Future;

    fn poll_ready(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<B>) -> Self::Future {
        let token = http::HeaderValue::from_static("Bearer simulated");
        request.headers_mut().insert(http::header::AUTHORIZATION, token);
        self.0.call(request)
    }
}
