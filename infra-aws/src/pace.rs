//! What stands between the SDK and the wire: the gate and the rate budget, asked before every attempt, and the count of
//! what goes out.
//!
//! **Invariant:** the SDK never sends a changing call twice.
//!
//! Interceptors of the SDK cannot wait, so the waiting is in a layer around the HTTP client. Waiting there does not
//! count against the connection's timeouts, which are the inner client's.

use std::{fmt, sync::Arc};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
            SharedHttpClient, SharedHttpConnector,
        },
        interceptors::{
            Intercept,
            context::{BeforeTransmitInterceptorContextMut, FinalizerInterceptorContextRef},
        },
        orchestrator::{HttpRequest, Metadata},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::{config_bag::ConfigBag, retry::RetryConfig};
use infra_core::provider::{Calls, Gate};

use crate::budget::Budget;

/// What the names of operations that change nothing begin with.
const READING: [&str; 9] =
    ["Describe", "Get", "List", "Head", "BatchGet", "Lookup", "Search", "Simulate", "AssumeRole"];

/// Whether the operation may change something.
fn is_mutating(operation: &str) -> bool {
    !READING.iter().any(|reading| operation.starts_with(reading))
}

/// Whether the operation that is under way may change something.
fn changes(config: &ConfigBag) -> bool {
    config.load::<Metadata>().is_none_or(|metadata| is_mutating(metadata.name()))
}

/// Says with the request whether it may change something; not there counts as changing.
#[derive(Clone, Copy, Debug)]
struct Mutating(bool);

/// Notes what a request is, and tells the budget what came of it.
#[derive(Debug)]
pub(crate) struct Watch(pub(crate) Arc<Budget>);

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "infra-aws"
    }

    /// The SDK repeats no call that may change something: where the first reply was lost, a repeated create makes a
    /// second object. The engine looks for the first one before it tries again.
    fn modify_before_retry_loop(
        &self,
        _: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if changes(config) {
            config.interceptor_state().store_put(RetryConfig::disabled());
        }
        Ok(())
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mutating =
            config.load::<Metadata>().is_none_or(|metadata| is_mutating(metadata.name()));
        context.request_mut().add_extension(Mutating(mutating));
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let failed = matches!(context.output_or_error(), Some(Err(_)));
        if let Some(response) = context.response().filter(|_| failed) {
            let body = response.body().bytes().unwrap_or_default();
            if is_throttle(response.status().as_u16(), body) {
                self.0.throttled();
            }
        }
        Ok(())
    }
}

/// Whether an error reply says that calls come too fast. The error's code is in the body in every protocol; its type
/// is not known here.
fn is_throttle(status: u16, body: &[u8]) -> bool {
    const CODES: [&str; 6] = [
        "Throttl",
        "RequestLimitExceeded",
        "TooManyRequests",
        "SlowDown",
        "RequestThrottled",
        "BandwidthLimitExceeded",
    ];
    let body = String::from_utf8_lossy(body);
    status == 429 || (status >= 400 && CODES.iter().any(|code| body.contains(code)))
}

/// An HTTP client that asks the budget and the gate before each request, and counts it.
#[derive(Clone)]
pub(crate) struct Paced {
    pub(crate) inner: SharedHttpClient,
    pub(crate) budget: Arc<Budget>,
    pub(crate) gate: Gate,
    pub(crate) service: &'static str,
    pub(crate) calls: Calls,
}

impl fmt::Debug for Paced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Paced")
    }
}

impl HttpClient for Paced {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(PacedConnector { inner, by: self.clone() })
    }
}

struct PacedConnector {
    inner: SharedHttpConnector,
    by: Paced,
}

impl fmt::Debug for PacedConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PacedConnector")
    }
}

impl HttpConnector for PacedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, by) = (self.inner.clone(), self.by.clone());
        HttpConnectorFuture::new(async move {
            by.budget.take().await;
            // After the waiting, because the lease may be lost in it. A `user` error is not tried again.
            if request.extension::<Mutating>().is_none_or(|m| m.0) {
                by.gate.check().map_err(|fenced| ConnectorError::user(fenced.into()))?;
            }
            by.calls.count(by.service);
            inner.call(request).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_something() {
        for name in ["CreateVpc", "PutObject", "RegisterTargets", "DeleteObjects"] {
            assert!(is_mutating(name), "{name}");
        }
        for name in
            ["DescribeVpcs", "GetCallerIdentity", "ListTags", "HeadBucket", "BatchGetSecretValue"]
        {
            assert!(!is_mutating(name), "{name}");
        }
    }

    #[test]
    fn throttles_are_recognised_in_every_protocol() {
        assert!(is_throttle(503, b"<Response><Errors><Error><Code>RequestLimitExceeded</Code>"));
        assert!(is_throttle(400, br#"{"__type":"ThrottlingException"}"#));
        assert!(is_throttle(429, b""));
        assert!(!is_throttle(400, b"<Code>InvalidVpcID.NotFound</Code>"));
        assert!(!is_throttle(500, b"InternalError"));
    }
}
