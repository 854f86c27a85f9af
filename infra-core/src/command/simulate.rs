//! An embedded cloud for other programs.

use std::net::{SocketAddr, TcpListener};

use tokio_util::sync::CancellationToken;

use crate::{Engine, Error, ErrorKind, Result};

/// Serves the stack's embedded cloud over HTTP until the engine is asked to stop. `serving` is called once with the
/// address (its port, if 0 was asked for, is the one that was free) and the variables by which others find it.
pub async fn simulate(
    engine: &Engine,
    listen: &str,
    serving: impl FnOnce(SocketAddr, Vec<(String, String)>),
) -> Result<()> {
    let embedded = engine.connectors.values().find(|connector| connector.notice().is_some());
    let connector = embedded.ok_or_else(|| {
        let message =
            format!("the cloud `{}` is not an embedded one; say `--cloud simulated`", engine.cloud);
        Error::new(ErrorKind::Usage, message)
    })?;
    let failed = |e: std::io::Error| {
        let message = format!("cannot listen on {listen}: {e}; write it like `127.0.0.1:4566`");
        Error::new(ErrorKind::Usage, message).because(e)
    };
    let listener = TcpListener::bind(listen).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    serving(address, connector.environment(address));
    let stop = CancellationToken::new();
    let served = connector.serve(listener, &engine.context, stop.clone());
    tokio::pin!(served);
    let result = tokio::select! {
        result = &mut served => result,
        () = engine.cancel.stopped() => {
            stop.cancel();
            served.await
        }
    };
    result.map_err(|e| Error::new(ErrorKind::Failed, e.to_string()).because(e))
}
