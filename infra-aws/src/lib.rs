//! AWS resources for `infra-core`: one folder and feature a service, one file a resource.
// The README's program needs these services to compile.
#![cfg_attr(
    all(feature = "ec2", feature = "iam", feature = "s3", feature = "simulated"),
    doc = concat!("\n\n", include_str!("../README.md"))
)]

pub mod classify;
pub mod grants;
pub mod guardrails;
pub mod policy;
pub mod sts;
pub mod tags;
pub mod types;

mod batch;
mod budget;
mod capacity;
mod cloud;
#[cfg(feature = "ec2")]
mod contained;
mod drift;
#[cfg(test)]
#[cfg(all(
    feature = "simulated",
    any(
        feature = "cloudwatch",
        feature = "dynamodb",
        feature = "ec2",
        feature = "ecr",
        feature = "iam",
        feature = "kms",
        feature = "logs",
        feature = "s3",
        feature = "secretsmanager",
        feature = "sns",
        feature = "ssm",
    )
))]
mod exercise;
mod list;
#[cfg(all(test, feature = "full"))]
mod once;
// Which of it is used depends on the services that are on.
#[cfg_attr(not(feature = "full"), allow(dead_code))]
mod owned;
mod pace;
mod provider;
#[cfg(feature = "kms")]
mod seal;
#[cfg(feature = "simulated")]
mod simulated;
#[cfg(feature = "state")]
pub mod state;
#[cfg(feature = "tagging")]
mod tagged;
mod terraform;

#[cfg(feature = "acm")]
pub mod acm;
#[cfg(feature = "autoscaling")]
pub mod autoscaling;
#[cfg(feature = "cloudtrail")]
mod cloudtrail;
#[cfg(feature = "cloudwatch")]
pub mod cloudwatch;
#[cfg(feature = "dynamodb")]
pub mod dynamodb;
#[cfg(feature = "ec2")]
pub mod ec2;
#[cfg(feature = "ecr")]
pub mod ecr;
#[cfg(feature = "eks")]
pub mod eks;
#[cfg(feature = "elbv2")]
pub mod elbv2;
#[cfg(feature = "iam")]
pub mod iam;
#[cfg(feature = "kms")]
pub mod kms;
#[cfg(feature = "logs")]
pub mod logs;
#[cfg(feature = "rds")]
pub mod rds;
#[cfg(feature = "route53")]
pub mod route53;
#[cfg(feature = "s3")]
pub mod s3;
#[cfg(feature = "secretsmanager")]
pub mod secretsmanager;
#[cfg(feature = "sns")]
pub mod sns;
#[cfg(feature = "ssm")]
pub mod ssm;

pub use cloud::{Aws, Identity};
/// The embedded AWS itself: settings, faults, the calls it saw.
#[cfg(feature = "simulated")]
pub use infra_aws_simulated as embedded;
pub use provider::{AssumeRole, AssumeRoleDecl, AwsConnector, AwsProvider, AwsProviderDecl, aws};
#[cfg(all(feature = "kms", feature = "simulated"))]
pub use seal::kms_keys_on;
#[cfg(feature = "kms")]
pub use seal::{Opened, kms_keys};
#[cfg(feature = "simulated")]
pub use simulated::{Simulated, simulated, simulated_in, simulated_with};

/// The list of a service: what makes a kind known to the engine. `kinds! { Vpc, Subnet; lookups: Zones }`.
macro_rules! kinds {
    ($($kind:ident),* $(,)? $(; lookups: $($lookup:ident),* $(,)?)?) => {
        /// The drivers of this service's kinds.
        pub(crate) fn drivers() -> Vec<std::sync::Arc<dyn infra_core::provider::Driver>> {
            vec![
                $(infra_core::provider::driver::<$kind>(),)*
                $($(infra_core::provider::lookup_driver::<$lookup>(),)*)?
            ]
        }
    };
}
pub(crate) use kinds;
use list::drivers;
