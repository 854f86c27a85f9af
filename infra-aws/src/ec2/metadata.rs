//! How an instance reaches its metadata, and with it its credentials.

use aws_sdk_ec2::types::{
    HttpTokensState, InstanceMetadataEndpointState, InstanceMetadataOptionsRequest,
    InstanceMetadataOptionsResponse, LaunchTemplateHttpTokensState,
    LaunchTemplateInstanceMetadataEndpointState, LaunchTemplateInstanceMetadataOptions,
    LaunchTemplateInstanceMetadataOptionsRequest,
};
use infra_core::Value;

/// How an instance reaches its metadata. What is left out is the safe choice: tokens required, one hop.
#[derive(Value, Clone, Debug, PartialEq)]
pub struct MetadataOptions {
    /// Whether a token is needed (`IMDSv2`).
    #[field(default = HttpTokens::Required)]
    pub http_tokens: HttpTokens,
    /// How many hops the token's reply may go, 1 to 64: with 1, pods do not reach the node's credentials.
    #[field(default = 1u16)]
    pub hop_limit: u16,
    /// Whether metadata can be reached at all.
    #[field(default = true)]
    pub enabled: bool,
}

/// Whether a token is needed.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpTokens {
    /// `IMDSv1` works too.
    Optional,
    /// `IMDSv2` only.
    Required,
}

impl Default for MetadataOptions {
    fn default() -> Self {
        Self { http_tokens: HttpTokens::Required, hop_limit: 1, enabled: true }
    }
}

impl MetadataOptions {
    /// What is wrong with it.
    pub(super) fn problem(&self) -> Option<String> {
        let limit = self.hop_limit;
        (!(1..=64).contains(&limit)).then(|| format!("expected 1 to 64 hops, found {limit}"))
    }

    pub(super) fn tokens(&self) -> HttpTokensState {
        match self.http_tokens {
            HttpTokens::Optional => HttpTokensState::Optional,
            HttpTokens::Required => HttpTokensState::Required,
        }
    }

    pub(super) fn endpoint(&self) -> InstanceMetadataEndpointState {
        if self.enabled {
            InstanceMetadataEndpointState::Enabled
        } else {
            InstanceMetadataEndpointState::Disabled
        }
    }

    pub(super) fn of_instance(&self) -> InstanceMetadataOptionsRequest {
        InstanceMetadataOptionsRequest::builder()
            .http_tokens(self.tokens())
            .http_put_response_hop_limit(self.hop_limit.into())
            .http_endpoint(self.endpoint())
            .build()
    }

    pub(super) fn of_template(&self) -> LaunchTemplateInstanceMetadataOptionsRequest {
        let tokens = match self.http_tokens {
            HttpTokens::Optional => LaunchTemplateHttpTokensState::Optional,
            HttpTokens::Required => LaunchTemplateHttpTokensState::Required,
        };
        let endpoint = if self.enabled {
            LaunchTemplateInstanceMetadataEndpointState::Enabled
        } else {
            LaunchTemplateInstanceMetadataEndpointState::Disabled
        };
        LaunchTemplateInstanceMetadataOptionsRequest::builder()
            .http_tokens(tokens)
            .http_put_response_hop_limit(self.hop_limit.into())
            .http_endpoint(endpoint)
            .build()
    }

    pub(super) fn from_instance(live: &InstanceMetadataOptionsResponse) -> Self {
        let tokens = live.http_tokens().map(HttpTokensState::as_str);
        let endpoint = live.http_endpoint().map(InstanceMetadataEndpointState::as_str);
        Self::read(tokens, live.http_put_response_hop_limit(), endpoint)
    }

    pub(super) fn from_template(live: &LaunchTemplateInstanceMetadataOptions) -> Self {
        let tokens = live.http_tokens().map(LaunchTemplateHttpTokensState::as_str);
        let endpoint =
            live.http_endpoint().map(LaunchTemplateInstanceMetadataEndpointState::as_str);
        Self::read(tokens, live.http_put_response_hop_limit(), endpoint)
    }

    fn read(tokens: Option<&str>, hops: Option<i32>, endpoint: Option<&str>) -> Self {
        let required = tokens == Some("required");
        Self {
            http_tokens: if required { HttpTokens::Required } else { HttpTokens::Optional },
            hop_limit: hops.and_then(|hops| u16::try_from(hops).ok()).unwrap_or(1),
            enabled: endpoint != Some("disabled"),
        }
    }
}
