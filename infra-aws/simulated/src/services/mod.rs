//! The services: which exist, how they speak, and the models that answer.

mod access;
mod service;

pub(crate) mod autoscaling;
pub(crate) mod ec2;
pub(crate) mod eks;
pub(crate) mod elbv2;
pub(crate) mod rds;
pub(crate) mod s3;
pub(crate) mod sts;

pub(crate) use access::Access;
pub(crate) use service::{Protocol, Service, rest_operation};
