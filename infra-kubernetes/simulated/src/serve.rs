//! The cluster on a socket, for kubectl and other processes.

use std::future::Future;

use http::header::{AUTHORIZATION, USER_AGENT};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower::Service as _;

use crate::api::refusal;
use crate::body::Body;
use crate::cluster::Kubernetes;
use crate::failure::Failure;

impl Kubernetes {
    /// Answers HTTP/1 on `listener` until `stop` is done; calls under way are finished, watches
    /// are ended. Every bearer token is accepted; without one the answer is 401, but for
    /// kubectl, which sends none without TLS.
    pub async fn serve(
        &self,
        listener: TcpListener,
        stop: impl Future<Output = ()>,
    ) -> std::io::Result<()> {
        let mut stop = std::pin::pin!(stop);
        let mut connections = JoinSet::new();
        let closing = tokio_util::sync::CancellationToken::new();
        loop {
            let (stream, _) = tokio::select! {
                accepted = listener.accept() => accepted?,
                () = &mut stop => break,
            };
            let (cluster, closing) = (self.clone(), closing.clone());
            connections.spawn(async move {
                let service = service_fn(move |request| served(cluster.clone(), request));
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                let mut connection = std::pin::pin!(connection);
                let ended = tokio::select! {
                    ended = connection.as_mut() => ended,
                    () = closing.cancelled() => {
                        connection.as_mut().graceful_shutdown();
                        let rest = tokio::time::timeout(std::time::Duration::from_secs(2), connection);
                        rest.await.unwrap_or(Ok(()))
                    }
                };
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended");
                }
            });
            while connections.try_join_next().is_some() {}
        }
        closing.cancel();
        while connections.join_next().await.is_some() {}
        Ok(())
    }
}

/// A lost reply is a closed connection: the error makes hyper drop it.
async fn served(
    mut cluster: Kubernetes,
    request: http::Request<Incoming>,
) -> std::io::Result<http::Response<Body>> {
    let token = request.headers().get(AUTHORIZATION).and_then(|it| it.to_str().ok());
    let agent = request.headers().get(USER_AGENT).and_then(|it| it.to_str().ok());
    // kubectl keeps its credentials to itself where there is no TLS.
    let kubectl = agent.is_some_and(|it| it.starts_with("kubectl"));
    if !kubectl && token.and_then(|it| it.strip_prefix("Bearer ")).is_none_or(str::is_empty) {
        return Ok(refusal(&Failure::new(401, "Unauthorized", "Unauthorized")));
    }
    cluster.call(request).await
}
