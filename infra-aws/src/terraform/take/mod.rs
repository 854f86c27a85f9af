//! Which of our objects a resource of Terraform's is.

#[cfg(feature = "acm")]
mod acm;
mod attributes;
#[cfg(feature = "autoscaling")]
mod autoscaling;
#[cfg(feature = "ec2")]
mod ec2;
#[cfg(feature = "eks")]
mod eks;
#[cfg(feature = "elbv2")]
mod elbv2;
#[cfg(feature = "iam")]
mod iam;
mod imports;
mod never;
#[cfg(feature = "rds")]
mod rds;
#[cfg(feature = "route53")]
mod route53;
#[cfg(feature = "ec2")]
mod rules;
mod services;

pub(super) use imports::imports;
