//! Managed node groups.

mod update;

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_eks::types::{
    self as sdk, AutoScalingGroup, LaunchTemplateSpecification, NodeRepairConfig, NodegroupHealth,
    NodegroupResources, NodegroupScalingConfig, NodegroupStatus, NodegroupUpdateConfig,
};
use infra_core::{
    Outputs, Resource, Value,
    provider::{
        Change, Cx, Error, Find, Grant, Managed, Observed, Once, Operation, Part, Partial,
        Readiness, Reason, Result, Timeouts, Violation,
    },
    state::{StackName, Value},
};

use super::{
    CapacityType, ClusterName, TaintEffect, Unavailable,
    search::{self, Member},
    tagging,
    types::{arn, issues, split},
};
use crate::{
    Aws, batch,
    capacity::less,
    classify::Classify as _,
    policy::{Verb, grants, linked, pass, subject},
    tags,
    types::{Arn, LaunchTemplateId, SubnetId, spelled},
};

/// Machines of a cluster that EKS makes, updates and drains:
/// `NodeGroup::new(&cluster.name, &role.arn, Scaling::new(3, 6)).subnets([&a.id, &b.id])`.
///
/// Another name, cluster, role, subnets, instance types, machine image type, capacity type, disk size or launch
/// template replaces it; leave its name out, so that the new one stands before the old one is drained. Sizes, labels,
/// taints and versions (the launch template's too) change in place. With a launch template, disk size and security
/// groups belong into it (*Customize managed nodes with launch templates* in the EKS user guide).
///
/// Needs `eks:CreateNodegroup` on the cluster, `DescribeNodegroup`, `UpdateNodegroupConfig`, `UpdateNodegroupVersion`,
/// `DeleteNodegroup`, `TagResource`, `UntagResource` on it; `iam:PassRole` on the node role; `iam:GetRole`,
/// `iam:ListAttachedRolePolicies`; `iam:CreateServiceLinkedRole` for the first; `ec2:RunInstances` and the
/// `ec2:Describe…` actions that a launch template asks for.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:eks:NodeGroup", outputs = NodeGroupOutputs)]
pub struct NodeGroup {
    /// The cluster. Another replaces it.
    #[field(replace)]
    pub cluster: ClusterName,
    /// The role of the nodes. Another replaces it.
    #[field(replace)]
    pub node_role: Arn,
    /// How many nodes.
    pub scaling: Scaling,
    /// Its name, one in a cluster. Another replaces it.
    #[field(replace, name(max = 63, extra = "-_"))]
    pub name: Option<String>,
    /// The subnets of its nodes. Others replace it.
    #[field(replace, set)]
    pub subnets: Vec<SubnetId>,
    /// The template its machines are made from. Another one replaces it; another version is rolled out.
    pub launch_template: Option<LaunchTemplateVersion>,
    /// The types of its machines, if the template has none. Others replace it.
    #[field(replace, computed)]
    pub instance_types: Vec<String>,
    /// The kind of machine image, `AL2023_x86_64_STANDARD`. Another replaces it.
    #[field(replace, computed)]
    pub ami_type: Option<String>,
    /// How its machines are paid for. Another way replaces it.
    #[field(replace, default = CapacityType::OnDemand)]
    pub capacity: CapacityType,
    /// The size of the disks in GiB, without a launch template. Another replaces it.
    #[field(replace, computed)]
    pub disk_size: Option<i32>,
    /// Labels of its nodes.
    pub labels: BTreeMap<String, String>,
    /// Taints of its nodes.
    #[field(set)]
    pub taints: Vec<Taint>,
    /// How many nodes may be missing during an update. AWS: one.
    #[field(computed)]
    pub max_unavailable: Option<Unavailable>,
    /// Whether EKS replaces nodes that are ill.
    #[field(default = false)]
    pub repair: bool,
    /// The nodes' version of Kubernetes; the cluster's when they are made, if left out.
    #[field(computed)]
    pub version: Option<String>,
    /// The release of the machine image.
    #[field(computed)]
    pub release: Option<String>,
    /// Whether an update goes on where a disruption budget keeps pods from being drained.
    #[field(write_only, default = false)]
    pub force_update: bool,
    /// Its tags; those of its machines belong into the launch template.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// How many nodes a group has: `Scaling::new(3, 6)`.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub struct Scaling {
    /// At least.
    pub min: i32,
    /// At most.
    pub max: i32,
    /// Now. Left out it begins with the minimum, and then belongs to an autoscaler.
    #[field(computed)]
    pub desired: Option<i32>,
}

/// A version of a launch template.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub struct LaunchTemplateVersion {
    /// The template.
    pub id: LaunchTemplateId,
    /// The version, best the output `latest_version` of the template: a new one is then rolled out.
    pub version: i64,
}

/// A taint.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// What it does.
    pub effect: TaintEffect,
    /// Its value.
    pub value: Option<String>,
}

/// What a node group gives.
#[derive(Outputs, Clone, Debug)]
pub struct NodeGroupOutputs {
    /// Its name.
    #[output(stable)]
    pub name: String,
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
    /// The names of the auto scaling groups that hold its machines.
    #[output(stable)]
    pub auto_scaling_groups: Vec<String>,
}

impl LaunchTemplateVersion {
    fn to_sdk(&self) -> LaunchTemplateSpecification {
        LaunchTemplateSpecification::builder()
            .id(self.id.as_str())
            .version(self.version.to_string())
            .build()
    }

    fn of(found: &LaunchTemplateSpecification) -> Option<Self> {
        let version = found.version()?.parse().ok()?;
        Some(Self { id: LaunchTemplateId::trusted(found.id()?), version })
    }
}

impl Taint {
    fn to_sdk(&self) -> sdk::Taint {
        let taint = sdk::Taint::builder().key(&self.key).set_value(self.value.clone());
        taint.effect(self.effect.as_str().into()).build()
    }

    fn of(found: &sdk::Taint) -> Option<Self> {
        Some(Self {
            key: found.key()?.to_owned(),
            effect: spelled(found.effect()?.as_str()).ok()?,
            value: found.value().filter(|value| !value.is_empty()).map(str::to_owned),
        })
    }
}

fn readiness(found: &sdk::Nodegroup) -> Readiness {
    let health = found.health().map_or(&[][..], NodegroupHealth::issues);
    let code = |issue: &sdk::Issue| issue.code().map_or("Issue", |code| code.as_str()).to_owned();
    let codes: Vec<_> = health.iter().map(code).collect();
    let said = issues(
        health.iter().zip(&codes).map(|(i, code)| (code.as_str(), i.message(), i.resource_ids())),
    );
    let with =
        |what: &str| if said.is_empty() { what.to_owned() } else { format!("{what}: {said}") };
    match found.status() {
        Some(NodegroupStatus::Active) => Readiness::Ready,
        Some(NodegroupStatus::CreateFailed) => Readiness::Failed(with("CREATE_FAILED")),
        Some(NodegroupStatus::DeleteFailed) => Readiness::Failed(with("DELETE_FAILED")),
        Some(NodegroupStatus::Deleting) => Readiness::Deleting(with("deleting")),
        // A degraded group may recover, when an image can be pulled again for instance.
        status => Readiness::Pending(with(
            &status.map_or("unknown", NodegroupStatus::as_str).to_lowercase(),
        )),
    }
}

impl NodeGroup {
    fn id(&self) -> Result<String> {
        let name =
            self.name.as_deref().ok_or_else(|| Error::invalid("a node group without a name"))?;
        Ok(format!("{}/{name}", self.cluster))
    }

    fn live(found: &sdk::Nodegroup, inputs: Option<&Self>) -> Result<Self> {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let scaling = found.scaling_config();
        let size = |of: fn(&NodegroupScalingConfig) -> Option<i32>| scaling.and_then(of);
        let update = found.update_config();
        let count = update.and_then(NodegroupUpdateConfig::max_unavailable).map(Unavailable::Count);
        let share = update.and_then(NodegroupUpdateConfig::max_unavailable_percentage);
        let capacity = found.capacity_type().map_or("ON_DEMAND", |capacity| capacity.as_str());
        Ok(Self {
            cluster: ClusterName::trusted(text(found.cluster_name())),
            node_role: Arn::trusted(text(found.node_role())),
            scaling: Scaling {
                min: size(NodegroupScalingConfig::min_size).unwrap_or_default(),
                max: size(NodegroupScalingConfig::max_size).unwrap_or_default(),
                desired: size(NodegroupScalingConfig::desired_size),
            },
            name: found.nodegroup_name().map(str::to_owned),
            subnets: found.subnets().iter().map(SubnetId::trusted).collect(),
            launch_template: found.launch_template().and_then(LaunchTemplateVersion::of),
            instance_types: found.instance_types().to_vec(),
            ami_type: found.ami_type().map(|ami| ami.as_str().to_owned()),
            capacity: spelled(capacity)?,
            disk_size: found.disk_size(),
            labels: tagging::map(found.labels()),
            taints: found.taints().iter().filter_map(Taint::of).collect(),
            max_unavailable: count.or(share.map(Unavailable::Percentage)),
            repair: found
                .node_repair_config()
                .and_then(NodeRepairConfig::enabled)
                .unwrap_or_default(),
            version: found.version().map(str::to_owned),
            release: found.release_version().map(str::to_owned),
            force_update: inputs.is_some_and(|inputs| inputs.force_update),
            tags: tags::visible(&tagging::map(found.tags())),
        })
    }

    fn observed(found: &sdk::Nodegroup, inputs: Option<&Self>) -> Result<Observed<Self>> {
        let live = Self::live(found, inputs)?;
        let groups = found.resources().map_or(&[][..], NodegroupResources::auto_scaling_groups);
        let outputs = NodeGroupOutputs {
            name: found.nodegroup_name().unwrap_or_default().to_owned(),
            arn: Arn::trusted(found.nodegroup_arn().unwrap_or_default()),
            auto_scaling_groups: groups
                .iter()
                .filter_map(AutoScalingGroup::name)
                .map(str::to_owned)
                .collect(),
        };
        let readiness = readiness(found);
        // They come some time after the group; without them there is nothing that others could use.
        let known = !outputs.auto_scaling_groups.is_empty();
        let mut observed = Observed::ready(live.id()?, live, outputs).but(readiness);
        observed.outputs = observed.outputs.filter(|_| known);
        Ok(observed.owned_by(&tagging::map(found.tags())))
    }

    async fn describe(cx: &Cx<Aws>, id: &str) -> Result<Option<sdk::Nodegroup>> {
        let (cluster, name) = split(id)?;
        let describe = cx.eks().describe_nodegroup().cluster_name(cluster).nodegroup_name(name);
        Ok(describe.send().await.found()?.and_then(|answer| answer.nodegroup))
    }

    async fn read_one(cx: &Cx<Aws>, find: &Find<'_, Self>) -> Result<Option<Observed<Self>>> {
        let id = match find {
            Find::Id { id, .. } => (*id).to_owned(),
            Find::Made { want, .. } => want.id()?,
        };
        let found = Self::describe(cx, &id).await?;
        found.map(|found| Self::observed(&found, find.inputs())).transpose()
    }
}

impl Managed for NodeGroup {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        batch::each(find, |find| Self::read_one(cx, find)).await
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        search::members_of(cx, stack, Member::NodeGroup).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let taints: Vec<_> = want.taints.iter().map(Taint::to_sdk).collect();
        let some = |list: Vec<String>| (!list.is_empty()).then_some(list);
        let create = cx
            .eks()
            .create_nodegroup()
            .cluster_name(want.cluster.as_str())
            .set_nodegroup_name(want.name.clone())
            .node_role(want.node_role.as_str())
            .scaling_config(want.sizes(None))
            .set_subnets(some(want.subnets.iter().map(ToString::to_string).collect()))
            .set_launch_template(want.launch_template.as_ref().map(LaunchTemplateVersion::to_sdk))
            .set_instance_types(some(want.instance_types.clone()))
            .set_ami_type(want.ami_type.as_deref().map(Into::into))
            .capacity_type(want.capacity.as_str().into())
            .set_disk_size(want.disk_size)
            .set_labels(
                Some(tagging::list(want.labels.clone())).filter(|labels| !labels.is_empty()),
            )
            .set_taints((!taints.is_empty()).then_some(taints))
            .set_update_config(want.max_unavailable.map(update::update_config))
            .node_repair_config(NodeRepairConfig::builder().enabled(want.repair).build())
            .set_version(want.version.clone())
            .set_release_version(want.release.clone())
            .set_tags(Some(tagging::list(cx.tags(&want.tags, op))))
            .client_request_token(op.token());
        create.send().await.classify()?;
        want.id()
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, op: &Operation) -> Result<()> {
        update::update(cx, change, op).await
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        if matches!(have.readiness, Readiness::Deleting(_)) {
            return Ok(());
        }
        let (cluster, name) = split(&have.id)?;
        cx.eks().delete_nodegroup().cluster_name(cluster).nodegroup_name(name).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let live = subject(change);
        let cluster = live.map_or("*", |live| live.cluster.as_str());
        let name = live.and_then(|live| live.name.as_deref()).unwrap_or("*");
        let this = arn(&format!("nodegroup/{cluster}/{name}/*"));
        let verb = Verb::of(change);
        let mut all = grants(&*this, ["eks:DescribeNodegroup"]);
        match verb {
            Verb::Search => {
                return search::grants(&["eks:ListNodegroups", "eks:DescribeNodegroup"]);
            }
            Verb::Read => {}
            Verb::Create => {
                all.extend(grants(arn(&format!("cluster/{cluster}")), ["eks:CreateNodegroup"]));
                all.extend(grants(this, ["eks:TagResource"]));
            }
            Verb::Update => {
                let actions = ["eks:UpdateNodegroupConfig", "eks:UpdateNodegroupVersion"];
                let tags = ["eks:TagResource", "eks:UntagResource"];
                all.extend(grants(this, actions.into_iter().chain(tags)));
            }
            Verb::Delete => all.extend(grants(this, ["eks:DeleteNodegroup"])),
        }
        let Some(live) = live.filter(|_| matches!(verb, Verb::Create | Verb::Update)) else {
            return all;
        };
        if verb == Verb::Create {
            let role = live.node_role.as_str();
            all.push(pass(role, "eks.amazonaws.com"));
            // EKS looks with the caller's permissions whether a node could do its work.
            all.extend(grants(role, ["iam:GetRole", "iam:ListAttachedRolePolicies"]));
            let service = "eks-nodegroup.amazonaws.com";
            all.push(linked(service, "AWSServiceRoleForAmazonEKSNodegroup"));
        }
        if live.launch_template.is_some() {
            // EKS tries with the caller's permissions whether the template starts instances.
            let of_template = |action| {
                let template = "arn:*:ec2:*:*:launch-template/*";
                Grant::new(action, "*").when("ec2:LaunchTemplate", template)
            };
            all.push(of_template("ec2:RunInstances"));
            let tag = Grant::new("ec2:CreateTags", "*");
            all.push(tag.when("ec2:CreateAction", "RunInstances"));
            all.extend(grants("*", ["ec2:DescribeLaunchTemplateVersions"]));
        }
        all
    }

    fn foreseen(want: &Self) -> Vec<(&'static str, Value)> {
        // EKS names them after the group.
        let name = format!("eks-{}-*", want.name.as_deref().unwrap_or("*"));
        vec![("auto_scaling_groups", vec![Value::from(name.as_str())].into())]
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let mut violations = Vec::new();
        if want.get(Self::SUBNETS) == Part::Unset {
            violations
                .push(Violation::of(Self::SUBNETS, "expected at least one subnet, found none"));
        }
        if let Part::Known(Scaling { min, max, desired }) = want.get(Self::SCALING)
            && !(0 <= min
                && min <= max
                && 1 <= max
                && desired.is_none_or(|n| (min..=max).contains(&n)))
        {
            let message = "expected 0 <= min <= desired <= max and at least one node at most";
            violations.push(Violation::of(Self::SCALING, message));
        }
        if want.get(Self::LAUNCH_TEMPLATE) != Part::Unset
            && want.get(Self::DISK_SIZE) != Part::Unset
        {
            let message = "expected the disk size in the launch template, found it here too";
            violations.push(Violation::of(Self::DISK_SIZE, message));
        }
        violations
    }

    fn replaces(old: &Self, new: &Partial<Self>) -> Option<Reason> {
        let id = match new.get(Self::LAUNCH_TEMPLATE) {
            Part::Known(template) => Some(template.id),
            Part::Unset => None,
            Part::Unknown => return None,
        };
        let differs = old.launch_template.as_ref().map(|template| &template.id) != id.as_ref();
        let message = "only the version of a node group's launch template can change";
        differs.then(|| Reason::of(Self::LAUNCH_TEMPLATE, message))
    }

    fn shrinks(live: &Self, want: &Self) -> Option<String> {
        let (is, then) = (&live.scaling, &want.scaling);
        let desired = then.desired.or(is.desired).map(|it| it.clamp(then.min, then.max));
        less("nodes", is.desired, desired).or_else(|| less("nodes at most", is.max, then.max))
    }

    fn once() -> Once {
        Once { token: Some(Duration::from_hours(24)), by_name: true, ..Once::default() }
    }

    fn timeouts() -> Timeouts {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        Timeouts { create: minutes(40), update: minutes(120), delete: minutes(40) }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_eks::types::{Issue, NodegroupIssueCode};

    use super::*;

    #[test]
    fn health_issues_are_said() {
        let issue = Issue::builder()
            .code(NodegroupIssueCode::NodeCreationFailure)
            .message("no route to the cluster");
        let health = NodegroupHealth::builder().issues(issue.build()).build();
        let found =
            sdk::Nodegroup::builder().status(NodegroupStatus::CreateFailed).health(health).build();
        let said = "CREATE_FAILED: NodeCreationFailure: no route to the cluster";
        assert_eq!(readiness(&found), Readiness::Failed(said.to_owned()));
    }
}
