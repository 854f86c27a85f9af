//! The command `kubeconfig-token`: what `kubectl` runs to learn who asks.

use std::{fmt, future::Future, io::Write, path::PathBuf, pin::Pin, sync::Arc};

use async_trait::async_trait;
use clap::{Arg, ArgMatches, Command};
use infra_core::{
    Engine, Error, ErrorKind, Result, Sensitive, app::Custom, command::outputs, config::Source,
    provider::Context,
};
use infra_kubernetes::{Cluster, eks::Minter, kubeconfig::credential};
use jiff::Timestamp;

use super::command::text;

/// The token of the embedded Kubernetes.
pub(super) const SIMULATED: &str = "simulated";

/// The command's name.
const NAME: &str = "kubeconfig-token";

/// A token for a cluster's API.
#[derive(Clone, Debug)]
pub struct Token {
    /// The token.
    pub token: Sensitive<String>,
    /// Until when it is good.
    pub expires: Timestamp,
}

type Minting = Pin<Box<dyn Future<Output = Result<Token>> + Send>>;

/// The command `kubeconfig-token`. See the [module](super).
#[derive(Clone)]
pub struct KubeconfigToken(Arc<Mint>);

type Mint = dyn Fn(String, String, Context) -> Minting + Send + Sync;

impl KubeconfigToken {
    /// Tokens for clusters of EKS, from the AWS credentials of the process and the stack's settings.
    pub fn eks() -> Self {
        Self::new(|name, region, context| async move {
            let cluster = Cluster { region: Some(region), ..Cluster::default() };
            let minted = async { Minter::new(&name, &cluster, &context).await?.token().await };
            let minted = minted.await.map_err(|e| Error::new(ErrorKind::Failed, e.to_string()))?;
            let expires = Timestamp::try_from(minted.expires)
                .map_err(|e| Error::new(ErrorKind::Failed, e.to_string()))?;
            Ok(Token { token: minted.value, expires })
        })
    }

    /// `mint` makes a token for the cluster and the region that it is given, with the stack's settings.
    pub fn new<F, Fut>(mint: F) -> Self
    where
        F: Fn(String, String, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Token>> + Send + 'static,
    {
        Self(Arc::new(move |cluster, region, context| Box::pin(mint(cluster, region, context))))
    }
}

impl fmt::Debug for KubeconfigToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KubeconfigToken")
    }
}

#[async_trait]
impl Custom for KubeconfigToken {
    fn command(&self) -> Command {
        Command::new(NAME)
            .about("Print a token for the cluster's API: for kubectl, which runs this by itself")
            .arg(
                Arg::new("cluster")
                    .long("cluster")
                    .value_name("NAME")
                    .help("The cluster; without it the stack's output `cluster`"),
            )
            .arg(
                Arg::new("region")
                    .long("region")
                    .value_name("REGION")
                    .help("Its region; without it the stack's output `region`"),
            )
    }

    async fn run(
        &self,
        engine: &Engine,
        arguments: &ArgMatches,
        out: &mut (dyn Write + Send),
    ) -> Result<()> {
        let printed = if engine.is_simulated() {
            credential(&Sensitive::new(SIMULATED.to_owned()), None)
        } else {
            let cluster = named(engine, arguments, "cluster").await?;
            let region = named(engine, arguments, "region").await?;
            let minted = (self.0)(cluster, region, engine.context.clone()).await?;
            credential(&minted.token, Some(minted.expires))
        };
        writeln!(out, "{printed}").and_then(|()| out.flush()).map_err(|e| {
            Error::new(ErrorKind::Failed, format!("cannot write the token: {e}")).because(e)
        })
    }
}

/// What is said, or else what the stack has: with both said no state is read, and `kubectl` waits less.
async fn named(engine: &Engine, arguments: &ArgMatches, name: &str) -> Result<String> {
    if let Some(said) = arguments.get_one::<String>(name) {
        return Ok(said.clone());
    }
    let outputs = outputs(engine).await?;
    let text = outputs.get(name).and_then(|value| value.as_str());
    text.map(ToOwned::to_owned).ok_or_else(|| {
        let message = format!("the stack has no output `{name}`; say --{name}");
        Error::new(ErrorKind::Usage, message)
    })
}

/// The arguments with which `kubectl`, wherever it is started, asks for a token of this cluster.
pub(super) fn arguments(
    engine: &Engine,
    said: &ArgMatches,
    cluster: &str,
    region: &str,
) -> Result<Vec<String>> {
    let stack = engine.state.name().stack.clone();
    let mut all = vec![NAME.to_owned(), "--stack".to_owned(), stack];
    // Said, so that no missing file can make it another one.
    let cloud = (!engine.connectors.is_empty()).then_some(("--cloud", engine.cloud.as_str()));
    let about = [("--cluster", cluster), ("--region", region)];
    for (name, value) in cloud.into_iter().chain(about) {
        all.extend([name.to_owned(), value.to_owned()]);
    }
    // `kubectl` is started anywhere: the settings (a role to assume, a profile) are those that are found from here, and
    // the state is where it was said to be.
    let from = std::env::current_dir().map_err(|e| {
        Error::new(ErrorKind::Usage, format!("there is no current directory: {e}")).because(e)
    })?;
    let source = Source {
        program: engine.state.name().program.clone(),
        file: said.try_get_one::<PathBuf>("config").ok().flatten().cloned(),
        from,
        beside: None,
    };
    if let Some(config) = source.find() {
        all.extend(["--config".to_owned(), text(&config)?]);
    }
    if let Ok(Some(_)) = said.try_get_one::<String>("state") {
        all.extend(["--state".to_owned(), engine.state.url()]);
    }
    Ok(all)
}
