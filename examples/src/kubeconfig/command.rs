//! The command `kubeconfig`.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use clap::{Arg, ArgAction, ArgMatches, Command, builder::PathBufValueParser};
use infra_core::{
    Engine, Error, ErrorKind, Result, Sensitive, app::Custom, command::outputs, event::Event,
};
use infra_kubernetes::kubeconfig::{Access, Login};

use super::{file, token};

/// The command `kubeconfig`. See the [module](super).
#[derive(Clone, Copy, Debug, Default)]
pub struct Kubeconfig;

#[async_trait]
impl Custom for Kubeconfig {
    fn command(&self) -> Command {
        Command::new("kubeconfig")
            .about("Print a kubeconfig for the stack's cluster, or merge it into a file")
            .after_help(
                "kubectl gets its tokens from this very program, where it lies now: after a `cargo clean` build it \
                 again, or say this again from where it stays.",
            )
            .arg(
                Arg::new("out")
                    .long("out")
                    .value_name("FILE")
                    .value_parser(PathBufValueParser::new())
                    .help("Merge it into this file, which keeps everything else it has; without it: print"),
            )
            .arg(Arg::new("server").long("server").value_name("URL").help(
                "Where the API is reached, if not at the cluster's endpoint: a forwarded port, or what `simulate \
                 --kubernetes` serves",
            ))
            .arg(Arg::new("name").long("name").value_name("NAME").help(
                "What cluster, user and context are called; without it as the cluster is",
            ))
            .arg(
                Arg::new("use")
                    .long("use")
                    .action(ArgAction::SetTrue)
                    .help("Make it the current context though the file has another"),
            )
    }

    async fn run(
        &self,
        engine: &Engine,
        arguments: &ArgMatches,
        out: &mut (dyn Write + Send),
    ) -> Result<()> {
        let access = access(engine, arguments).await?;
        if engine.is_simulated() && arguments.get_one::<String>("server").is_none() {
            engine.events.send(Event::Notice(format!(
                "{} answers inside this program only. `simulate --kubernetes 127.0.0.1:PORT` serves it; then say \
                 `kubeconfig --server http://127.0.0.1:PORT`",
                access.server
            )));
        }
        let Some(path) = arguments.get_one::<PathBuf>("out") else {
            let text = access.document()?;
            return out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|e| {
                Error::new(ErrorKind::Failed, format!("cannot write the kubeconfig: {e}"))
                    .because(e)
            });
        };
        let select = arguments.get_flag("use");
        file::change(path, |text| access.merged(text, select))?;
        let (path, name) = (path.display(), &access.name);
        let text = format!("{path} has the context {name}: `kubectl --context {name} get nodes`");
        engine.events.send(Event::Notice(text));
        Ok(())
    }
}

async fn access(engine: &Engine, arguments: &ArgMatches) -> Result<Access> {
    let outputs = outputs(engine).await?;
    let output = |name: &str| {
        outputs.get(name).and_then(|value| value.as_str()).map(ToOwned::to_owned).ok_or_else(|| {
            let message = format!(
                "the stack has no output `{name}`, so there is no cluster to reach; bring it up to date with `up`"
            );
            Error::new(ErrorKind::Usage, message)
        })
    };
    let cluster = output("cluster")?;
    let endpoint = output("cluster_endpoint")?;
    let named = |name: &str| arguments.get_one::<String>(name).cloned();
    let server = named("server").unwrap_or_else(|| endpoint.clone());
    let uri = checked(&server)?;
    let name = named("name").unwrap_or_else(|| cluster.clone());
    if engine.is_simulated() {
        let authority = (uri.scheme_str() == Some("https")).then(|| output("cluster_ca").ok());
        let login = Login::Token(Sensitive::new(token::SIMULATED.to_owned()));
        let authority = authority.flatten();
        return Ok(Access { name, server, authority, tls_server_name: None, login });
    }
    if uri.scheme_str() != Some("https") {
        let message = format!(
            "{server} has no TLS: a cluster's API speaks nothing else, and a token must not travel in clear"
        );
        return Err(Error::new(ErrorKind::Usage, message));
    }
    // Through a forwarded port the certificate must still name the cluster.
    let own: Option<String> = checked(&endpoint)?.host().map(ToOwned::to_owned);
    let tls_server_name = own.filter(|own| uri.host() != Some(own.as_str()));
    let region = output("region")?;
    let login = Login::Program {
        command: this_program()?,
        arguments: token::arguments(engine, arguments, &cluster, &region)?,
        environment: profile(),
    };
    Ok(Access { name, server, authority: Some(output("cluster_ca")?), tls_server_name, login })
}

fn checked(server: &str) -> Result<http::Uri> {
    let uri: Option<http::Uri> = server.parse().ok();
    let good = |uri: &http::Uri| {
        uri.host().is_some() && uri.scheme_str().is_some_and(|of| ["http", "https"].contains(&of))
    };
    uri.filter(good).ok_or_else(|| {
        let message = format!("`{server}` is not the URL of an API: expected one like https://…");
        Error::new(ErrorKind::Usage, message)
    })
}

fn this_program() -> Result<String> {
    let path = std::env::current_exe().map_err(|e| {
        let message = format!("cannot tell where this program lies, which kubectl must run: {e}");
        Error::new(ErrorKind::Failed, message).because(e)
    })?;
    text(&path)
}

/// A path as it can stand in a kubeconfig.
pub(super) fn text(path: &Path) -> Result<String> {
    path.to_str().map(ToOwned::to_owned).ok_or_else(|| {
        let message = format!("the path {} is not text, and cannot be in YAML", path.display());
        Error::new(ErrorKind::Usage, message)
    })
}

/// The profile that is meant now is meant when `kubectl` asks, too.
fn profile() -> Vec<(String, String)> {
    let profile = std::env::var("AWS_PROFILE").ok().filter(|profile| !profile.is_empty());
    profile.map(|profile| ("AWS_PROFILE".to_owned(), profile)).into_iter().collect()
}
