//! The cluster as the service behind `kube::Client`.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt as _;

use crate::api::Request;
use crate::body::Body;
use crate::cluster::Kubernetes;

/// An answer that is on its way.
type Answer = Pin<Box<dyn Future<Output = std::io::Result<http::Response<Body>>> + Send>>;

impl<B> tower::Service<http::Request<B>> for Kubernetes
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = http::Response<Body>;
    type Error = std::io::Error;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let core = Arc::clone(&self.core);
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map_err(|error| std::io::Error::other(error.into()))?;
            let request = Request::read(&parts, body.to_bytes());
            // A request that is sent arrives: it is carried out even if nobody waits any more.
            let answered = tokio::task::spawn_blocking(move || core.answer(&request));
            answered.await.map_err(std::io::Error::other)?
        })
    }
}
