//! Route 53: hosted zones and their records.
//!
//! Names are written as people write them: in lower case, without the dot at the end, `*` for a wildcard. Route 53
//! writes them with the dot and `\052`; both forms are the same name here.

mod dns;
mod hosted_zone;
mod pending;
mod record;
mod record_type;
#[cfg(all(test, feature = "simulated", feature = "ec2"))]
mod tests;

pub use hosted_zone::{HostedZone, HostedZoneDecl, HostedZoneOutputs, ZoneVpc, ZoneVpcDecl};
pub use record::{Alias, AliasDecl, Record, RecordDecl, RecordOutputs};
pub use record_type::RecordType;

crate::kinds! { HostedZone, Record }
