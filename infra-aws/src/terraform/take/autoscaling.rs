//! Auto scaling.

use infra_core::transfer::terraform::{Import, Instance, Piece};

use super::{
    attributes::{Taken, by, need},
    imports::Line,
};

pub(super) fn imports() -> Vec<Line> {
    vec![
        ("aws_autoscaling_attachment", Import::Objects(attachment)),
        ("aws_autoscaling_group", by!("aws:autoscaling:Group", "name")),
        ("aws_autoscaling_group_tag", Import::Part("the aws_autoscaling_group")),
        ("aws_launch_configuration", by!("aws:autoscaling:LaunchConfiguration", "name")),
    ]
}

fn attachment(it: &Instance) -> Taken {
    let group = need(it, "autoscaling_group_name")?;
    // Its name before version 4 of the provider.
    let target = it.text("lb_target_group_arn").or_else(|| it.text("alb_target_group_arn"));
    let target = target.ok_or("it attaches a classic load balancer, for which there is no kind")?;
    Ok(vec![Piece::new("aws:autoscaling:TargetGroupAttachment", format!("{group}|{target}"))])
}
