//! Load balancers. Their types have two names each.

use infra_core::transfer::terraform::{Import, Instance, Piece};

use super::{
    attributes::{Taken, by, need},
    imports::Line,
};

pub(super) fn imports() -> Vec<Line> {
    vec![
        ("aws_lb", by!("aws:elbv2:LoadBalancer", "arn")),
        ("aws_alb", by!("aws:elbv2:LoadBalancer", "arn")),
        ("aws_lb_listener", by!("aws:elbv2:Listener", "arn")),
        ("aws_alb_listener", by!("aws:elbv2:Listener", "arn")),
        ("aws_lb_listener_certificate", Import::Part("the aws_lb_listener")),
        ("aws_alb_listener_certificate", Import::Part("the aws_lb_listener")),
        ("aws_lb_target_group", by!("aws:elbv2:TargetGroup", "arn")),
        ("aws_alb_target_group", by!("aws:elbv2:TargetGroup", "arn")),
        ("aws_lb_target_group_attachment", Import::Objects(attachment)),
        ("aws_alb_target_group_attachment", Import::Objects(attachment)),
    ]
}

fn attachment(it: &Instance) -> Taken {
    let (group, target) = (need(it, "target_group_arn")?, need(it, "target_id")?);
    let port = it.attribute("port").map(super::attributes::number).unwrap_or_default();
    Ok(vec![Piece::new("aws:elbv2:TargetAttachment", format!("{group}|{target}|{port}"))])
}
