//! EC2 Auto Scaling: what joins a group of instances (a node group's, say) to a load balancer.

mod target_group_attachment;

pub use target_group_attachment::{
    TargetGroupAttachment, TargetGroupAttachmentDecl, TargetGroupAttachmentOutputs,
};

crate::kinds! { TargetGroupAttachment }
