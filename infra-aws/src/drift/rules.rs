//! All rules of the services that are on.

use infra_core::drift::Rule;

/// How bad changes of this cloud's kinds are.
pub(crate) fn rules() -> Vec<Rule> {
    #[cfg_attr(not(feature = "full"), allow(unused_mut))]
    let mut rules: Vec<Rule> = Vec::new();
    #[cfg(any(feature = "iam", feature = "kms", feature = "eks"))]
    rules.extend(super::access::rules());
    #[cfg(feature = "eks")]
    rules.extend(super::cluster::rules());
    #[cfg(any(
        feature = "rds",
        feature = "dynamodb",
        feature = "ssm",
        feature = "secretsmanager"
    ))]
    rules.extend(super::data::rules());
    #[cfg(any(feature = "ec2", feature = "elbv2", feature = "route53"))]
    rules.extend(super::network::rules());
    #[cfg(any(
        feature = "s3",
        feature = "logs",
        feature = "ecr",
        feature = "sns",
        feature = "cloudwatch"
    ))]
    rules.extend(super::storage::rules());
    rules
}
