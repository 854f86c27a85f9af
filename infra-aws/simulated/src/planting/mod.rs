//! Planting: an embedded AWS that holds what a Terraform state says, with the same ids.
//!
//! Each object is made by the model's own creating call, as anybody would make it, so that it has everything that AWS
//! makes along with it (a VPC its default group, main table and network ACL; a cluster its group). Then it gets the ids
//! that the state says, wherever they stand, and what no call can say: an endpoint, a version that is too old to be
//! made today.

mod cluster;
mod compute;
mod database;
mod gateway;
mod group;
mod identity;
mod network;
mod object;
mod order;
mod planted;
mod planter;
mod route;
mod stored;

pub(crate) use order::plant;
pub use planted::Planted;
