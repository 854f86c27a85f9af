//! EC2 Auto Scaling: what joins a group of instances (a node group's, say) to a load balancer.

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

pub use target_group_attachment::{
    TargetGroupAttachment, TargetGroupAttachmentDecl, TargetGroupAttachmentOutputs,
};

crate::kinds! { TargetGroupAttachment }
