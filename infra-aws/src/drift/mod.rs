//! How bad it is when something was changed by hand: the rules that every program with this cloud has.
//!
//! A rule looks at what was recorded and at what is there: more protection than agreed on is a change like any other,
//! less of it is graded. What no rule is about is of the engine's general grades. A program's own rules go first
//! ([`App::drift_rule`](infra_core::App::drift_rule)).

#[cfg(any(feature = "iam", feature = "kms", feature = "eks"))]
mod access;
#[cfg(feature = "eks")]
mod cluster;
#[cfg(any(feature = "rds", feature = "dynamodb", feature = "ssm", feature = "secretsmanager"))]
mod data;
mod lowered;
#[cfg(any(feature = "ec2", feature = "elbv2", feature = "route53"))]
mod network;
#[cfg(any(feature = "ec2", feature = "iam", feature = "s3"))]
mod openness;
mod rules;
#[cfg(any(
    feature = "s3",
    feature = "logs",
    feature = "ecr",
    feature = "sns",
    feature = "cloudwatch"
))]
mod storage;
#[cfg(all(test, feature = "full"))]
mod tests;

pub(crate) use rules::rules;
