//! The table, put together from those of the services.

use infra_core::transfer::terraform::Export;

/// A line: a kind, and how it is written.
pub(super) type Line = (&'static str, Export);

/// Every kind that Terraform has a type for. A kind of a service that is off is nobody's.
pub(in super::super) fn exports() -> Vec<Line> {
    let mut all = super::network::exports();
    all.extend(super::autoscaling::exports());
    all.extend(super::eks::exports());
    all.extend(super::elbv2::exports());
    all.extend(super::iam::exports());
    all.extend(super::machines::exports());
    all.extend(super::rds::exports());
    all.extend(super::storage::exports());
    all.extend(super::watching::exports());
    all
}
