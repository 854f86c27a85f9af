//! Connections to real clusters.

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use infra_core::{
    Data as _, Resource as _,
    provider::{
        Calls, Class, Connection, Connector, Context, Driver, Error, Result, provider_driver,
    },
    state::{ProviderIdentity, Value},
};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};

use crate::{Cluster, Kubernetes, kind};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long the API may take to answer. Together they are less than the half of a lease in which its holder starts nothing
/// any more, so whoever takes over by the clock finds no call under way.
const ANSWER: Duration = Duration::from_secs(20);

/// How often a cluster is asked who it is, and how long after the first time.
const ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Real clusters.
#[derive(Clone, Copy, Debug)]
pub struct KubernetesConnector;

/// Real clusters, to be plugged in beside the cloud that has them: `App::cloud("aws", infra_aws::aws()).cloud("aws",
/// infra_kubernetes::kubernetes())`.
pub fn kubernetes() -> KubernetesConnector {
    KubernetesConnector
}

#[async_trait]
impl Connector for KubernetesConnector {
    fn provider_kind(&self) -> &'static str {
        Cluster::KIND
    }

    fn drivers(&self) -> Vec<Arc<dyn Driver>> {
        drivers()
    }

    fn plugged(&self, name: &str) -> Vec<String> {
        vec![format!("cloud({name:?}, infra_kubernetes::kubernetes())")]
    }

    fn kind(&self, kind: &str) -> Option<&'static Arc<dyn Driver>> {
        kind::driver_of(kind)
    }

    fn default_provider(&self, context: &Context) -> Result<Value> {
        elsewhere(context)?;
        Ok(Cluster::default().to_value())
    }

    async fn connect(&self, config: &Value, context: &Context) -> Result<Connection> {
        match elsewhere(context)? {
            Some(there) => there.connect(context).await,
            None => Box::pin(connect(&Cluster::from_value(config)?, context)).await,
        }
    }

    fn settings(&self) -> Vec<String> {
        vec![SETTING.to_owned()]
    }
}

/// The kinds that every cluster has and a program may have stopped to mention are known when they are met: there is nothing
/// to list but the connection.
pub(crate) fn drivers() -> Vec<Arc<dyn Driver>> {
    vec![provider_driver::<Cluster>()]
}

/// The key of a stack's settings.
pub(crate) const SETTING: &str = "kubernetes";

/// Where the stack's settings point all connections.
pub(crate) struct Elsewhere {
    kubeconfig: Option<PathBuf>,
    context: Option<String>,
}

/// What `[stack.X]` says of `kubernetes`, if it says something.
pub(crate) fn elsewhere(context: &Context) -> Result<Option<Elsewhere>> {
    let Some(setting) = context.settings.get(SETTING) else { return Ok(None) };
    let name = &context.stack.stack;
    let wrong =
        |what: String| Err(Error::invalid(format!("`{SETTING}` under `[stack.{name}]`: {what}")));
    let Some(map) = setting.as_map() else {
        return wrong(
            "expected `kubernetes.kubeconfig = \"PATH\"` and, if wanted, `kubernetes.context = \"NAME\"`".to_owned(),
        );
    };
    let mut found = Elsewhere { kubeconfig: None, context: None };
    for (key, value) in map {
        let Some(text) = value.as_str() else {
            return wrong(format!("`{key}`: expected text, found {}", value.describe()));
        };
        match &**key {
            "kubeconfig" => found.kubeconfig = Some(context.directory.join(text)),
            "context" => found.context = Some(text.to_owned()),
            other => {
                return wrong(format!("expected `kubeconfig` or `context`, found `{other}`"));
            }
        }
    }
    Ok(Some(found))
}

impl Elsewhere {
    /// Connects there.
    pub(crate) async fn connect(&self, context: &Context) -> Result<Connection> {
        let file = self.kubeconfig.clone();
        let config = from_file(file, self.context.clone()).await?;
        let client = Client::try_from(timed(config.clone())).map_err(|e| refused(&e))?;
        connected(client, &config.cluster_url.to_string(), Told::Uid, context).await
    }
}

async fn from_file(file: Option<PathBuf>, context: Option<String>) -> Result<Config> {
    let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
    let read = match &file {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    let called =
        file.map_or_else(|| "the kubeconfig".to_owned(), |path| path.display().to_string());
    let failed = |e: &dyn std::fmt::Display| Error::invalid(format!("{called}: {e}"));
    let read = read.map_err(|e| failed(&e))?;
    Config::from_custom_kubeconfig(read, &options).await.map_err(|e| failed(&e))
}

async fn connect(cluster: &Cluster, context: &Context) -> Result<Connection> {
    let Some(server) = &cluster.server else {
        let config = if cluster.kubeconfig.is_some() || cluster.context.is_some() {
            let file = cluster.kubeconfig.as_ref().map(|path| context.directory.join(path));
            from_file(file, cluster.context.clone()).await?
        } else {
            Config::infer().await.map_err(|e| {
                Error::invalid(format!(
                    "no cluster: neither a kubeconfig nor a pod's account was found ({e}). Declare one with \
                     `stack.provider(\"cluster\", Cluster::eks(…))`, or set KUBECONFIG"
                ))
            })?
        };
        let client = Client::try_from(timed(config.clone())).map_err(|e| refused(&e))?;
        return connected(client, &config.cluster_url.to_string(), Told::Uid, context).await;
    };
    let url = server.parse::<http::Uri>().map_err(|e| {
        Error::invalid(format!("the server {server:?}: expected an address like `https://…`: {e}"))
    })?;
    let mut config = Config::new(url);
    if let Some(authority) = &cluster.certificate_authority {
        config.root_cert = Some(certificates(authority)?);
    }
    if let Some(token) = &cluster.token {
        config.auth_info.token = Some(token.reveal().clone().into());
    }
    let client = match &cluster.eks {
        Some(name) => Box::pin(with_eks(timed(config), name, cluster, context)).await?,
        None => Client::try_from(timed(config)).map_err(|e| refused(&e))?,
    };
    let told = if cluster.eks.is_some() { Told::Address } else { Told::Uid };
    connected(client, server, told, context).await
}

#[cfg(feature = "eks")]
async fn with_eks(
    config: Config,
    name: &str,
    cluster: &Cluster,
    context: &Context,
) -> Result<Client> {
    let minter = crate::eks::Minter::new(name, cluster, context).await?;
    crate::eks::client(config, minter).map_err(|e| refused(&e))
}

#[cfg(not(feature = "eks"))]
#[expect(clippy::unused_async, reason = "it is, with the feature")]
async fn with_eks(_: Config, name: &str, _: &Cluster, _: &Context) -> Result<Client> {
    Err(Error::invalid(format!(
        "the cluster `{name}` is one of EKS: credentials for it need the feature `eks` of infra-kubernetes"
    )))
}

fn timed(mut config: Config) -> Config {
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(ANSWER);
    config.write_timeout = Some(ANSWER);
    config.reset_reader_on_write = true;
    // The engine tries again itself, and knows what for.
    config.default_retry = false;
    config
}

/// Which cluster a connection goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// By its address, which its cloud gives to no other.
    Address,
    /// By the `uid` of `kube-system`; by its address for who may not read that.
    Uid,
}

/// The connection, with the answer to which cluster it is.
pub(crate) async fn connected(
    client: Client,
    server: &str,
    told: Told,
    context: &Context,
) -> Result<Connection> {
    let calls = Calls::default();
    let kubernetes = Kubernetes::new(client, context.gate.clone(), calls.clone());
    let mut system = kubernetes.get("/api/v1/namespaces", "kube-system").await;
    let mut pause = FIRST_PAUSE;
    // A control plane that was made just now, or is being upgraded, is away for a moment; and one that was told of a new
    // principal a moment ago does not know it yet.
    for _ in 1..ATTEMPTS {
        if !system.as_ref().is_err_and(|error| error.class().is_retryable() || is_unknown(error)) {
            break;
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
        system = kubernetes.get("/api/v1/namespaces", "kube-system").await;
    }
    let mut identity = ProviderIdentity::new();
    identity.insert("cloud".to_owned(), "kubernetes".to_owned());
    let uid = match system {
        Err(error) if is_unknown(&error) => {
            let message = format!(
                "the cluster at {server} does not know these credentials ({error}): of EKS, is there an access entry for \
                 whom they are?"
            );
            return Err(Error::new(Class::Denied, message));
        }
        Err(error) if error.class() != Class::Denied => return Err(error),
        Ok(Some(system)) if told == Told::Uid => {
            system["metadata"]["uid"].as_str().map(str::to_owned)
        }
        _ => None,
    };
    match uid {
        Some(uid) => identity.insert("cluster".to_owned(), uid),
        None => identity.insert("server".to_owned(), server.trim_end_matches('/').to_owned()),
    };
    Ok(Connection::new(identity, kubernetes).counted(calls))
}

/// Whether the cluster does not know who asks.
fn is_unknown(error: &Error) -> bool {
    error.class() == Class::Denied && error.to_string().contains("nauthorized")
}

/// The certificates in a PEM text in base64.
fn certificates(authority: &str) -> Result<Vec<Vec<u8>>> {
    let wrong = || {
        Error::invalid(
            "the certificate authority of the cluster: expected PEM in base64, as EKS gives it",
        )
    };
    let text = STANDARD.decode(authority.trim()).map_err(|_| wrong())?;
    let text = String::from_utf8(text).map_err(|_| wrong())?;
    let mut found = Vec::new();
    for block in text.split("-----BEGIN CERTIFICATE-----").skip(1) {
        let body = block.split("-----END CERTIFICATE-----").next().unwrap_or_default();
        let body: String = body.split_whitespace().collect();
        found.push(STANDARD.decode(body).map_err(|_| wrong())?);
    }
    if found.is_empty() { Err(wrong()) } else { Ok(found) }
}

fn refused(error: &kube::Error) -> Error {
    Error::invalid(format!("a client for the cluster cannot be made: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_read_as_eks_gives_them() {
        let pem = |body: &str| {
            format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
        };
        let two = STANDARD.encode(format!("{}{}", pem("YWJj"), pem("ZGVm")));
        assert_eq!(certificates(&two).unwrap(), [b"abc".to_vec(), b"def".to_vec()]);
        for bad in ["", "%%", "YWJj"] {
            assert!(certificates(bad).unwrap_err().to_string().contains("PEM in base64"));
        }
    }
}
