//! The services: which exist, how they speak, and the models that answer.

#![expect(clippy::unnecessary_wraps, reason = "the operations of a service all have one shape")]
#![expect(clippy::needless_pass_by_value, reason = "documents are given away with json!")]

pub(crate) mod access;
mod json_tags;
mod neighbour;
mod service;

pub(crate) mod acm;
pub(crate) mod autoscaling;
pub(crate) mod cloudwatch;
pub(crate) mod ec2;
pub(crate) mod ecr;
mod ecr_image;
pub(crate) mod eks;
pub(crate) mod elbv2;
pub(crate) mod logs;
pub(crate) mod rds;
pub(crate) mod route53;
pub(crate) mod s3;
pub(crate) mod secrets_manager;
pub(crate) mod sns;
pub(crate) mod ssm;
pub(crate) mod sts;
pub(crate) mod tagging;

pub(crate) use access::Access;
pub(crate) use service::{Protocol, Service, rest_operation};
