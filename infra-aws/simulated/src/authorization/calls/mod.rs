//! What each call asks for: mostly the action of its own name, on the resources that it names.
//!
//! Source: *Actions, resources, and condition keys for AWS services* (service authorization reference). An action that
//! cannot be restricted to a resource is asked for on `*`. Operations whose action has another name, and what else is
//! asked for, are written down in the file of their service.

mod dispatch;
mod ec2;
mod eks;
mod elbv2;
mod iam;
mod key;
mod named;
mod rds;
mod role;
mod route53;
mod s3;
mod scope;
mod stored;

pub(super) use dispatch::{allowed, asks};
