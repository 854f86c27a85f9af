//! RDS: database instances and the groups they refer to.
//!
//! An [`Instance`] lies in the subnets of a [`SubnetGroup`] and runs with the settings of a [`ParameterGroup`].

mod engine;
mod instance;
mod parameter_group;
mod subnet_group;
mod tagging;
#[cfg(all(test, feature = "simulated", feature = "ec2"))]
mod tests;
mod types;

pub use engine::Engine;
pub use instance::{Instance, InstanceDecl, InstanceOutputs, InstanceRefs};
pub use parameter_group::{ParameterGroup, ParameterGroupDecl, ParameterGroupOutputs};
pub use subnet_group::{SubnetGroup, SubnetGroupDecl, SubnetGroupOutputs};
pub use types::{DatabaseInsights, Gib, ParameterGroupName, StorageType, SubnetGroupName, gib};

crate::kinds! { SubnetGroup, ParameterGroup, Instance }
