//! Embedded clouds for other programs.

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
};

use futures_util::future::try_join_all;
use tokio_util::sync::CancellationToken;

use crate::{Engine, Error, ErrorKind, Result, provider::Planted};

/// Serves the stack's embedded clouds over HTTP until the engine is asked to stop. `listen` says where, each with the
/// option it was given by ([`Connector::listens`](crate::provider::Connector::listens)). `serving` is called once for each,
/// with the address (its port, if 0 was asked for, is the one that was free) and the variables by which others find it.
pub async fn simulate(
    engine: &Engine,
    listen: &[(&str, &str)],
    mut serving: impl FnMut(SocketAddr, Vec<(String, String)>),
) -> Result<()> {
    let mut served = Vec::new();
    let stop = CancellationToken::new();
    for (option, address) in listen {
        let mut embedded = engine.connectors.values().filter(|connector| {
            connector.listens() == *option && connector.notice(&engine.context).is_some()
        });
        let connector = embedded.next().ok_or_else(|| {
            let message = format!(
                "the cloud `{}` has no embedded one that `--{option}` could serve; say `--cloud simulated`",
                engine.cloud
            );
            Error::new(ErrorKind::Usage, message)
        })?;
        let failed = |e: std::io::Error| {
            let message = format!(
                "cannot listen on {address}: {e}; write it like `--{option} 127.0.0.1:4566`"
            );
            Error::new(ErrorKind::Usage, message).because(e)
        };
        let listener = TcpListener::bind(address).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        serving(address, connector.environment(address));
        served.push(connector.serve(listener, &engine.context, stop.clone()));
    }
    let served = try_join_all(served);
    tokio::pin!(served);
    let result = tokio::select! {
        result = &mut served => result,
        () = engine.cancel.stopped() => {
            stop.cancel();
            served.await
        }
    };
    result.map(drop).map_err(|e| Error::new(ErrorKind::Failed, e.to_string()).because(e))
}

/// Makes the stack's embedded cloud hold what a Terraform state (a file of version 4) says, with the same ids.
pub async fn plant(engine: &Engine, file: &Path) -> Result<Planted> {
    let usage = |message: String| Error::new(ErrorKind::Usage, message);
    let text = tokio::fs::read_to_string(file)
        .await
        .map_err(|e| usage(format!("{} cannot be read: {e}", file.display())).because(e))?;
    let state = serde_json::from_str(&text).map_err(|e| {
        let message = format!("{} is no Terraform state: {e}", file.display());
        usage(message).because(e)
    })?;
    let mut embedded = engine.connectors.values().filter(|connector| {
        connector.listens() == "listen" && connector.notice(&engine.context).is_some()
    });
    let connector = embedded.next().ok_or_else(|| {
        let cloud = &engine.cloud;
        usage(format!("the cloud `{cloud}` is no embedded one: say `--cloud simulated`"))
    })?;
    let planted = connector.plant(&state, &engine.context).await;
    planted.map_err(|e| usage(format!("{}: {e}", file.display())).because(e))
}
