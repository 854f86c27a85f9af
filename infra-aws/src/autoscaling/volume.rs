//! What a launch configuration says of volumes and metadata.

use aws_sdk_autoscaling::types as sdk;
use infra_core::Value;

/// A volume of the instances. What is left out is the image's, or its snapshot's.
#[derive(Value, Clone, Debug, PartialEq)]
pub struct BlockDevice {
    /// The device: `/dev/xvda` is the root of Amazon Linux.
    pub device_name: String,
    /// Its size in GiB.
    pub size: Option<i32>,
    /// What it is made of: `gp3`, `gp2`, `io1`, `io2`, `st1`, `sc1`, `standard`.
    pub volume_type: Option<String>,
    /// Whether it is encrypted, with AWS's own key.
    pub encrypted: Option<bool>,
    /// Operations a second, where the type lets them be chosen.
    pub iops: Option<i32>,
    /// MiB a second, of `gp3`.
    pub throughput: Option<i32>,
    /// Whether it goes with its instance.
    pub delete_on_termination: Option<bool>,
    /// The snapshot it begins with.
    pub snapshot: Option<String>,
    /// The disk of the instance's own host that it is instead: `ephemeral0`.
    pub virtual_name: Option<String>,
    /// Whether the image's volume of this name is left out.
    #[field(default = false)]
    pub left_out: bool,
}

impl BlockDevice {
    pub(super) fn to_sdk(&self) -> sdk::BlockDeviceMapping {
        let ebs = sdk::Ebs::builder()
            .set_volume_size(self.size)
            .set_volume_type(self.volume_type.clone())
            .set_encrypted(self.encrypted)
            .set_iops(self.iops)
            .set_throughput(self.throughput)
            .set_delete_on_termination(self.delete_on_termination)
            .set_snapshot_id(self.snapshot.clone())
            .build();
        let ebs = Some(ebs).filter(|_| self.virtual_name.is_none() && !self.left_out);
        sdk::BlockDeviceMapping::builder()
            .device_name(&self.device_name)
            .set_virtual_name(self.virtual_name.clone())
            .set_no_device(self.left_out.then_some(true))
            .set_ebs(ebs)
            .build()
    }

    pub(super) fn of(found: &sdk::BlockDeviceMapping) -> Self {
        let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let ebs = found.ebs();
        // AWS writes 0 where the type has no operations to choose.
        let number = |number: Option<i32>| number.filter(|number| *number != 0);
        Self {
            device_name: found.device_name().unwrap_or_default().to_owned(),
            size: ebs.and_then(sdk::Ebs::volume_size),
            volume_type: ebs.and_then(|ebs| text(ebs.volume_type())),
            encrypted: ebs.and_then(sdk::Ebs::encrypted),
            iops: ebs.and_then(|ebs| number(ebs.iops())),
            throughput: ebs.and_then(|ebs| number(ebs.throughput())),
            delete_on_termination: ebs.and_then(sdk::Ebs::delete_on_termination),
            snapshot: ebs.and_then(|ebs| text(ebs.snapshot_id())),
            virtual_name: text(found.virtual_name()),
            left_out: found.no_device().unwrap_or_default(),
        }
    }
}

/// How instances reach their metadata. What is left out is the safe choice: tokens required, one hop.
#[derive(Value, Clone, Debug, PartialEq)]
pub struct Metadata {
    /// Whether a token is needed (`IMDSv2`).
    #[field(default = true)]
    pub tokens_required: bool,
    /// How many hops the token's reply may go, 1 to 64.
    #[field(default = 1u16)]
    pub hop_limit: u16,
    /// Whether metadata can be reached at all.
    #[field(default = true)]
    pub enabled: bool,
}

impl Default for Metadata {
    fn default() -> Self {
        Self { tokens_required: true, hop_limit: 1, enabled: true }
    }
}

impl Metadata {
    /// What is wrong with it.
    pub(super) fn problem(&self) -> Option<String> {
        let limit = self.hop_limit;
        (!(1..=64).contains(&limit)).then(|| format!("expected 1 to 64 hops, found {limit}"))
    }

    pub(super) fn to_sdk(&self) -> sdk::InstanceMetadataOptions {
        let tokens = if self.tokens_required { "required" } else { "optional" };
        let endpoint = if self.enabled { "enabled" } else { "disabled" };
        sdk::InstanceMetadataOptions::builder()
            .http_tokens(tokens.into())
            .http_put_response_hop_limit(self.hop_limit.into())
            .http_endpoint(endpoint.into())
            .build()
    }

    /// A configuration that does not say has what AWS had before there were tokens.
    pub(super) fn of(found: Option<&sdk::InstanceMetadataOptions>) -> Self {
        let tokens =
            found.and_then(|it| it.http_tokens()).map(sdk::InstanceMetadataHttpTokensState::as_str);
        let endpoint =
            found.and_then(|it| it.http_endpoint()).map(sdk::InstanceMetadataEndpointState::as_str);
        let hops = found.and_then(sdk::InstanceMetadataOptions::http_put_response_hop_limit);
        Self {
            tokens_required: tokens == Some("required"),
            hop_limit: hops.and_then(|hops| u16::try_from(hops).ok()).unwrap_or(1),
            enabled: endpoint != Some("disabled"),
        }
    }
}
