//! The cloud on a socket, for the aws CLI and SDKs in other processes.

use std::future::Future;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::Cloud;

impl Cloud {
    /// Answers HTTP/1 on `listener` until `stop` is done; calls under way are finished.
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
            let cloud = self.clone();
            let closing = closing.clone();
            connections.spawn(async move {
                let service = service_fn(move |request| {
                    let cloud = cloud.clone();
                    async move { cloud.served(request).await }
                });
                let mut connection = std::pin::pin!(
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service)
                );
                let ended = tokio::select! {
                    ended = connection.as_mut() => ended,
                    () = closing.cancelled() => {
                        connection.as_mut().graceful_shutdown();
                        connection.await
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

    /// A lost reply is a closed connection: the error makes hyper drop it.
    async fn served(
        &self,
        request: http::Request<Incoming>,
    ) -> Result<http::Response<Full<Bytes>>, std::io::Error> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
        let head = parts.method == http::Method::HEAD;
        let reply = self.exchange(http::Request::from_parts(parts, body)).await?;
        Ok(reply.map(|body| Full::new(if head { Bytes::new() } else { body })))
    }
}
