//! Whether the service next door is in this world.
//!
//! EKS looks at the roles, subnets, security groups, launch templates and keys it is given, Auto
//! Scaling at the target groups. But this world may be served for one or two services only
//! (`AWS_ENDPOINT_URL_EKS`), while the others live somewhere it cannot look. Nobody says so, it
//! shows: where there is not one role, nobody makes roles here. So
//!
//! - a service of which this world holds something is asked, and what it does not know is refused;
//! - a service of which it holds nothing is taken to be elsewhere, and the caller's word for true.
//!
//! Shape is checked either way; and what EKS makes for a cluster whose network is elsewhere (its
//! security group) gets an id but no document, or EC2 would look as if it were here.

use super::{Access, Service};

/// What every use of a service begins with: `(service, table)`.
const FIRST: [(Service, &str); 4] = [
    (Service::Ec2, "vpc"),
    (Service::Elbv2, "target-group"),
    (Service::Iam, "roles"),
    (Service::Kms, "keys"),
];

/// Whether this world, in the caller's account and region, is the one that knows this service's
/// objects. A service that has no row above is always here.
pub(crate) fn is_here(access: &Access<'_>, service: Service) -> bool {
    FIRST.iter().find(|(it, _)| *it == service).is_none_or(|(_, table)| {
        let docs = access.world.docs(&access.id(service));
        docs.is_some_and(|docs| docs.all(table).next().is_some())
    })
}
