//! The table, put together from those of the services.

use infra_core::transfer::terraform::Import;

/// A line: a type, and what becomes of its instances.
pub(super) type Line = (&'static str, Import);

/// Every type that there is something to say of.
pub(in super::super) fn imports() -> Vec<Line> {
    let mut all = super::never::imports();
    all.extend(super::services::imports());
    #[cfg(feature = "acm")]
    all.extend(super::acm::imports());
    #[cfg(feature = "autoscaling")]
    all.extend(super::autoscaling::imports());
    #[cfg(feature = "ec2")]
    all.extend(super::ec2::imports());
    #[cfg(feature = "eks")]
    all.extend(super::eks::imports());
    #[cfg(feature = "elbv2")]
    all.extend(super::elbv2::imports());
    #[cfg(feature = "iam")]
    all.extend(super::iam::imports());
    #[cfg(feature = "rds")]
    all.extend(super::rds::imports());
    #[cfg(feature = "route53")]
    all.extend(super::route53::imports());
    all
}
