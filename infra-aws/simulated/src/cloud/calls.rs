//! What was called.

use crate::wire::ApiCall;

/// One API call that reached the cloud in this process.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// `ec2`, `elbv2`, `cloudwatch`, …
    pub service: &'static str,
    /// `CreateVpc`.
    pub operation: String,
    /// Where it was sent.
    pub region: String,
    /// The account it ran in.
    pub account: String,
    /// Whether it could change anything.
    pub mutating: bool,
    /// The HTTP status of the reply; 0 when the connection failed.
    pub status: u16,
}

impl Call {
    pub(super) fn new(call: &ApiCall, status: u16) -> Self {
        Self {
            service: call.service.name(),
            operation: call.operation.clone(),
            region: call.region.clone(),
            account: call.account.clone(),
            mutating: call.is_mutating(),
            status,
        }
    }
}
