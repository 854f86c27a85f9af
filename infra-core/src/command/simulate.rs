//! Embedded clouds for other programs.

use std::net::{SocketAddr, TcpListener};

use futures_util::future::try_join_all;
use tokio_util::sync::CancellationToken;

use crate::{Engine, Error, ErrorKind, Result};

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
