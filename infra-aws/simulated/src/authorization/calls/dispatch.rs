//! Which file knows a call.

use super::super::Ask;
use super::scope::Scope;
use super::{ec2, eks, elbv2, iam, key, named, rds, role, route53, s3};
use crate::services::{Access, Service};

/// Everything that the call asks for.
pub(in super::super) fn asks(access: &mut Access<'_>) -> Vec<Ask> {
    let service = access.call.service;
    let mut scope = Scope::new(access);
    match service {
        Service::Ec2 => ec2::asks(&mut scope),
        Service::Eks => eks::asks(&mut scope),
        Service::Elbv2 => elbv2::asks(&mut scope),
        Service::Iam => iam::asks(&mut scope),
        Service::Kms => key::asks(&mut scope),
        Service::Rds => rds::asks(&mut scope),
        Service::Route53 => route53::asks(&scope),
        Service::S3 => s3::asks(&scope),
        _ => named::asks(&mut scope),
    }
}

/// Notes what the allowed call has made in passing: the roles that services work with.
pub(in super::super) fn allowed(access: &mut Access<'_>, asks: &[Ask]) {
    role::linked(access, asks);
}
