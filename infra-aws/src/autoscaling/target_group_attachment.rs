//! An auto scaling group's place behind a target group.

use std::collections::BTreeMap;

use aws_sdk_autoscaling::types::LoadBalancerTargetGroupState;
use infra_core::{
    Outputs, Resource,
    provider::{
        Change, Cx, Error, Find, Grant, Managed, Observed, Once, Operation, Readiness, Result,
        Timeouts,
    },
};

use crate::{
    Aws, batch,
    classify::Classify as _,
    policy::{Verb, grants, subject},
    types::TargetGroupArn,
};

/// Attaches an auto scaling group to a target group: every instance of the group, now and later, is a target.
///
/// This is how the nodes of a managed node group get behind a load balancer without a controller in the cluster:
/// `TargetGroupAttachment::new(nodes.auto_scaling_groups.index(0), &targets.arn)`. Both fields replace it. Detaching
/// waits until the instances are drained.
///
/// Needs `autoscaling:AttachLoadBalancerTargetGroups`, `DetachLoadBalancerTargetGroups` and
/// `DescribeLoadBalancerTargetGroups`; the states are those of `LoadBalancerTargetGroupState` in the API reference.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:autoscaling:TargetGroupAttachment", outputs = TargetGroupAttachmentOutputs)]
pub struct TargetGroupAttachment {
    /// The auto scaling group's name. Another replaces the attachment.
    #[field(replace)]
    pub auto_scaling_group: String,
    /// The target group. Another replaces the attachment.
    #[field(replace)]
    pub target_group: TargetGroupArn,
}

/// What an attachment gives.
#[derive(Outputs, Clone, Debug)]
pub struct TargetGroupAttachmentOutputs {
    /// The target group, once the instances are registered: for what must not start before.
    #[output(stable)]
    pub target_group: TargetGroupArn,
}

impl TargetGroupAttachment {
    fn id(&self) -> String {
        format!("{}|{}", self.auto_scaling_group, self.target_group)
    }

    fn of(id: &str) -> Result<Self> {
        let (group, arn) = id.rsplit_once('|').ok_or_else(|| {
            Error::invalid(format!("expected AUTO_SCALING_GROUP|TARGET_GROUP_ARN, found {id:?}"))
        })?;
        let target_group = TargetGroupArn::trusted(arn);
        Ok(Self { auto_scaling_group: group.to_owned(), target_group })
    }

    async fn read_one(cx: &Cx<Aws>, find: &Find<'_, Self>) -> Result<Option<Observed<Self>>> {
        let live = match find {
            Find::Id { id, .. } => Self::of(id)?,
            Find::Made { want, .. } => (*want).clone(),
        };
        let group = &live.auto_scaling_group;
        let key = format!("autoscaling:target-groups:{group}");
        let states = cx.memo(&key, || states(cx, group)).await?;
        let state = states.get(live.target_group.as_str());
        Ok(state.and_then(|state| readiness(state)).map(|readiness| {
            let outputs = TargetGroupAttachmentOutputs { target_group: live.target_group.clone() };
            Observed::ready(live.id(), live, outputs).but(readiness)
        }))
    }
}

/// All target groups of one group, by ARN.
async fn states(cx: &Cx<Aws>, group: &str) -> Result<BTreeMap<String, String>> {
    let pages =
        cx.autoscaling().describe_load_balancer_target_groups().auto_scaling_group_name(group);
    let (mut states, mut token) = (BTreeMap::new(), None);
    loop {
        let Some(page) = pages.clone().set_next_token(token).send().await.found()? else {
            return Ok(states);
        };
        let entry = |s: &LoadBalancerTargetGroupState| {
            Some((s.load_balancer_target_group_arn()?.to_owned(), s.state()?.to_owned()))
        };
        states.extend(page.load_balancer_target_groups().iter().filter_map(entry));
        token = page.next_token().filter(|t| !t.is_empty()).map(str::to_owned);
        if token.is_none() {
            return Ok(states);
        }
    }
}

fn readiness(state: &str) -> Option<Readiness> {
    Some(match state {
        // `InService` asks for a passed health check, which is the application's business.
        "Added" | "InService" => Readiness::Ready,
        "Removing" => Readiness::Deleting("draining the instances".to_owned()),
        "Removed" => return None,
        other => Readiness::Pending(other.to_lowercase()),
    })
}

impl Managed for TargetGroupAttachment {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        batch::each(find, |find| Self::read_one(cx, find)).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, _: &Operation) -> Result<String> {
        let attach = cx.autoscaling().attach_load_balancer_target_groups();
        let attach = attach.auto_scaling_group_name(&want.auto_scaling_group);
        attach.target_group_arns(want.target_group.as_str()).send().await.classify()?;
        Ok(want.id())
    }

    async fn update(_: &Cx<Aws>, _: &Change<'_, Self>, _: &Operation) -> Result<()> {
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        let Self { auto_scaling_group, target_group } = &have.live;
        let detach = cx.autoscaling().detach_load_balancer_target_groups();
        let detach = detach.auto_scaling_group_name(auto_scaling_group);
        detach.target_group_arns(target_group.as_str()).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let live = subject(change);
        let group = live.map_or("*", |live| live.auto_scaling_group.as_str());
        let arn = format!("arn:*:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/{group}");
        let action = match Verb::of(change) {
            Verb::Search => return Vec::new(),
            Verb::Read => None,
            Verb::Create | Verb::Update => Some("autoscaling:AttachLoadBalancerTargetGroups"),
            Verb::Delete => Some("autoscaling:DetachLoadBalancerTargetGroups"),
        };
        let mut all = grants("*", ["autoscaling:DescribeLoadBalancerTargetGroups"]);
        all.extend(grants(arn, action));
        all
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }

    fn timeouts() -> Timeouts {
        Timeouts::minutes(15)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_enough() {
        let arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/0123";
        let attachment = TargetGroupAttachment::of(&format!("eks-nodes|{arn}")).unwrap();
        assert_eq!(attachment.auto_scaling_group, "eks-nodes");
        assert_eq!(attachment.id(), format!("eks-nodes|{arn}"));
        assert!(TargetGroupAttachment::of("eks-nodes").is_err());
    }

    #[test]
    fn states_say_how_far_it_is() {
        assert_eq!(readiness("Added"), Some(Readiness::Ready));
        assert_eq!(readiness("Adding"), Some(Readiness::Pending("adding".to_owned())));
        assert!(matches!(readiness("Removing"), Some(Readiness::Deleting(_))));
        assert_eq!(readiness("Removed"), None);
    }
}
