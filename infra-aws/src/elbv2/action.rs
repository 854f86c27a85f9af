//! What a listener does with what it takes.

use aws_sdk_elasticloadbalancingv2::types::{
    self as sdk, ActionTypeEnum, FixedResponseActionConfig, ForwardActionConfig,
    RedirectActionConfig, RedirectActionStatusCodeEnum, TargetGroupTuple,
};
use infra_core::{
    Value,
    provider::{Error, Result},
};

use crate::types::{TargetGroupArn, spelled};

/// What a listener does with a connection or a request.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Forwards to a target group.
    Forward(TargetGroupArn),
    /// Forwards to several target groups by weight (application load balancers).
    Weighted(Vec<WeightedTarget>),
    /// Redirects the client (application load balancers).
    Redirect(Redirect),
    /// Answers by itself (application load balancers).
    FixedResponse(FixedResponse),
}

/// A target group's share.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub struct WeightedTarget {
    /// The target group.
    pub target_group: TargetGroupArn,
    /// Its weight among the others, 0 to 999.
    pub weight: i32,
}

/// Where a client is sent. What is left out stays as it was in the request.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// For good or for now.
    #[field(default = RedirectStatus::Permanent)]
    pub status: RedirectStatus,
    /// `HTTPS`.
    #[field(default = "#{protocol}")]
    pub protocol: String,
    /// The host.
    #[field(default = "#{host}")]
    pub host: String,
    /// The port.
    #[field(default = "#{port}")]
    pub port: String,
    /// The path, with the leading slash.
    #[field(default = "/#{path}")]
    pub path: String,
    /// The query, without the question mark.
    #[field(default = "#{query}")]
    pub query: String,
}

/// Whether a client may remember a redirect.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectStatus {
    /// 301.
    #[value(rename = "HTTP_301")]
    Permanent,
    /// 302.
    #[value(rename = "HTTP_302")]
    Temporary,
}

/// An answer of the load balancer's own.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub struct FixedResponse {
    /// The HTTP code, `404`.
    pub status: String,
    /// Its content type.
    #[field(default = "text/plain")]
    pub content_type: String,
    /// Its body.
    pub body: Option<String>,
}

impl Action {
    pub(super) fn to_sdk(&self) -> sdk::Action {
        let action = sdk::Action::builder();
        let action = match self {
            Self::Forward(arn) => {
                action.r#type(ActionTypeEnum::Forward).target_group_arn(arn.as_str())
            }
            Self::Weighted(targets) => {
                let group = |target: &WeightedTarget| {
                    let arn = target.target_group.as_str();
                    TargetGroupTuple::builder().target_group_arn(arn).weight(target.weight).build()
                };
                let groups = targets.iter().map(group).collect();
                let config = ForwardActionConfig::builder().set_target_groups(Some(groups)).build();
                action.r#type(ActionTypeEnum::Forward).forward_config(config)
            }
            Self::Redirect(redirect) => {
                let status = RedirectActionStatusCodeEnum::from(redirect.status.as_str());
                let config = RedirectActionConfig::builder().status_code(status);
                let config = config.protocol(&redirect.protocol).host(&redirect.host);
                let config =
                    config.port(&redirect.port).path(&redirect.path).query(&redirect.query);
                action.r#type(ActionTypeEnum::Redirect).redirect_config(config.build())
            }
            Self::FixedResponse(response) => {
                let config = FixedResponseActionConfig::builder().status_code(&response.status);
                let config = config.content_type(&response.content_type);
                let config = config.set_message_body(response.body.clone());
                action.r#type(ActionTypeEnum::FixedResponse).fixed_response_config(config.build())
            }
        };
        action.build()
    }

    pub(super) fn of(action: &sdk::Action) -> Result<Self> {
        let text = |text: Option<&str>, default: &str| text.unwrap_or(default).to_owned();
        if let Some(config) = action.redirect_config() {
            let status = config.status_code().map_or("HTTP_301", |s| s.as_str());
            return Ok(Self::Redirect(Redirect {
                status: spelled(status)?,
                protocol: text(config.protocol(), "#{protocol}"),
                host: text(config.host(), "#{host}"),
                port: text(config.port(), "#{port}"),
                path: text(config.path(), "/#{path}"),
                query: text(config.query(), "#{query}"),
            }));
        }
        if let Some(config) = action.fixed_response_config() {
            return Ok(Self::FixedResponse(FixedResponse {
                status: text(config.status_code(), ""),
                content_type: text(config.content_type(), "text/plain"),
                body: config.message_body().filter(|body| !body.is_empty()).map(str::to_owned),
            }));
        }
        // AWS answers a plain forward with both the ARN and a forward configuration of one group.
        let groups = action.forward_config().map_or(&[][..], ForwardActionConfig::target_groups);
        if let (Some(arn), 0..=1) = (action.target_group_arn(), groups.len()) {
            return Ok(Self::Forward(TargetGroupArn::trusted(arn)));
        }
        if groups.is_empty() {
            let kind = action.r#type().map_or("none", |t| t.as_str());
            return Err(Error::invalid(format!("an action of type {kind} is not supported")));
        }
        let target = |group: &TargetGroupTuple| WeightedTarget {
            target_group: TargetGroupArn::trusted(group.target_group_arn().unwrap_or_default()),
            weight: group.weight().unwrap_or(1),
        };
        Ok(Self::Weighted(groups.iter().map(target).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_come_back_as_they_went() {
        let arn = |n: u8| {
            TargetGroupArn::trusted(format!("arn:aws:elasticloadbalancing:r:1:targetgroup/t/{n}"))
        };
        let weighted = |n| WeightedTarget { target_group: arn(n), weight: n.into() };
        let redirect = Redirect {
            status: RedirectStatus::Temporary,
            protocol: "HTTPS".to_owned(),
            host: "#{host}".to_owned(),
            port: "443".to_owned(),
            path: "/#{path}".to_owned(),
            query: "#{query}".to_owned(),
        };
        let response = FixedResponse {
            status: "404".to_owned(),
            content_type: "text/plain".to_owned(),
            body: None,
        };
        for action in [
            Action::Forward(arn(1)),
            Action::Weighted(vec![weighted(1), weighted(2)]),
            Action::Redirect(redirect),
            Action::FixedResponse(response),
        ] {
            assert_eq!(Action::of(&action.to_sdk()).unwrap(), action);
        }
    }
}
