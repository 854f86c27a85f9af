//! The cloud as the HTTP client of the AWS SDK.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::BodyExt as _;

use super::Cloud;

impl HttpClient for Cloud {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        // There is no connecting that could take long: only the read timeout means something.
        SharedHttpConnector::new(Line { cloud: self.clone(), patience: settings.read_timeout() })
    }
}

/// One client's connection: the cloud, and how long an answer may take to begin.
///
/// Errors are those of the SDK's own client, because callers decide by them whether a call may
/// have taken effect: `io` for a connection that ends, `timeout` for an answer that does not come.
#[derive(Debug)]
struct Line {
    cloud: Cloud,
    patience: Option<Duration>,
}

impl HttpConnector for Line {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (cloud, patience) = (self.cloud.clone(), self.patience);
        HttpConnectorFuture::new(async move {
            let request =
                request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let (parts, body) = request.into_parts();
            let body = collect(body).await?;
            let answer = cloud.exchange(http::Request::from_parts(parts, body));
            let reply = match patience {
                Some(patience) => tokio::time::timeout(patience, answer)
                    .await
                    .map_err(|late| ConnectorError::timeout(late.into()))?,
                None => answer.await,
            };
            let reply = reply.map_err(|lost| ConnectorError::io(lost.into()))?;
            HttpResponse::try_from(reply.map(SdkBody::from))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

async fn collect(body: SdkBody) -> Result<Bytes, ConnectorError> {
    if let Some(bytes) = body.bytes() {
        return Ok(Bytes::copy_from_slice(bytes));
    }
    let body = body.collect().await.map_err(ConnectorError::io)?;
    Ok(body.to_bytes())
}
