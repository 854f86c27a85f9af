//! EC2 Auto Scaling: groups of instances, what those are made of, and what joins a group to a load balancer.

mod group;
mod launch_configuration;
mod target_group_attachment;
#[cfg(all(
    test,
    feature = "simulated",
    feature = "ec2",
    feature = "iam",
    feature = "eks",
    feature = "elbv2"
))]
mod tests;
mod volume;

pub use group::{
    Group, GroupDecl, GroupOutputs, InstanceChoice, InstanceChoiceDecl, MixedInstances,
    MixedInstancesDecl, Template, TemplateDecl, TemplateVersion,
};
pub use launch_configuration::{
    LaunchConfiguration, LaunchConfigurationDecl, LaunchConfigurationOutputs,
};
pub use target_group_attachment::{
    TargetGroupAttachment, TargetGroupAttachmentDecl, TargetGroupAttachmentOutputs,
};
pub use volume::{BlockDevice, BlockDeviceDecl, Metadata, MetadataDecl};

crate::kinds! { Group, LaunchConfiguration, TargetGroupAttachment }
