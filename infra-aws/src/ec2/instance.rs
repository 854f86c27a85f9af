//! Instances.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_ec2::types::{
    AttributeBooleanValue, BlockDeviceMapping, EbsBlockDevice, Filter,
    IamInstanceProfileSpecification, Instance as SdkInstance,
    InstanceNetworkInterfaceSpecification, InstanceStateName, MonitoringState, ResourceType,
    RunInstancesMonitoringEnabled,
};
use infra_core::{
    Outputs, Resource, Value,
    provider::{
        Change, Cx, Find, Grant, Managed, Observed, Once, Operation, Partial, Readiness, Result,
        Timeouts, Violation,
    },
    state::StackName,
};

use super::{
    MetadataOptions, VolumeType,
    grants::{Names, arn},
    launch_data::base64,
    search::{Object, observed, of_stack, search},
    tagging,
};
use crate::{
    Aws,
    capacity::smaller_class,
    classify::Classify,
    policy::{Verb, encrypts, key, pass},
    tags,
    types::{AmiId, Arn, InstanceId, SecurityGroupId, SubnetId},
};

/// A virtual machine.
///
/// Another image, type, subnet, key, user data, root volume or public address replaces it. A `terminated` instance
/// stays visible for an hour and counts as absent. Deploying needs `ec2:RunInstances` (on it, the image, the subnet,
/// the groups, a network interface and a volume), `ec2:ModifyInstanceAttribute`, `ec2:ModifyInstanceMetadataOptions`,
/// `ec2:MonitorInstances`, `ec2:UnmonitorInstances`, the instance profile association actions, `ec2:TerminateInstances`,
/// the tag actions on `instance/*` and `volume/*`, `ec2:DescribeInstances`, and `iam:PassRole` on the profile's role.
/// Source: *EC2 API reference*, `RunInstances`.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:ec2:Instance", outputs = InstanceOutputs)]
pub struct Instance {
    /// The image. Another image replaces the instance: pin it, do not look up the newest at each run.
    #[field(replace)]
    pub image_id: AmiId,
    /// The instance type. Another type replaces the instance.
    #[field(replace)]
    pub instance_type: String,
    /// The subnet it is in. Another subnet replaces the instance.
    #[field(replace)]
    pub subnet_id: SubnetId,
    /// Its security groups; the VPC's default one if left out.
    #[field(set, computed)]
    pub security_group_ids: Vec<SecurityGroupId>,
    /// The name of its instance profile.
    pub instance_profile: Option<String>,
    /// A key pair for SSH; better none, and Session Manager. Another key replaces the instance.
    #[field(replace)]
    pub key_name: Option<String>,
    /// What runs at the first start, as text. Another text replaces the instance.
    #[field(replace, write_only)]
    pub user_data: Option<String>,
    /// Its root volume; the image's if left out. Another one replaces the instance.
    #[field(replace, write_only)]
    pub root_volume: Option<RootVolume>,
    /// Whether it gets a public address; the subnet says if left out. Another answer replaces the instance.
    #[field(replace, write_only)]
    pub public_ip: Option<bool>,
    /// How metadata is reached.
    #[field(default = MetadataOptions::default())]
    pub metadata: MetadataOptions,
    /// Whether metrics come every minute instead of every five.
    #[field(default = false)]
    pub monitoring: bool,
    /// Whether traffic must come from or go to its own address; not for a router.
    #[field(default = true)]
    pub source_dest_check: bool,
    /// Tags; its volumes get them when they are made.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// The root volume of an instance.
#[derive(Value, Clone, Debug, PartialEq)]
pub struct RootVolume {
    /// The image's root device: `/dev/xvda` of Amazon Linux.
    pub device_name: String,
    /// Its size in GiB.
    pub size: i32,
    /// What it is made of.
    #[field(default = VolumeType::Gp3)]
    pub volume_type: VolumeType,
    /// Whether it is encrypted.
    #[field(default = true)]
    pub encrypted: bool,
    /// The key it is encrypted with; AWS's own for volumes if left out.
    pub kms_key: Option<Arn>,
}

/// What an instance gives.
#[derive(Outputs, Clone, Debug)]
pub struct InstanceOutputs {
    /// Its id.
    #[output(stable)]
    pub id: InstanceId,
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
    /// Its private address.
    #[output(stable)]
    pub private_ip: String,
    /// Its private DNS name.
    #[output(stable)]
    pub private_dns_name: String,
    /// Its public address, if it has one.
    pub public_ip: Option<String>,
}

impl Object for SdkInstance {
    fn id(&self) -> Option<&str> {
        self.instance_id()
    }

    fn tags(&self) -> &[aws_sdk_ec2::types::Tag] {
        self.tags()
    }
}

const NAMES: Names = Names {
    resource: "instance",
    read: &["DescribeInstances"],
    create: "RunInstances",
    delete: "TerminateInstances",
};

impl Managed for Instance {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        let found = search(find, "instance-id", |filter| describe(cx, filter)).await;
        observed(found, |instance| observe(cx, instance))
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        let found = describe(cx, of_stack(stack)).await?;
        Ok(Some(found.iter().map(|instance| observe(cx, instance)).collect()))
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let groups: Vec<_> =
            want.security_group_ids.iter().map(|id| id.as_str().to_owned()).collect();
        let groups = (!groups.is_empty()).then_some(groups);
        let profile = want.instance_profile.as_ref();
        let monitoring = RunInstancesMonitoringEnabled::builder().enabled(want.monitoring).build();
        let volumes = tagging::plain(ResourceType::Volume, &want.tags);
        let call = cx
            .ec2()
            .run_instances()
            .client_token(op.token())
            .min_count(1)
            .max_count(1)
            .image_id(want.image_id.as_str())
            .instance_type(want.instance_type.as_str().into())
            .set_iam_instance_profile(
                profile.map(|name| IamInstanceProfileSpecification::builder().name(name).build()),
            )
            .set_key_name(want.key_name.clone())
            .set_user_data(want.user_data.as_ref().map(|text| base64(text.as_bytes())))
            .set_block_device_mappings(want.root_volume.as_ref().map(|root| vec![root.mapping()]))
            .metadata_options(want.metadata.of_instance())
            .monitoring(monitoring)
            .tag_specifications(tagging::specification(cx, ResourceType::Instance, &want.tags, op));
        let call = match volumes {
            Some(tags) => call.tag_specifications(tags),
            None => call,
        };
        let call = match want.public_ip {
            // Only a network interface can say so, and then subnet and groups are the interface's.
            Some(public) => call.network_interfaces(
                InstanceNetworkInterfaceSpecification::builder()
                    .device_index(0)
                    .subnet_id(want.subnet_id.as_str())
                    .set_groups(groups)
                    .associate_public_ip_address(public)
                    .build(),
            ),
            None => call.subnet_id(want.subnet_id.as_str()).set_security_group_ids(groups),
        };
        let made = call.send().await.classify()?.instances.unwrap_or_default().into_iter().next();
        Ok(made.and_then(|instance| instance.instance_id).unwrap_or_default())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let (id, want, have) = (change.id()?, change.want()?, change.have()?);
        // One attribute a call.
        if change.touches(Self::SECURITY_GROUP_IDS) && !want.security_group_ids.is_empty() {
            let groups = want.security_group_ids.iter().map(|id| id.as_str().to_owned()).collect();
            let call = cx.ec2().modify_instance_attribute().instance_id(id);
            call.set_groups(Some(groups)).send().await.classify()?;
        }
        if change.touches(Self::SOURCE_DEST_CHECK) {
            let check = AttributeBooleanValue::builder().value(want.source_dest_check).build();
            let call = cx.ec2().modify_instance_attribute().instance_id(id);
            call.source_dest_check(check).send().await.classify()?;
        }
        if change.touches(Self::METADATA) {
            let call = cx
                .ec2()
                .modify_instance_metadata_options()
                .instance_id(id)
                .http_tokens(want.metadata.tokens())
                .http_put_response_hop_limit(want.metadata.hop_limit.into())
                .http_endpoint(want.metadata.endpoint());
            call.send().await.classify()?;
        }
        if change.touches(Self::MONITORING) {
            if want.monitoring {
                cx.ec2().monitor_instances().instance_ids(id).send().await.classify()?;
            } else {
                cx.ec2().unmonitor_instances().instance_ids(id).send().await.classify()?;
            }
        }
        if change.touches(Self::INSTANCE_PROFILE) {
            profile(cx, id, want.instance_profile.as_deref()).await?;
        }
        if change.touches(Self::TAGS) {
            tagging::sync(cx, id, &have.live.tags, &want.tags).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        cx.ec2().terminate_instances().instance_ids(&have.id).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let mut with = Vec::new();
        if let Some(want) = change.want {
            // Images are everybody's: their ARNs have no account.
            with.push(format!("arn:*:ec2:*::image/{}", want.image_id));
            with.push(arn("subnet", want.subnet_id.as_str()));
            with.extend(
                want.security_group_ids.iter().map(|id| arn("security-group", id.as_str())),
            );
            with.extend(want.key_name.iter().map(|name| arn("key-pair", name)));
            with.extend([arn("network-interface", "*"), arn("volume", "*")]);
        }
        let mut calls = Vec::new();
        let mut needs = |touched: bool, names: &[&'static str]| {
            calls.extend(names.iter().copied().filter(|_| touched));
        };
        let attribute =
            change.touches(Self::SECURITY_GROUP_IDS) || change.touches(Self::SOURCE_DEST_CHECK);
        needs(attribute, &["ModifyInstanceAttribute"]);
        needs(change.touches(Self::METADATA), &["ModifyInstanceMetadataOptions"]);
        needs(change.touches(Self::MONITORING), &["MonitorInstances", "UnmonitorInstances"]);
        let profile = [
            "AssociateIamInstanceProfile",
            "ReplaceIamInstanceProfileAssociation",
            "DisassociateIamInstanceProfile",
        ];
        needs(change.touches(Self::INSTANCE_PROFILE), &profile);
        let mut grants = NAMES.grants(change, with, calls, change.touches(Self::TAGS));
        let verb = Verb::of(change);
        if change.touches(Self::INSTANCE_PROFILE) {
            grants.push(Grant::new("ec2:DescribeIamInstanceProfileAssociations", "*"));
        }
        let Some(want) = change.want.filter(|_| verb != Verb::Read) else { return grants };
        if let Some(profile) = &want.instance_profile {
            // EC2 asks for the role in the profile. Which one that is only IAM knows; what a stack makes is named alike.
            let role = profile.strip_suffix('*').map_or("*", |_| profile.as_str());
            grants.push(pass(format!("arn:*:iam::*:role/{role}"), "ec2.amazonaws.com"));
        }
        if verb == Verb::Create {
            let tags = (!want.tags.is_empty()).then(|| arn("volume", "*"));
            let tag =
                |arn| Grant::new("ec2:CreateTags", arn).when("ec2:CreateAction", "RunInstances");
            grants.extend(tags.map(tag));
            if let Some(of) = want.root_volume.as_ref().and_then(|root| root.kms_key.as_ref()) {
                grants.extend(encrypts(of.as_str()));
                let data = ["kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncrypt*"];
                grants.extend(data.map(|action| Grant::new(action, key(of.as_str()))));
            }
        }
        grants
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let problem = want.get(Self::METADATA).known().and_then(|metadata| metadata.problem());
        problem.map(|problem| Violation::of(Self::METADATA, problem)).into_iter().collect()
    }

    fn shrinks(live: &Self, want: &Self) -> Option<String> {
        smaller_class(&live.instance_type, &want.instance_type)
    }

    fn once() -> Once {
        Once { token: Some(Duration::from_hours(24)), ..Once::default() }
    }

    fn timeouts() -> Timeouts {
        Timeouts::minutes(15)
    }
}

impl RootVolume {
    fn mapping(&self) -> BlockDeviceMapping {
        let volume = EbsBlockDevice::builder()
            .volume_size(self.size)
            .volume_type(self.volume_type.sdk())
            .encrypted(self.encrypted)
            .set_kms_key_id(self.kms_key.clone().map(String::from))
            .delete_on_termination(true)
            .build();
        BlockDeviceMapping::builder().device_name(&self.device_name).ebs(volume).build()
    }
}

/// Gives the instance another profile, or takes it away.
async fn profile(cx: &Cx<Aws>, id: &str, want: Option<&str>) -> Result<()> {
    let filter = super::search::filter("instance-id", [id.to_owned()]);
    let call = cx.ec2().describe_iam_instance_profile_associations().filters(filter);
    let found = call.send().await.classify()?.iam_instance_profile_associations.unwrap_or_default();
    let association = found.into_iter().find(|it| it.instance_id() == Some(id));
    let association = association.and_then(|it| it.association_id);
    let named = |name| IamInstanceProfileSpecification::builder().name(name).build();
    match (association, want) {
        (Some(old), Some(name)) => {
            let call = cx.ec2().replace_iam_instance_profile_association().association_id(old);
            call.iam_instance_profile(named(name)).send().await.classify().map(drop)
        }
        (None, Some(name)) => {
            let call = cx.ec2().associate_iam_instance_profile().instance_id(id);
            call.iam_instance_profile(named(name)).send().await.classify().map(drop)
        }
        (Some(old), None) => {
            cx.ec2().disassociate_iam_instance_profile().association_id(old).send().await.gone()
        }
        (None, None) => Ok(()),
    }
}

async fn describe(cx: &Cx<Aws>, filter: Filter) -> Result<Vec<SdkInstance>> {
    let pages = cx.ec2().describe_instances().filters(filter).into_paginator().items().send();
    let found = pages.collect::<Result<Vec<_>, _>>().await.classify()?;
    let mut found: Vec<_> =
        found.into_iter().flat_map(|it| it.instances.unwrap_or_default()).collect();
    found.retain(|instance| state(instance) != Some(&InstanceStateName::Terminated));
    Ok(found)
}

fn state(instance: &SdkInstance) -> Option<&InstanceStateName> {
    instance.state().and_then(|state| state.name())
}

fn observe(cx: &Cx<Aws>, instance: &SdkInstance) -> Observed<Instance> {
    use InstanceStateName as S;
    let all = tagging::map(instance.tags());
    let groups = instance.security_groups().iter().filter_map(|group| group.group_id());
    let profile = instance.iam_instance_profile().and_then(|profile| profile.arn());
    let live = Instance {
        image_id: AmiId::trusted(instance.image_id().unwrap_or_default()),
        instance_type: instance
            .instance_type()
            .map(|it| it.as_str().to_owned())
            .unwrap_or_default(),
        subnet_id: SubnetId::trusted(instance.subnet_id().unwrap_or_default()),
        security_group_ids: groups.map(SecurityGroupId::trusted).collect(),
        // The profile is shown by its ARN, which ends with its path and name.
        instance_profile: profile.and_then(|arn| arn.rsplit('/').next()).map(str::to_owned),
        key_name: instance.key_name().map(str::to_owned),
        user_data: None,
        root_volume: None,
        public_ip: None,
        metadata: instance
            .metadata_options()
            .map_or_else(MetadataOptions::default, MetadataOptions::from_instance),
        monitoring: matches!(
            instance.monitoring().and_then(|monitoring| monitoring.state()),
            Some(MonitoringState::Enabled | MonitoringState::Pending)
        ),
        source_dest_check: instance.source_dest_check().unwrap_or(true),
        tags: tags::visible(&all),
    };
    let id = instance.instance_id().unwrap_or_default();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let outputs = InstanceOutputs {
        id: InstanceId::trusted(id),
        arn: Arn::of(cx.partition(), "ec2", cx.region(), cx.account(), &format!("instance/{id}")),
        private_ip: text(instance.private_ip_address()),
        private_dns_name: text(instance.private_dns_name()),
        public_ip: instance.public_ip_address().filter(|ip| !ip.is_empty()).map(str::to_owned),
    };
    let readiness = match state(instance) {
        Some(S::Pending) => Readiness::Pending("pending".to_owned()),
        Some(S::ShuttingDown) => Readiness::Deleting("shutting down".to_owned()),
        Some(S::Stopping) => Readiness::Pending("stopping".to_owned()),
        // A stopped instance is one that somebody stopped: there, and theirs to start.
        _ => Readiness::Ready,
    };
    Observed::ready(id, live, outputs).but(readiness).owned_by(&all)
}
