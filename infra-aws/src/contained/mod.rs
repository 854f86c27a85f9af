//! Everything that is inside a VPC, whoever made it: for what nobody manages, and for taking over a whole network.
//!
//! The VPC itself is the first. What is ours has our kind and the id that our kind reads it by; what there is no kind for
//! has CloudFormation's word for it. Each service is listed by the page, and only what is in the VPC is kept, so the
//! number of calls hardly grows with it: about fifteen, one for each load balancer, and a few for each cluster.
//!
//! Not looked for: what only refers to a VPC and is not in it (hosted zones, peerings, gateways of VPNs and transit),
//! what is registered in target groups (it comes and goes), functions (their interfaces are seen), classic balancers.

#[cfg(feature = "autoscaling")]
mod autoscaling;
#[cfg(feature = "elbv2")]
mod balancers;
#[cfg(feature = "eks")]
mod clusters;
#[cfg(feature = "rds")]
mod databases;
mod gateways;
mod groups;
mod machines;
mod network;
mod object;
mod tables;
#[cfg(all(test, feature = "simulated", feature = "full"))]
mod tests;
mod vpc;

pub(crate) use vpc::contained;
