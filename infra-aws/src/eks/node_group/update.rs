//! Changes of a node group: sizes and the like in one call, versions in another, one at a time.

use aws_sdk_eks::types::{
    self as sdk, NodeRepairConfig, NodegroupScalingConfig, NodegroupStatus, NodegroupUpdateConfig,
    UpdateLabelsPayload, UpdateTaintsPayload,
};
use infra_core::provider::{Change, Class, Cx, Error, Operation, Result};

use super::{LaunchTemplateVersion, NodeGroup, Scaling, Taint};
use crate::{
    Aws,
    classify::Classify as _,
    eks::{Unavailable, tagging},
};

/// How many may be missing, as EKS wants it.
pub(super) fn update_config(unavailable: Unavailable) -> NodegroupUpdateConfig {
    match unavailable {
        Unavailable::Count(count) => NodegroupUpdateConfig::builder().max_unavailable(count),
        Unavailable::Percentage(share) => {
            NodegroupUpdateConfig::builder().max_unavailable_percentage(share)
        }
    }
    .build()
}

impl NodeGroup {
    pub(super) fn sizes(&self, live: Option<&Self>) -> NodegroupScalingConfig {
        let Scaling { min, max, desired } = self.scaling;
        // What an autoscaler chose stays, as far as the limits allow.
        let now = live.and_then(|live| live.scaling.desired).unwrap_or(min);
        let desired = desired.unwrap_or(now.clamp(min, max.max(min)));
        NodegroupScalingConfig::builder().min_size(min).max_size(max).desired_size(desired).build()
    }

    /// Sizes, labels, taints and how updates go: one call. Whether there was anything to send.
    async fn update_config(
        cx: &Cx<Aws>,
        change: &Change<'_, Self>,
        live: &Self,
        want: &Self,
        op: &Operation,
    ) -> Result<bool> {
        let sizes = change.touches(Self::SCALING)
            && (live.scaling.min, live.scaling.max, want.scaling.desired.and(live.scaling.desired))
                != (want.scaling.min, want.scaling.max, want.scaling.desired);
        let labels = change.touches(Self::LABELS) && live.labels != want.labels;
        let missing = |those: &[Taint], from: &[Taint]| -> Vec<sdk::Taint> {
            those.iter().filter(|taint| !from.contains(taint)).map(Taint::to_sdk).collect()
        };
        let (add, remove) =
            (missing(&want.taints, &live.taints), missing(&live.taints, &want.taints));
        let taints = change.touches(Self::TAINTS) && !(add.is_empty() && remove.is_empty());
        let unavailable = want.max_unavailable.filter(|unavailable| {
            change.touches(Self::MAX_UNAVAILABLE) && live.max_unavailable != Some(*unavailable)
        });
        let repair = change.touches(Self::REPAIR) && live.repair != want.repair;
        if !(sizes || labels || taints || unavailable.is_some() || repair) {
            return Ok(false);
        }
        let label_changes = || {
            let gone =
                live.labels.keys().filter(|key| !want.labels.contains_key(*key)).cloned().collect();
            let put = want.labels.iter().filter(|(k, v)| live.labels.get(*k) != Some(v));
            let put = put.map(|(k, v)| (k.clone(), v.clone())).collect();
            UpdateLabelsPayload::builder()
                .set_add_or_update_labels(Some(put))
                .set_remove_labels(Some(gone))
                .build()
        };
        let taint_changes = UpdateTaintsPayload::builder()
            .set_add_or_update_taints((!add.is_empty()).then_some(add))
            .set_remove_taints((!remove.is_empty()).then_some(remove));
        let update = cx
            .eks()
            .update_nodegroup_config()
            .cluster_name(want.cluster.as_str())
            .set_nodegroup_name(live.name.clone())
            .set_scaling_config(sizes.then(|| want.sizes(Some(live))))
            .set_labels(labels.then(label_changes))
            .set_taints(taints.then(|| taint_changes.build()))
            .set_update_config(unavailable.map(update_config))
            .set_node_repair_config(
                repair.then(|| NodeRepairConfig::builder().enabled(want.repair).build()),
            )
            .client_request_token(format!("{}-config", op.token()));
        update.send().await.classify()?;
        Ok(true)
    }

    /// Version, release and the launch template's version: another call.
    fn version_is_due(change: &Change<'_, Self>, live: &Self, want: &Self) -> bool {
        let differs = |live: &Option<String>, want: &Option<String>| want.is_some() && live != want;
        (change.touches(Self::VERSION) && differs(&live.version, &want.version))
            || (change.touches(Self::RELEASE) && differs(&live.release, &want.release))
            || (change.touches(Self::LAUNCH_TEMPLATE)
                && live.launch_template != want.launch_template)
    }

    async fn update_version(
        cx: &Cx<Aws>,
        change: &Change<'_, Self>,
        live: &Self,
        op: &Operation,
    ) -> Result<()> {
        let want = change.want()?;
        let touched = |on: bool, text: &Option<String>| if on { text.clone() } else { None };
        let template =
            want.launch_template.as_ref().filter(|_| change.touches(Self::LAUNCH_TEMPLATE));
        let update = cx
            .eks()
            .update_nodegroup_version()
            .cluster_name(want.cluster.as_str())
            .set_nodegroup_name(live.name.clone())
            .set_version(touched(change.touches(Self::VERSION), &want.version))
            .set_release_version(touched(change.touches(Self::RELEASE), &want.release))
            .set_launch_template(template.map(LaunchTemplateVersion::to_sdk))
            .force(want.force_update)
            .client_request_token(format!("{}-version", op.token()));
        update.send().await.classify().map(drop)
    }
}

/// Sends the first of the two that is due; `Conflict` while an update is under way or the other is to come.
pub(super) async fn update(
    cx: &Cx<Aws>,
    change: &Change<'_, NodeGroup>,
    op: &Operation,
) -> Result<()> {
    let (id, want) = (change.id()?, change.want()?);
    let found = NodeGroup::describe(cx, id).await?;
    let found =
        found.ok_or_else(|| Error::not_found(format!("the node group {id} is not there")))?;
    // As it is now: an earlier attempt may have sent some of it.
    let live = NodeGroup::live(&found, Some(want))?;
    if change.touches(NodeGroup::TAGS) {
        tagging::update(cx, found.nodegroup_arn().unwrap_or_default(), &live.tags, &want.tags)
            .await?;
    }
    let busy =
        |what: String| Err(Error::new(Class::Conflict, format!("the node group {id} is {what}")));
    let version = NodeGroup::version_is_due(change, &live, want);
    if !matches!(found.status(), Some(NodegroupStatus::Active | NodegroupStatus::Degraded)) {
        let status = found.status().map_or("unknown", NodegroupStatus::as_str);
        return busy(status.to_lowercase());
    }
    if NodeGroup::update_config(cx, change, &live, want, op).await? {
        return if version {
            busy("changing; its version comes after that".to_owned())
        } else {
            Ok(())
        };
    }
    if version { NodeGroup::update_version(cx, change, &live, op).await } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_autoscaler_keeps_its_choice() {
        let found = sdk::Nodegroup::builder().scaling_config(
            NodegroupScalingConfig::builder().min_size(1).max_size(9).desired_size(7).build(),
        );
        let live = NodeGroup::live(&found.build(), None).unwrap();
        let mut want = live.clone();
        want.scaling = Scaling { min: 2, max: 5, desired: None };
        assert_eq!(want.sizes(Some(&live)).desired_size(), Some(5));
        assert_eq!(want.sizes(None).desired_size(), Some(2));
        want.scaling.desired = Some(3);
        assert_eq!(want.sizes(Some(&live)).desired_size(), Some(3));
    }
}
