//! RDS: database instances and the groups they refer to.
//!
//! An [`Instance`] lies in the subnets of a [`SubnetGroup`] and runs with the settings of a [`ParameterGroup`]. An
//! [`AutomatedBackupReplication`] copies its backups to another region.

mod automated_backup_replication;
mod engine;
mod instance;
mod parameter_group;
mod subnet_group;
mod tagging;
#[cfg(all(test, feature = "simulated", feature = "ec2", feature = "kms"))]
mod tests;
mod types;

pub use automated_backup_replication::{
    AutomatedBackupReplication, AutomatedBackupReplicationDecl, AutomatedBackupReplicationOutputs,
};
pub use engine::Engine;
pub use instance::{Instance, InstanceDecl, InstanceOutputs, InstanceRefs};
pub use parameter_group::{ParameterGroup, ParameterGroupDecl, ParameterGroupOutputs};
pub use subnet_group::{SubnetGroup, SubnetGroupDecl, SubnetGroupOutputs};
pub use types::{DatabaseInsights, Gib, ParameterGroupName, StorageType, SubnetGroupName, gib};

crate::kinds! { SubnetGroup, ParameterGroup, Instance, AutomatedBackupReplication }
