//! What a group is, out of AWS's answer.

use aws_sdk_autoscaling::types as sdk;
use infra_core::provider::{Cx, Observed, Readiness, Result};

use super::{Group, GroupOutputs, MixedInstances, Template, tags};
use crate::{
    Aws, batch,
    classify::Classify as _,
    tags::visible,
    types::{Arn, SubnetId, TargetGroupArn},
};

/// That many are described at once, by name or not.
const BATCH: usize = 100;

/// Those of these names that exist.
pub(super) async fn by_name(cx: &Cx<Aws>, names: &[String]) -> Result<Vec<sdk::AutoScalingGroup>> {
    let batches: Vec<_> = names.chunks(BATCH).collect();
    let answers = batch::each(&batches, |names| async move {
        let describe = cx.autoscaling().describe_auto_scaling_groups().max_records(100);
        let describe = describe.set_auto_scaling_group_names(Some(names.to_vec()));
        describe.send().await.classify()
    });
    let mut all = Vec::new();
    for answer in answers.await {
        all.extend(answer?.auto_scaling_groups.unwrap_or_default());
    }
    Ok(all)
}

/// Why the last launch failed, if one did: what AWS says of a group that does not fill.
pub(super) async fn why_not(cx: &Cx<Aws>, name: &str) -> Result<Option<String>> {
    let describe = cx.autoscaling().describe_scaling_activities().auto_scaling_group_name(name);
    let answer = describe.max_records(10).send().await.found()?;
    let activities = answer.and_then(|answer| answer.activities).unwrap_or_default();
    // The newest comes first: what failed before something went well is over.
    let last = activities
        .into_iter()
        .find(|it| it.status_code() != Some(&sdk::ScalingActivityStatusCode::InProgress));
    let failed =
        last.filter(|it| it.status_code() == Some(&sdk::ScalingActivityStatusCode::Failed));
    Ok(failed.and_then(|it| it.status_message.or(it.description)))
}

/// How many instances must be in service before the group is ready.
fn expected(found: &sdk::AutoScalingGroup, inputs: Option<&Group>) -> i32 {
    let asked_for = |number: Option<i32>| number.unwrap_or_default();
    match inputs {
        Some(inputs) if !inputs.wait_for_capacity => 0,
        // What the group asks for now, not what it is about to be told to: nothing would come of waiting for that.
        Some(inputs) if inputs.desired.is_some() => asked_for(found.desired_capacity()),
        // Without a declared number, what an autoscaler asks for at the moment is its own affair.
        _ => asked_for(found.min_size()),
    }
}

/// Whether it is ready; `Err` says how far it is, when that may have a cause that AWS knows.
pub(super) fn readiness(
    found: &sdk::AutoScalingGroup,
    inputs: Option<&Group>,
) -> std::result::Result<Readiness, String> {
    if let Some(status) = found.status().filter(|status| !status.is_empty()) {
        return Ok(Readiness::Deleting(status.to_lowercase()));
    }
    let in_service = |it: &&sdk::Instance| {
        it.lifecycle_state() == Some(&sdk::LifecycleState::InService)
            && it.health_status().is_none_or(|health| health.eq_ignore_ascii_case("healthy"))
    };
    let (ready, expected) =
        (found.instances().iter().filter(in_service).count(), expected(found, inputs));
    if i32::try_from(ready).is_ok_and(|ready| ready >= expected) {
        return Ok(Readiness::Ready);
    }
    Err(format!("{ready} of {expected} instances are in service"))
}

pub(super) fn live(found: &sdk::AutoScalingGroup, inputs: Option<&Group>) -> Group {
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let subnets = found.vpc_zone_identifier().unwrap_or_default().split(',');
    let processes = found.suspended_processes().iter().filter_map(|it| it.process_name());
    let metrics = found.enabled_metrics().iter().filter_map(|it| it.metric());
    Group {
        min: found.min_size().unwrap_or_default(),
        max: found.max_size().unwrap_or_default(),
        name: text(found.auto_scaling_group_name()),
        launch_configuration: text(found.launch_configuration_name()),
        launch_template: found.launch_template().and_then(Template::of),
        mixed: found.mixed_instances_policy().and_then(MixedInstances::of),
        desired: found.desired_capacity(),
        subnets: subnets
            .map(str::trim)
            .filter(|id| !id.is_empty())
            .map(SubnetId::trusted)
            .collect(),
        target_groups: found.target_group_arns().iter().map(TargetGroupArn::trusted).collect(),
        load_balancers: found.load_balancer_names().to_vec(),
        health_check_type: text(found.health_check_type()).unwrap_or_else(|| "EC2".to_owned()),
        health_check_grace: found.health_check_grace_period().unwrap_or_default(),
        cooldown: found.default_cooldown().unwrap_or(300),
        warmup: found.default_instance_warmup(),
        termination_policies: found.termination_policies().to_vec(),
        suspended_processes: processes.map(str::to_owned).collect(),
        metrics: metrics.map(str::to_owned).collect(),
        protect_from_scale_in: found.new_instances_protected_from_scale_in().unwrap_or_default(),
        capacity_rebalance: found.capacity_rebalance().unwrap_or_default(),
        max_instance_lifetime: found.max_instance_lifetime().filter(|seconds| *seconds != 0),
        placement_group: text(found.placement_group()),
        service_linked_role: found.service_linked_role_arn().map(Arn::trusted),
        wait_for_capacity: inputs.is_none_or(|inputs| inputs.wait_for_capacity),
        propagate_at_launch: tags::propagated(found.tags()),
        tags: visible(&tags::map(found.tags())),
    }
}

pub(super) async fn observed(
    cx: &Cx<Aws>,
    found: &sdk::AutoScalingGroup,
    inputs: Option<&Group>,
) -> Result<Observed<Group>> {
    let name = found.auto_scaling_group_name().unwrap_or_default().to_owned();
    let readiness = match readiness(found, inputs) {
        Ok(readiness) => readiness,
        Err(far) => {
            let why = why_not(cx, &name).await?;
            Readiness::Pending(why.map_or_else(|| far.clone(), |why| format!("{far}: {why}")))
        }
    };
    let arn = Arn::trusted(found.auto_scaling_group_arn().unwrap_or_default());
    let outputs = GroupOutputs { name: name.clone(), arn };
    let observed = Observed::ready(name, live(found, inputs), outputs).but(readiness);
    let beyond = found.mixed_instances_policy().and_then(MixedInstances::beyond);
    Ok(observed.with_beyond(beyond).owned_by(&tags::map(found.tags())))
}
