//! How a target group tells healthy targets from others.

use aws_sdk_elasticloadbalancingv2::types::{Matcher, ProtocolEnum, TargetGroup};
use infra_core::{Value, provider::Result};

use super::Protocol;
use crate::types::spelled;

/// How a target group tells healthy targets from others; what is left out AWS chooses by the group's protocol.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// What is asked with: TCP, HTTP or HTTPS.
    #[field(computed)]
    pub protocol: Option<Protocol>,
    /// The port, or `traffic-port` for the one that traffic goes to.
    #[field(computed)]
    pub port: Option<String>,
    /// The path of an HTTP check, `/ping`.
    #[field(computed)]
    pub path: Option<String>,
    /// The HTTP codes that are healthy, `200-299`.
    #[field(computed)]
    pub matcher: Option<String>,
    /// Seconds between two checks, 5 to 300.
    #[field(computed)]
    pub interval: Option<i32>,
    /// Seconds until a check has failed, 2 to 120.
    #[field(computed)]
    pub timeout: Option<i32>,
    /// Passed checks until a target is healthy, 2 to 10.
    #[field(computed)]
    pub healthy: Option<i32>,
    /// Failed checks until a target is unhealthy, 2 to 10.
    #[field(computed)]
    pub unhealthy: Option<i32>,
}

impl HealthCheck {
    pub(super) fn of(group: &TargetGroup) -> Result<Self> {
        Ok(Self {
            protocol: group.health_check_protocol().map(|p| spelled(p.as_str())).transpose()?,
            port: group.health_check_port().map(str::to_owned),
            path: group.health_check_path().map(str::to_owned),
            matcher: group.matcher().and_then(Matcher::http_code).map(str::to_owned),
            interval: group.health_check_interval_seconds(),
            timeout: group.health_check_timeout_seconds(),
            healthy: group.healthy_threshold_count(),
            unhealthy: group.unhealthy_threshold_count(),
        })
    }

    pub(super) fn sdk_protocol(&self) -> Option<ProtocolEnum> {
        self.protocol.map(|protocol| ProtocolEnum::from(protocol.as_str()))
    }

    pub(super) fn sdk_matcher(&self) -> Option<Matcher> {
        let codes = self.matcher.as_ref();
        codes.map(|codes| Matcher::builder().http_code(codes).build())
    }
}
