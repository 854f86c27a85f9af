//! The services by name and protocol.

use serde::{Deserialize, Serialize};

use crate::wire::ApiCall;

/// A service of AWS that this crate plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Service {
    Acm,
    Autoscaling,
    Cloudtrail,
    Cloudwatch,
    Dynamodb,
    Ec2,
    Ecr,
    Eks,
    Elbv2,
    Iam,
    Kms,
    Logs,
    Rds,
    Route53,
    S3,
    SecretsManager,
    Sns,
    Ssm,
    Sts,
    Tagging,
}

/// How a service speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Ec2,
    Query,
    Json,
    RestJson,
    RestXml,
    /// rpc-v2-cbor, with JSON and query still understood.
    Cbor,
}

impl Service {
    /// By the name in a `SigV4` scope or the first label of a host.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "acm" => Self::Acm,
            "autoscaling" => Self::Autoscaling,
            "cloudtrail" => Self::Cloudtrail,
            "monitoring" | "cloudwatch" => Self::Cloudwatch,
            "dynamodb" => Self::Dynamodb,
            "ec2" => Self::Ec2,
            "ecr" => Self::Ecr,
            "eks" => Self::Eks,
            "elasticloadbalancing" => Self::Elbv2,
            "iam" => Self::Iam,
            "kms" => Self::Kms,
            "logs" => Self::Logs,
            "rds" => Self::Rds,
            "route53" => Self::Route53,
            "s3" => Self::S3,
            "secretsmanager" => Self::SecretsManager,
            "sns" => Self::Sns,
            "ssm" => Self::Ssm,
            "sts" => Self::Sts,
            "tagging" => Self::Tagging,
            _ => return None,
        })
    }

    /// The name in a report of calls.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Acm => "acm",
            Self::Autoscaling => "autoscaling",
            Self::Cloudtrail => "cloudtrail",
            Self::Cloudwatch => "cloudwatch",
            Self::Dynamodb => "dynamodb",
            Self::Ec2 => "ec2",
            Self::Ecr => "ecr",
            Self::Eks => "eks",
            Self::Elbv2 => "elbv2",
            Self::Iam => "iam",
            Self::Kms => "kms",
            Self::Logs => "logs",
            Self::Rds => "rds",
            Self::Route53 => "route53",
            Self::S3 => "s3",
            Self::SecretsManager => "secretsmanager",
            Self::Sns => "sns",
            Self::Ssm => "ssm",
            Self::Sts => "sts",
            Self::Tagging => "tagging",
        }
    }

    /// The first label of the service's host, which is what its emulator looks at.
    pub(crate) const fn host(self) -> &'static str {
        match self {
            Self::Cloudwatch => "monitoring",
            Self::Elbv2 => "elasticloadbalancing",
            Self::Ecr => "api.ecr",
            other => other.name(),
        }
    }

    /// One world an account, not one a region.
    pub(crate) const fn is_global(self) -> bool {
        matches!(self, Self::Iam | Self::Route53 | Self::Sts | Self::S3)
    }

    pub(crate) const fn protocol(self) -> Protocol {
        match self {
            Self::Ec2 => Protocol::Ec2,
            Self::Autoscaling | Self::Elbv2 | Self::Iam | Self::Rds | Self::Sns | Self::Sts => {
                Protocol::Query
            }
            Self::Eks => Protocol::RestJson,
            Self::S3 | Self::Route53 => Protocol::RestXml,
            Self::Cloudwatch => Protocol::Cbor,
            _ => Protocol::Json,
        }
    }

    pub(crate) const fn namespace(self) -> &'static str {
        match self {
            Self::Ec2 => "http://ec2.amazonaws.com/doc/2016-11-15/",
            Self::Autoscaling => "http://autoscaling.amazonaws.com/doc/2011-01-01/",
            Self::Elbv2 => "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
            Self::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
            Self::Rds => "http://rds.amazonaws.com/doc/2014-10-31/",
            Self::Sns => "http://sns.amazonaws.com/doc/2010-03-31/",
            Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
            Self::S3 => "http://s3.amazonaws.com/doc/2006-03-01/",
            _ => "https://route53.amazonaws.com/doc/2013-04-01/",
        }
    }

    /// How list elements are called.
    pub(crate) const fn item_name(self) -> &'static str {
        match self {
            Self::Rds => "rds",
            Self::Sns => "sns",
            _ => "member",
        }
    }
}

/// The operation of a REST call, by method and path.
pub(crate) fn rest_operation(call: &ApiCall) -> String {
    match call.service {
        Service::Eks => super::eks::operation(call).to_owned(),
        Service::S3 => super::s3::operation(call),
        Service::Route53 => super::route53::operation(call).to_owned(),
        _ => String::new(),
    }
}
