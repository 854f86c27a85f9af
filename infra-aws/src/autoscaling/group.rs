//! Auto scaling groups.

mod launch;
mod observe;
mod tags;
mod update;

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_autoscaling::types as sdk;
use infra_core::{
    Outputs, Resource,
    provider::{
        Change, Cx, Find, Grant, Managed, Observed, Once, Operation, Part, Partial, Readiness,
        Result, Timeouts, Violation,
    },
    state::{StackName, Value},
};

pub use launch::{
    InstanceChoice, InstanceChoiceDecl, MixedInstances, MixedInstancesDecl, Template, TemplateDecl,
    TemplateVersion,
};

use crate::{
    Aws, batch,
    capacity::less,
    classify::Classify as _,
    owned,
    policy::{Verb, grants, linked, pass, subject},
    types::{Arn, SubnetId, TargetGroupArn},
};

/// A number of instances that are launched, looked after and replaced by AWS:
/// `Group::new(1, 3).subnets([&a.id, &b.id]).launch_template(Template::new(&template.id))`.
///
/// It is ready when as many instances are in service as are desired, or at least asked for. Only another name or service
/// role replaces it. Another launch configuration or template is for instances to come: those that run stay as they are
/// until the group replaces them. Deleting it ends its instances.
///
/// Needs `autoscaling:CreateAutoScalingGroup`, `UpdateAutoScalingGroup`, `DeleteAutoScalingGroup`,
/// `CreateOrUpdateTags`, `DeleteTags`, `SuspendProcesses`, `ResumeProcesses`, `EnableMetricsCollection`,
/// `DisableMetricsCollection` and the attach and detach actions on it; `DescribeAutoScalingGroups`,
/// `DescribeScalingActivities`; `ec2:RunInstances` and `iam:PassRole` for what a template starts; and
/// `iam:CreateServiceLinkedRole` for the first group of an account. Source: *EC2 Auto Scaling API reference*,
/// `CreateAutoScalingGroup`. Lifecycle hooks, warm pools and scaling policies are not here.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:autoscaling:Group", outputs = GroupOutputs)]
pub struct Group {
    /// At least so many.
    pub min: i32,
    /// At most so many.
    pub max: i32,
    /// Its name, unique in the region; generated if left out. Another replaces it.
    #[field(replace, name(max = 255, extra = "-_./()"))]
    pub name: Option<String>,
    /// The launch configuration its instances are made from.
    pub launch_configuration: Option<String>,
    /// The launch template its instances are made from.
    pub launch_template: Option<Template>,
    /// Instances of several types, on demand and spot.
    pub mixed: Option<MixedInstances>,
    /// How many there are now. Left out it begins with the least, and then belongs to an autoscaler.
    #[field(computed)]
    pub desired: Option<i32>,
    /// The subnets of its instances.
    #[field(set)]
    pub subnets: Vec<SubnetId>,
    /// The target groups its instances are registered with; left out where `TargetGroupAttachment` says so.
    #[field(set, computed)]
    pub target_groups: Vec<TargetGroupArn>,
    /// The classic load balancers its instances are registered with.
    #[field(set, computed)]
    pub load_balancers: Vec<String>,
    /// Who says that an instance is ill: `EC2`, or `ELB` as well.
    #[field(default = "EC2")]
    pub health_check_type: String,
    /// Seconds that a new instance is not checked.
    #[field(default = 300i32)]
    pub health_check_grace: i32,
    /// Seconds between two simple scalings.
    #[field(default = 300i32)]
    pub cooldown: i32,
    /// Seconds after which a new instance counts in the metrics.
    pub warmup: Option<i32>,
    /// Which instance goes first, in this order. AWS: `Default`.
    #[field(computed)]
    pub termination_policies: Vec<String>,
    /// What the group does not do for now: `AZRebalance`, `Launch`, `Terminate`, …
    #[field(set)]
    pub suspended_processes: Vec<String>,
    /// The metrics sent to CloudWatch every minute: `GroupInServiceInstances`, …
    #[field(set)]
    pub metrics: Vec<String>,
    /// Whether new instances are kept when the group shrinks.
    #[field(default = false)]
    pub protect_from_scale_in: bool,
    /// Whether spot instances are replaced before they are taken away.
    #[field(default = false)]
    pub capacity_rebalance: bool,
    /// Seconds after which an instance is replaced, 86400 or more.
    pub max_instance_lifetime: Option<i32>,
    /// The placement group of its instances.
    pub placement_group: Option<String>,
    /// The role it works with; AWS's own for the service if left out. Another replaces it.
    #[field(replace, computed)]
    pub service_linked_role: Option<Arn>,
    /// Whether it counts as made only when its instances are in service.
    #[field(write_only, default = true)]
    pub wait_for_capacity: bool,
    /// The keys of those of its tags that its instances get when they are launched.
    #[field(set)]
    pub propagate_at_launch: Vec<String>,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What a group gives.
#[derive(Outputs, Clone, Debug)]
pub struct GroupOutputs {
    /// Its name.
    #[output(stable)]
    pub name: String,
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
}

impl Group {
    fn arn(name: &str) -> String {
        format!("arn:*:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/{name}")
    }

    fn zone_identifier(&self) -> String {
        let subnets: Vec<_> = self.subnets.iter().map(SubnetId::as_str).collect();
        subnets.join(",")
    }
}

impl Managed for Group {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        let name_of = |find: &Find<'_, Self>| match find {
            Find::Id { id, .. } => Some((*id).to_owned()),
            Find::Made { want, .. } => want.name.clone(),
        };
        let names: Vec<String> = find.iter().filter_map(name_of).collect();
        let found = match observe::by_name(cx, &names).await {
            Ok(found) => found,
            Err(e) => return find.iter().map(|_| Err(e.again())).collect(),
        };
        batch::each(find, |find| {
            let name = name_of(find);
            let is_it = |it: &&sdk::AutoScalingGroup| {
                name.is_some() && it.auto_scaling_group_name() == name.as_deref()
            };
            let group = found.iter().find(is_it);
            async move {
                match group {
                    Some(group) => observe::observed(cx, group, find.inputs()).await.map(Some),
                    None => Ok(None),
                }
            }
        })
        .await
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        let filter = sdk::Filter::builder().name(format!("tag:{}", owned::STACK));
        let pages = cx.autoscaling().describe_auto_scaling_groups();
        let pages = pages.filters(filter.values(stack.to_string()).build()).into_paginator();
        let found = pages.items().send().collect::<Result<Vec<_>, _>>().await.classify()?;
        let all = batch::each(&found, |group| observe::observed(cx, group, None)).await;
        all.into_iter().collect::<Result<_>>().map(Some)
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let name = want.name.clone().unwrap_or_default();
        let some = |list: Vec<String>| (!list.is_empty()).then_some(list);
        let targets = want.target_groups.iter().map(ToString::to_string).collect();
        let tags = tags::list(&name, &cx.tags(&want.tags, op), &want.propagate_at_launch);
        // Suspended processes and metrics come by `update`: this call cannot take them.
        let create = cx
            .autoscaling()
            .create_auto_scaling_group()
            .auto_scaling_group_name(&name)
            .min_size(want.min)
            .max_size(want.max)
            .set_desired_capacity(want.desired)
            .set_launch_configuration_name(want.launch_configuration.clone())
            .set_launch_template(want.launch_template.as_ref().map(Template::to_sdk))
            .set_mixed_instances_policy(want.mixed.as_ref().map(MixedInstances::to_sdk))
            .vpc_zone_identifier(want.zone_identifier())
            .set_target_group_arns(some(targets))
            .set_load_balancer_names(some(want.load_balancers.clone()))
            .health_check_type(&want.health_check_type)
            .health_check_grace_period(want.health_check_grace)
            .default_cooldown(want.cooldown)
            .set_default_instance_warmup(want.warmup)
            .set_termination_policies(some(want.termination_policies.clone()))
            .new_instances_protected_from_scale_in(want.protect_from_scale_in)
            .capacity_rebalance(want.capacity_rebalance)
            .set_max_instance_lifetime(want.max_instance_lifetime)
            .set_placement_group(want.placement_group.clone())
            .set_service_linked_role_arn(want.service_linked_role.as_ref().map(ToString::to_string))
            .set_tags(Some(tags));
        create.send().await.classify()?;
        Ok(name)
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        update::update(cx, change).await
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        if matches!(have.readiness, Readiness::Deleting(_)) {
            return Ok(());
        }
        let delete = cx.autoscaling().delete_auto_scaling_group();
        delete.auto_scaling_group_name(&have.id).force_delete(true).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let live = subject(change);
        let this = Self::arn(live.and_then(|it| it.name.as_deref()).unwrap_or("*"));
        let verb = Verb::of(change);
        let looks =
            ["autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeScalingActivities"];
        let mut all = grants("*", looks);
        let mut on = |touched: bool, actions: &[&'static str]| {
            all.extend(grants(&*this, actions.iter().copied().filter(|_| touched)));
        };
        match verb {
            Verb::Search | Verb::Read => return all,
            Verb::Delete => on(true, &["autoscaling:DeleteAutoScalingGroup"]),
            Verb::Create => {
                on(true, &["autoscaling:CreateAutoScalingGroup", "autoscaling:CreateOrUpdateTags"]);
            }
            Verb::Update => {
                on(update::touches_settings(change), &["autoscaling:UpdateAutoScalingGroup"]);
                on(
                    change.touches(Self::SUSPENDED_PROCESSES),
                    &["autoscaling:SuspendProcesses", "autoscaling:ResumeProcesses"],
                );
                on(
                    change.touches(Self::METRICS),
                    &[
                        "autoscaling:EnableMetricsCollection",
                        "autoscaling:DisableMetricsCollection",
                    ],
                );
                on(
                    change.touches(Self::TARGET_GROUPS),
                    &[
                        "autoscaling:AttachLoadBalancerTargetGroups",
                        "autoscaling:DetachLoadBalancerTargetGroups",
                    ],
                );
                on(
                    change.touches(Self::LOAD_BALANCERS),
                    &["autoscaling:AttachLoadBalancers", "autoscaling:DetachLoadBalancers"],
                );
                on(
                    change.touches(Self::TAGS) || change.touches(Self::PROPAGATE_AT_LAUNCH),
                    &["autoscaling:CreateOrUpdateTags", "autoscaling:DeleteTags"],
                );
            }
        }
        if verb == Verb::Create {
            all.push(linked("autoscaling.amazonaws.com", "AWSServiceRoleForAutoScaling"));
        }
        let templated = live.is_some_and(|it| it.launch_template.is_some() || it.mixed.is_some());
        let launches = verb == Verb::Create || update::touches_settings(change);
        if templated && launches && verb != Verb::Delete {
            // Auto Scaling tries with the caller's permissions whether the template starts instances.
            let template = "arn:*:ec2:*:*:launch-template/*";
            all.push(Grant::new("ec2:RunInstances", "*").when("ec2:LaunchTemplate", template));
            let tag = Grant::new("ec2:CreateTags", "*");
            all.push(tag.when("ec2:CreateAction", "RunInstances"));
            all.push(pass("*", "ec2.amazonaws.com"));
        }
        all
    }

    fn foreseen(want: &Self) -> Vec<(&'static str, Value)> {
        vec![("arn", Self::arn(want.name.as_deref().unwrap_or("*")).as_str().into())]
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let mut violations = Vec::new();
        let said = ["launch_configuration", "launch_template", "mixed"];
        let said = said.into_iter().filter(|field| want.value().get(field).is_some()).count();
        if said != 1 {
            let message = format!(
                "expected one of launch_configuration, launch_template and mixed, found {said}"
            );
            violations.push(Violation::of(Self::LAUNCH_TEMPLATE, message));
        }
        if want.get(Self::SUBNETS) == Part::Unset {
            violations
                .push(Violation::of(Self::SUBNETS, "expected at least one subnet, found none"));
        }
        let number = |part: Part<i32>| part.known();
        if let (Some(min), Some(max)) = (number(want.get(Self::MIN)), number(want.get(Self::MAX))) {
            let desired = number(want.get(Self::DESIRED));
            if !(0 <= min && min <= max && desired.is_none_or(|n| (min..=max).contains(&n))) {
                let message = "expected 0 <= min <= desired <= max";
                violations.push(Violation::of(Self::MIN, message));
            }
        }
        if let Some(seconds) = want.get(Self::MAX_INSTANCE_LIFETIME).known()
            && seconds < 86_400
        {
            let message = format!("expected at least 86400 seconds, a day, found {seconds}");
            violations.push(Violation::of(Self::MAX_INSTANCE_LIFETIME, message));
        }
        violations
    }

    fn shrinks(live: &Self, want: &Self) -> Option<String> {
        let desired = want.desired.or(live.desired).map(|it| it.min(want.max).max(want.min));
        less("instances", live.desired, desired)
            .or_else(|| less("instances at most", live.max, want.max))
            .or_else(|| less("instances at least", live.min, want.min))
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }

    fn timeouts() -> Timeouts {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        Timeouts { create: minutes(15), update: minutes(15), delete: minutes(30) }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_autoscaling::types::{AutoScalingGroup, Instance, LifecycleState};
    use infra_core::Data as _;

    use super::*;

    fn partial(json: serde_json::Value) -> Partial<Group> {
        Partial::new(Value::from(json))
    }

    #[test]
    fn sizes_and_what_is_launched_are_checked() {
        let good = serde_json::json!({
            "min": 1, "max": 3, "desired": 2, "subnets": ["subnet-1"], "launch_configuration": "c"
        });
        assert_eq!(Group::check(&partial(good.clone())), []);
        let wrong = [("desired", 4.into()), ("launch_template", serde_json::json!({"id": "lt-1"}))];
        for (field, value) in wrong {
            let mut group = good.clone();
            group[field] = value;
            assert_eq!(Group::check(&partial(group)).len(), 1, "{field}");
        }
    }

    #[test]
    fn fewer_instances() {
        let group = |min: i32, max: i32, desired: Option<i32>| {
            let value = serde_json::json!({"min": min, "max": max, "desired": desired});
            Group::from_value(&Value::from(value)).unwrap()
        };
        let shrinks = |live, want| Group::shrinks(&live, &want);
        let live = || group(2, 12, Some(10));
        let text = shrinks(live(), group(2, 12, Some(3)));
        assert_eq!(text.as_deref(), Some("10 instances, then 3"));
        let text = shrinks(live(), group(2, 4, None));
        assert_eq!(text.as_deref(), Some("10 instances, then 4"));
        assert!(shrinks(group(2, 12, Some(3)), group(2, 4, Some(3))).is_some());
        assert!(shrinks(live(), group(1, 12, Some(10))).is_some());
        assert_eq!(shrinks(live(), group(3, 20, None)), None);
    }

    #[test]
    fn it_is_ready_when_what_was_declared_is_in_service() {
        let of =
            |state| Instance::builder().lifecycle_state(state).health_status("Healthy").build();
        let found = AutoScalingGroup::builder()
            .instances(of(LifecycleState::InService))
            .instances(of(LifecycleState::Pending))
            .min_size(1)
            .desired_capacity(2)
            .build();
        let group = |json: serde_json::Value| Group::from_value(&Value::from(json)).unwrap();
        let two = group(serde_json::json!({"min": 1, "max": 3, "desired": 2}));
        let said = "1 of 2 instances are in service".to_owned();
        assert_eq!(observe::readiness(&found, Some(&two)), Err(said));
        let owned = group(serde_json::json!({"min": 1, "max": 3}));
        assert_eq!(observe::readiness(&found, Some(&owned)), Ok(Readiness::Ready));
        assert_eq!(observe::readiness(&found, None), Ok(Readiness::Ready));
    }
}
