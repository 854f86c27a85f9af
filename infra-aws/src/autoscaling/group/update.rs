//! Bringing a group to what is wanted.

use std::collections::BTreeSet;

use infra_core::provider::{Change, Cx, Result};

use super::{Group, MixedInstances, Template, tags};
use crate::{Aws, classify::Classify as _};

/// The fields that `UpdateAutoScalingGroup` takes.
pub(super) fn touches_settings(change: &Change<'_, Group>) -> bool {
    let others = [
        Group::TAGS.name(),
        Group::PROPAGATE_AT_LAUNCH.name(),
        Group::SUSPENDED_PROCESSES.name(),
        Group::METRICS.name(),
        Group::TARGET_GROUPS.name(),
        Group::LOAD_BALANCERS.name(),
    ];
    change.paths.iter().any(|path| path.first().is_none_or(|field| !others.contains(&field)))
}

pub(super) async fn update(cx: &Cx<Aws>, change: &Change<'_, Group>) -> Result<()> {
    if touches_settings(change) {
        settings(cx, change).await?;
    }
    processes(cx, change).await?;
    metrics(cx, change).await?;
    attachments(cx, change).await?;
    tags::update(cx, change).await
}

async fn settings(cx: &Cx<Aws>, change: &Change<'_, Group>) -> Result<()> {
    let (name, want) = (change.id()?, change.want()?);
    let launches = [Group::LAUNCH_CONFIGURATION.name(), Group::LAUNCH_TEMPLATE.name()];
    let launches = change.touches(Group::MIXED)
        || change.paths.iter().any(|path| path.first().is_some_and(|it| launches.contains(&it)));
    let update = cx
        .autoscaling()
        .update_auto_scaling_group()
        .auto_scaling_group_name(name)
        .min_size(want.min)
        .max_size(want.max)
        .set_desired_capacity(want.desired.filter(|_| change.touches(Group::DESIRED)))
        .vpc_zone_identifier(want.zone_identifier())
        .health_check_type(&want.health_check_type)
        .health_check_grace_period(want.health_check_grace)
        .default_cooldown(want.cooldown)
        .new_instances_protected_from_scale_in(want.protect_from_scale_in)
        .capacity_rebalance(want.capacity_rebalance);
    // Zero, -1 and an empty text are how AWS is told that there is none any more.
    let update = if change.touches(Group::WARMUP) {
        update.default_instance_warmup(want.warmup.unwrap_or(-1))
    } else {
        update
    };
    let update = if change.touches(Group::MAX_INSTANCE_LIFETIME) {
        update.max_instance_lifetime(want.max_instance_lifetime.unwrap_or(0))
    } else {
        update
    };
    let update = if change.touches(Group::PLACEMENT_GROUP) {
        update.placement_group(want.placement_group.clone().unwrap_or_default())
    } else {
        update
    };
    let update = if change.touches(Group::TERMINATION_POLICIES) {
        update.set_termination_policies(Some(want.termination_policies.clone()))
    } else {
        update
    };
    let update = if launches {
        update
            .set_launch_configuration_name(want.launch_configuration.clone())
            .set_launch_template(want.launch_template.as_ref().map(Template::to_sdk))
            .set_mixed_instances_policy(want.mixed.as_ref().map(MixedInstances::to_sdk))
    } else {
        update
    };
    update.send().await.classify()?;
    Ok(())
}

/// What is only in `want`, and what is only in `have`.
fn changes<T: ToString>(have: &[T], want: &[T]) -> (Vec<String>, Vec<String>) {
    let set = |list: &[T]| list.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    let (have, want) = (set(have), set(want));
    (want.difference(&have).cloned().collect(), have.difference(&want).cloned().collect())
}

async fn processes(cx: &Cx<Aws>, change: &Change<'_, Group>) -> Result<()> {
    if !change.touches(Group::SUSPENDED_PROCESSES) {
        return Ok(());
    }
    let (name, want, have) = (change.id()?, change.want()?, &change.have()?.live);
    let (suspend, resume) = changes(&have.suspended_processes, &want.suspended_processes);
    if !suspend.is_empty() {
        let call = cx.autoscaling().suspend_processes().auto_scaling_group_name(name);
        call.set_scaling_processes(Some(suspend)).send().await.classify()?;
    }
    if !resume.is_empty() {
        let call = cx.autoscaling().resume_processes().auto_scaling_group_name(name);
        call.set_scaling_processes(Some(resume)).send().await.classify()?;
    }
    Ok(())
}

async fn metrics(cx: &Cx<Aws>, change: &Change<'_, Group>) -> Result<()> {
    if !change.touches(Group::METRICS) {
        return Ok(());
    }
    let (name, want, have) = (change.id()?, change.want()?, &change.have()?.live);
    let (on, off) = changes(&have.metrics, &want.metrics);
    if !on.is_empty() {
        let call = cx.autoscaling().enable_metrics_collection().auto_scaling_group_name(name);
        call.set_metrics(Some(on)).granularity("1Minute").send().await.classify()?;
    }
    if !off.is_empty() {
        let call = cx.autoscaling().disable_metrics_collection().auto_scaling_group_name(name);
        call.set_metrics(Some(off)).send().await.classify()?;
    }
    Ok(())
}

async fn attachments(cx: &Cx<Aws>, change: &Change<'_, Group>) -> Result<()> {
    let (name, want, have) = (change.id()?, change.want()?, &change.have()?.live);
    let aws = cx.autoscaling();
    if change.touches(Group::TARGET_GROUPS) {
        let (attach, detach) = changes(&have.target_groups, &want.target_groups);
        if !attach.is_empty() {
            let call = aws.attach_load_balancer_target_groups().auto_scaling_group_name(name);
            call.set_target_group_arns(Some(attach)).send().await.classify()?;
        }
        if !detach.is_empty() {
            let call = aws.detach_load_balancer_target_groups().auto_scaling_group_name(name);
            call.set_target_group_arns(Some(detach)).send().await.classify()?;
        }
    }
    if change.touches(Group::LOAD_BALANCERS) {
        let (attach, detach) = changes(&have.load_balancers, &want.load_balancers);
        if !attach.is_empty() {
            let call = aws.attach_load_balancers().auto_scaling_group_name(name);
            call.set_load_balancer_names(Some(attach)).send().await.classify()?;
        }
        if !detach.is_empty() {
            let call = aws.detach_load_balancers().auto_scaling_group_name(name);
            call.set_load_balancer_names(Some(detach)).send().await.classify()?;
        }
    }
    Ok(())
}
