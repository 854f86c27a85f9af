//! What a launch template holds, in EC2's form and back.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{
    LaunchTemplateBlockDeviceMapping, LaunchTemplateBlockDeviceMappingRequest,
    LaunchTemplateEbsBlockDevice, LaunchTemplateEbsBlockDeviceRequest,
    LaunchTemplateIamInstanceProfileSpecificationRequest, LaunchTemplatePlacement,
    LaunchTemplateTagSpecification, LaunchTemplateTagSpecificationRequest,
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

/// What a version holds that this kind cannot say. The next version would be made without it.
pub(super) fn beyond(data: &ResponseLaunchTemplateData) -> Vec<&'static str> {
    let ours = [ResourceType::Instance, ResourceType::Volume];
    let plain = |it: &LaunchTemplateBlockDeviceMapping| {
        it.ebs().is_some_and(|ebs| ebs.snapshot_id().is_none() && ebs.volume_size().is_some())
    };
    let listed = |it: &LaunchTemplateTagSpecification| {
        it.resource_type().is_some_and(|kind| ours.contains(kind))
    };
    let options = data.metadata_options();
    let tags_in_metadata = options.and_then(|it| it.instance_metadata_tags());
    let ipv6 = options.and_then(|it| it.http_protocol_ipv6());
    let placement =
        data.placement().filter(|it| **it != LaunchTemplatePlacement::builder().build());
    let packed = data.user_data().is_some_and(|it| matches!(unbase64(it), Ok((_, false))));
    let profile = data.iam_instance_profile();
    let all = [
        ("network interfaces", !data.network_interfaces().is_empty()),
        ("secondary interfaces", !data.secondary_interfaces().is_empty()),
        ("security groups by name", !data.security_groups().is_empty()),
        ("volumes of snapshots or without a size", !data.block_device_mappings().iter().all(plain)),
        (
            "tags of other objects than instances and volumes",
            !data.tag_specifications().iter().all(listed),
        ),
        ("spot options", data.instance_market_options().is_some()),
        ("instance requirements", data.instance_requirements().is_some()),
        ("placement", placement.is_some()),
        ("CPU credits", data.credit_specification().is_some_and(|it| it.cpu_credits().is_some())),
        ("CPU options", data.cpu_options().is_some()),
        ("a capacity reservation", data.capacity_reservation_specification().is_some()),
        ("licenses", !data.license_specifications().is_empty()),
        ("a kernel", data.kernel_id().is_some() || data.ram_disk_id().is_some()),
        ("protection from termination", data.disable_api_termination() == Some(true)),
        ("protection from stopping", data.disable_api_stop() == Some(true)),
        ("a shutdown behavior", data.instance_initiated_shutdown_behavior().is_some()),
        ("hibernation", data.hibernation_options().is_some_and(|it| it.configured() == Some(true))),
        ("an enclave", data.enclave_options().is_some_and(|it| it.enabled() == Some(true))),
        ("private DNS names", data.private_dns_name_options().is_some()),
        ("maintenance options", data.maintenance_options().is_some()),
        ("network performance options", data.network_performance_options().is_some()),
        ("tags in the metadata", tags_in_metadata.is_some_and(|it| it.as_str() == "enabled")),
        ("metadata over IPv6", ipv6.is_some_and(|it| it.as_str() == "enabled")),
        (
            "an instance profile whose ARN cannot be looked up",
            profile.is_some_and(|it| it.arn().is_none() && it.name().is_some()),
        ),
        ("user data that is no text (compressed?)", packed),
    ];
    all.into_iter().filter_map(|(what, is)| is.then_some(what)).collect()
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
    let user_data = user_data.map(|(text, _)| text);
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

/// The text, and whether it is one: what is not stays in base64, and would be sent as that.
fn unbase64(text: &str) -> Result<(String, bool)> {
    let invalid = |e: String| infra_core::provider::Error::invalid(format!("user data: {e}"));
    let bytes = aws_smithy_types::base64::decode(text).map_err(|e| invalid(e.to_string()))?;
    Ok(String::from_utf8(bytes).map_or_else(|_| (text.to_owned(), false), |text| (text, true)))
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{
        LaunchTemplateIamInstanceProfileSpecification, LaunchTemplateInstanceMarketOptions,
        LaunchTemplateInstanceNetworkInterfaceSpecification, MarketType,
    };

    use super::*;

    fn data() -> aws_sdk_ec2::types::builders::ResponseLaunchTemplateDataBuilder {
        ResponseLaunchTemplateData::builder()
    }

    #[test]
    fn what_the_next_version_would_not_have_is_told() {
        let plain = data().image_id("ami-1").user_data(base64(b"#!/bin/sh"));
        let plain = plain.placement(LaunchTemplatePlacement::builder().build()).build();
        assert_eq!(beyond(&plain), Vec::<&str>::new());
        let spot = LaunchTemplateInstanceMarketOptions::builder().market_type(MarketType::Spot);
        let more = data()
            .network_interfaces(
                LaunchTemplateInstanceNetworkInterfaceSpecification::builder().build(),
            )
            .instance_market_options(spot.build())
            .user_data(base64(&[0x1f, 0x8b, 0xff]))
            .build();
        let expected =
            ["network interfaces", "spot options", "user data that is no text (compressed?)"];
        assert_eq!(beyond(&more), expected);
    }

    #[test]
    fn a_profile_without_arn_is_told() {
        let profile = |arn: Option<&str>| {
            let profile = LaunchTemplateIamInstanceProfileSpecification::builder().name("web");
            data().iam_instance_profile(profile.set_arn(arn.map(str::to_owned)).build()).build()
        };
        let arn = "arn:aws:iam::123456789012:instance-profile/web";
        assert_eq!(beyond(&profile(Some(arn))), Vec::<&str>::new());
        assert_eq!(beyond(&profile(None)), ["an instance profile whose ARN cannot be looked up"]);
    }
}
