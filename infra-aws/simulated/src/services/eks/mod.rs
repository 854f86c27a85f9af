//! EKS: clusters, node groups, add-ons, access entries, pod identity. Documents are in the shape
//! of the API's JSON; what belongs to a cluster is keyed `cluster/name`.

mod access_entry;
mod addon;
mod catalogue;
mod cluster;
mod key;
mod launch_template;
mod network;
mod nodegroup;
mod pod_identity;
mod role;
mod route;
mod tag;
mod update;

pub(crate) use route::{answer, operation};
