//! What a launch template holds, in EC2's form and back.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{
    LaunchTemplateBlockDeviceMapping, LaunchTemplateBlockDeviceMappingRequest,
    LaunchTemplateEbsBlockDevice, LaunchTemplateEbsBlockDeviceRequest,
    LaunchTemplateIamInstanceProfileSpecificationRequest, LaunchTemplateTagSpecificationRequest,
    LaunchTemplatesMonitoring, LaunchTemplatesMonitoringRequest, RequestLaunchTemplateData,
    ResourceType, ResponseLaunchTemplateData, Tag, VolumeType as SdkVolumeType,
};
use infra_core::{Value, provider::Result};

use super::{LaunchTemplate, MetadataOptions, tagging};
use crate::types::{AmiId, Arn, SecurityGroupId};

/// A volume of an instance.
#[derive(Value, Clone, Debug, PartialEq)]
pub struct BlockDevice {
    /// The device: `/dev/xvda` is the root of Amazon Linux.
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
    /// Operations a second, where the type lets them be chosen.
    pub iops: Option<i32>,
    /// MiB a second, of `gp3`.
    pub throughput: Option<i32>,
    /// Whether it goes with its instance.
    #[field(default = true)]
    pub delete_on_termination: bool,
}

/// What a volume is made of.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum VolumeType {
    /// General purpose.
    Gp3,
    /// General purpose, the generation before.
    Gp2,
    /// Provisioned operations.
    Io1,
    /// Provisioned operations, durable.
    Io2,
    /// Throughput-optimised disk.
    St1,
    /// Cold disk.
    Sc1,
    /// Magnetic.
    Standard,
}

impl VolumeType {
    pub(super) fn sdk(self) -> SdkVolumeType {
        self.as_str().into()
    }

    fn of(live: Option<&SdkVolumeType>) -> Self {
        match live.map(SdkVolumeType::as_str) {
            Some("gp2") => Self::Gp2,
            Some("io1") => Self::Io1,
            Some("io2") => Self::Io2,
            Some("st1") => Self::St1,
            Some("sc1") => Self::Sc1,
            Some("standard") => Self::Standard,
            _ => Self::Gp3,
        }
    }
}

impl BlockDevice {
    fn request(&self) -> LaunchTemplateBlockDeviceMappingRequest {
        let ebs = LaunchTemplateEbsBlockDeviceRequest::builder()
            .volume_size(self.size)
            .volume_type(self.volume_type.sdk())
            .encrypted(self.encrypted)
            .set_kms_key_id(self.kms_key.clone().map(String::from))
            .set_iops(self.iops)
            .set_throughput(self.throughput)
            .delete_on_termination(self.delete_on_termination)
            .build();
        let mapping = LaunchTemplateBlockDeviceMappingRequest::builder();
        mapping.device_name(&self.device_name).ebs(ebs).build()
    }

    fn of(live: &LaunchTemplateBlockDeviceMapping) -> Option<Self> {
        let ebs: &LaunchTemplateEbsBlockDevice = live.ebs()?;
        Some(Self {
            device_name: live.device_name().unwrap_or_default().to_owned(),
            size: ebs.volume_size().unwrap_or_default(),
            volume_type: VolumeType::of(ebs.volume_type()),
            encrypted: ebs.encrypted().unwrap_or_default(),
            kms_key: ebs.kms_key_id().map(Arn::trusted),
            iops: ebs.iops(),
            throughput: ebs.throughput(),
            delete_on_termination: ebs.delete_on_termination().unwrap_or(true),
        })
    }
}

/// The template's content for a create or a new version.
pub(super) fn request(want: &LaunchTemplate) -> RequestLaunchTemplateData {
    let tags =
        [(ResourceType::Instance, &want.instance_tags), (ResourceType::Volume, &want.volume_tags)];
    let tags = tags.into_iter().filter(|(_, tags)| !tags.is_empty()).map(|(kind, tags)| {
        let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
        LaunchTemplateTagSpecificationRequest::builder()
            .resource_type(kind)
            .set_tags(Some(tags.iter().map(tag).collect()))
            .build()
    });
    let tags: Vec<_> = tags.collect();
    let groups: Vec<_> = want.security_group_ids.iter().map(|id| id.as_str().to_owned()).collect();
    let devices: Vec<_> = want.block_devices.iter().map(BlockDevice::request).collect();
    let profile = want.instance_profile.as_ref().map(|arn| {
        LaunchTemplateIamInstanceProfileSpecificationRequest::builder().arn(arn.as_str()).build()
    });
    RequestLaunchTemplateData::builder()
        .set_image_id(want.image_id.clone().map(String::from))
        .set_instance_type(want.instance_type.as_deref().map(Into::into))
        .set_key_name(want.key_name.clone())
        .set_security_group_ids((!groups.is_empty()).then_some(groups))
        .set_user_data(want.user_data.as_ref().map(|text| base64(text.as_bytes())))
        .set_iam_instance_profile(profile)
        .set_block_device_mappings((!devices.is_empty()).then_some(devices))
        .metadata_options(want.metadata.of_template())
        .monitoring(LaunchTemplatesMonitoringRequest::builder().enabled(want.monitoring).build())
        .set_ebs_optimized(want.ebs_optimized)
        .set_tag_specifications((!tags.is_empty()).then_some(tags))
        .build()
}

/// What a version of a template holds; name and tags are the template's, not the version's.
pub(super) fn live(
    name: Option<&str>,
    tags: BTreeMap<String, String>,
    data: &ResponseLaunchTemplateData,
) -> Result<LaunchTemplate> {
    let tags_of = |kind: &ResourceType| {
        let mut found = data.tag_specifications().iter();
        found.find(|it| it.resource_type() == Some(kind)).map(|it| tagging::map(it.tags()))
    };
    let user_data = data.user_data().filter(|text| !text.is_empty()).map(unbase64).transpose()?;
    Ok(LaunchTemplate {
        name: name.map(str::to_owned),
        image_id: data.image_id().map(AmiId::trusted),
        instance_type: data.instance_type().map(|kind| kind.as_str().to_owned()),
        key_name: data.key_name().map(str::to_owned),
        security_group_ids: data
            .security_group_ids()
            .iter()
            .map(SecurityGroupId::trusted)
            .collect(),
        user_data,
        instance_profile: data.iam_instance_profile().and_then(|it| it.arn()).map(Arn::trusted),
        block_devices: data.block_device_mappings().iter().filter_map(BlockDevice::of).collect(),
        metadata: data.metadata_options().map_or_else(
            || MetadataOptions {
                http_tokens: super::HttpTokens::Optional,
                ..MetadataOptions::default()
            },
            MetadataOptions::from_template,
        ),
        monitoring: data
            .monitoring()
            .and_then(LaunchTemplatesMonitoring::enabled)
            .unwrap_or_default(),
        ebs_optimized: data.ebs_optimized(),
        instance_tags: tags_of(&ResourceType::Instance).unwrap_or_default(),
        volume_tags: tags_of(&ResourceType::Volume).unwrap_or_default(),
        tags,
    })
}

/// EC2 takes user data in base64.
pub(super) fn base64(bytes: &[u8]) -> String {
    aws_smithy_types::base64::encode(bytes)
}

fn unbase64(text: &str) -> Result<String> {
    let invalid = |e: String| infra_core::provider::Error::invalid(format!("user data: {e}"));
    let bytes = aws_smithy_types::base64::decode(text).map_err(|e| invalid(e.to_string()))?;
    // User data may be compressed: then it is shown as AWS gives it.
    Ok(String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned()))
}
