//! Which model or emulator answers a call.

use crate::emulated;
use crate::services::{Access, Service, autoscaling, ec2, eks, elbv2, rds, s3, sts};
use crate::wire::{Reply, render};

/// Answers one call.
pub(crate) fn answer(access: &mut Access<'_>) -> Reply {
    let call = access.call;
    match call.service {
        Service::Ec2 => render(call, ec2::answer(access)),
        Service::Autoscaling => render(call, autoscaling::answer(access)),
        Service::Eks => render(call, eks::answer(access)),
        Service::Elbv2 => render(call, elbv2::answer(access)),
        Service::Rds => render(call, rds::answer(access)),
        Service::Sts => render(call, sts::answer(access)),
        Service::S3 => s3::answer(access),
        _ => emulated::call(access.world, call),
    }
}
