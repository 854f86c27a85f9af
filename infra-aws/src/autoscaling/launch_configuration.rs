//! Launch configurations.

use aws_sdk_autoscaling::types as sdk;
use infra_core::{
    Outputs, Resource,
    provider::{
        Change, Class, Cx, Error, Find, Grant, Managed, Observed, Once, Operation, Partial, Result,
        Violation,
    },
    state::{StackName, Value},
};

use super::volume::{BlockDevice, Metadata};
use crate::{
    Aws, batch,
    classify::Classify as _,
    owned,
    policy::{Verb, grants, pass, subject},
    types::{AmiId, Arn, SecurityGroupId},
};

/// What an auto scaling group's instances are made of, where there is no launch template yet.
///
/// AWS keeps these for what has them already: accounts that had none before October 2024 cannot make any, and types of
/// instances since 2023 are refused. Something new uses [`ec2::LaunchTemplate`](crate::ec2::LaunchTemplate).
///
/// It cannot be changed: everything replaces it. Leave its name out, so that the new one stands, and the group uses it,
/// before the old one goes. It has no tags; a stack's own are known by their generated names.
///
/// Needs `autoscaling:CreateLaunchConfiguration` and `DeleteLaunchConfiguration` on it,
/// `autoscaling:DescribeLaunchConfigurations`, and `iam:PassRole` on the profile's role. Source: *EC2 Auto Scaling API
/// reference*, `CreateLaunchConfiguration`.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:autoscaling:LaunchConfiguration", outputs = LaunchConfigurationOutputs)]
pub struct LaunchConfiguration {
    /// The image. Another replaces it.
    #[field(replace)]
    pub image_id: AmiId,
    /// The instance type. Another replaces it.
    #[field(replace)]
    pub instance_type: String,
    /// Its name, unique in the region; generated if left out. Another replaces it.
    #[field(replace, name(max = 255, extra = "-_./()"))]
    pub name: Option<String>,
    /// Security groups; the VPC's default one if left out. Others replace it.
    #[field(replace, set)]
    pub security_groups: Vec<SecurityGroupId>,
    /// The name or ARN of the instance profile. Another replaces it.
    #[field(replace)]
    pub instance_profile: Option<String>,
    /// A key pair for SSH; better none, and Session Manager. Another replaces it.
    #[field(replace)]
    pub key_name: Option<String>,
    /// What runs at the first start, as text. Another replaces it.
    #[field(replace)]
    pub user_data: Option<String>,
    /// Whether instances get public addresses; the subnet says if left out. Another answer replaces it.
    #[field(replace)]
    pub public_ip: Option<bool>,
    /// Volumes; the image's if left out. Others replace it.
    #[field(replace, key = "device_name")]
    pub block_devices: Vec<BlockDevice>,
    /// How metadata is reached. Another way replaces it.
    #[field(replace, default = Metadata::default())]
    pub metadata: Metadata,
    /// Whether metrics come every minute instead of every five. Another answer replaces it.
    #[field(replace, default = true)]
    pub monitoring: bool,
    /// Whether volumes have a connection of their own. Another answer replaces it.
    #[field(replace, default = false)]
    pub ebs_optimized: bool,
    /// The most that is paid for an hour of a spot instance; on demand if left out. Another replaces it.
    #[field(replace)]
    pub spot_price: Option<String>,
    /// `dedicated`, or `default` where the VPC says otherwise. Another replaces it.
    #[field(replace)]
    pub tenancy: Option<String>,
}

/// What a launch configuration gives.
#[derive(Outputs, Clone, Debug)]
pub struct LaunchConfigurationOutputs {
    /// Its name.
    #[output(stable)]
    pub name: String,
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
}

/// That many can be asked for by name at once.
const BATCH: usize = 50;

impl LaunchConfiguration {
    fn observed(found: &sdk::LaunchConfiguration) -> Result<Observed<Self>> {
        let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let monitoring =
            found.instance_monitoring().and_then(sdk::InstanceMonitoring::enabled).unwrap_or(true);
        let name = text(found.launch_configuration_name()).unwrap_or_default();
        let user_data = text(found.user_data()).map(|data| unbase64(&data)).transpose()?;
        let packed = user_data.as_ref().is_some_and(|(_, is_text)| !is_text);
        let live = Self {
            image_id: AmiId::trusted(found.image_id().unwrap_or_default()),
            instance_type: found.instance_type().unwrap_or_default().to_owned(),
            name: Some(name.clone()),
            security_groups: found.security_groups().iter().map(SecurityGroupId::trusted).collect(),
            instance_profile: text(found.iam_instance_profile()),
            key_name: text(found.key_name()),
            user_data: user_data.map(|(text, _)| text),
            public_ip: found.associate_public_ip_address(),
            block_devices: found.block_device_mappings().iter().map(BlockDevice::of).collect(),
            metadata: Metadata::of(found.metadata_options()),
            monitoring,
            ebs_optimized: found.ebs_optimized().unwrap_or_default(),
            spot_price: text(found.spot_price()),
            tenancy: text(found.placement_tenancy()),
        };
        let arn = Arn::trusted(found.launch_configuration_arn().unwrap_or_default());
        let outputs = LaunchConfigurationOutputs { name: name.clone(), arn };
        Ok(Observed::ready(name, live, outputs).with_beyond(packed.then_some(PACKED)))
    }

    fn arn(name: &str) -> String {
        format!("arn:*:autoscaling:*:*:launchConfiguration:*:launchConfigurationName/{name}")
    }
}

/// Those of these names that exist.
async fn by_name(cx: &Cx<Aws>, names: &[String]) -> Result<Vec<sdk::LaunchConfiguration>> {
    let batches: Vec<_> = names.chunks(BATCH).collect();
    let answers = batch::each(&batches, |names| async move {
        let describe = cx.autoscaling().describe_launch_configurations();
        let describe = describe.set_launch_configuration_names(Some(names.to_vec()));
        describe.send().await.classify()
    });
    let mut all = Vec::new();
    for answer in answers.await {
        all.extend(answer?.launch_configurations.unwrap_or_default());
    }
    Ok(all)
}

/// User data that is no text.
const PACKED: &str = "user data that is no text (compressed?)";

/// The text, and whether it is one: what is not stays in base64, and would be sent as that.
fn unbase64(data: &str) -> Result<(String, bool)> {
    let invalid = |e: String| Error::invalid(format!("user data: {e}"));
    let bytes = aws_smithy_types::base64::decode(data).map_err(|e| invalid(e.to_string()))?;
    Ok(String::from_utf8(bytes).map_or_else(|_| (data.to_owned(), false), |text| (text, true)))
}

/// What to do about an account that may not make any: AWS says what to use, but not what that means for this program.
fn explained(error: Error) -> Error {
    if !error.to_string().contains("operation is not available in your account") {
        return error;
    }
    let message = format!(
        "{error}\naccounts without launch configurations before October 2024 cannot make any: \
         declare an ec2::LaunchTemplate, and give it to the group by `launch_template`"
    );
    Error::new(Class::Invalid, message).because(error)
}

impl Managed for LaunchConfiguration {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        let name_of = |find: &Find<'_, Self>| match find {
            Find::Id { id, .. } => Some((*id).to_owned()),
            Find::Made { want, .. } => want.name.clone(),
        };
        let names: Vec<Option<String>> = find.iter().map(name_of).collect();
        let asked: Vec<String> = names.iter().flatten().cloned().collect();
        let found = by_name(cx, &asked).await;
        let answer = |name: &Option<String>| {
            let found = found.as_ref().map_err(Error::again)?;
            let is_it = |it: &&sdk::LaunchConfiguration| {
                name.is_some() && it.launch_configuration_name() == name.as_deref()
            };
            found.iter().find(is_it).map(Self::observed).transpose()
        };
        names.iter().map(answer).collect()
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        let Some(prefix) = owned::prefix::<Self>(stack) else { return Ok(None) };
        let pages = cx.autoscaling().describe_launch_configurations().into_paginator();
        let found = pages.items().send().collect::<Result<Vec<_>, _>>().await.classify()?;
        let ours = found.iter().filter(|it| {
            it.launch_configuration_name().is_some_and(|name| name.starts_with(&prefix))
        });
        ours.map(Self::observed).collect::<Result<_>>().map(Some)
    }

    async fn create(cx: &Cx<Aws>, want: &Self, _: &Operation) -> Result<String> {
        let some = |list: Vec<String>| (!list.is_empty()).then_some(list);
        let groups = want.security_groups.iter().map(ToString::to_string).collect();
        let devices: Vec<_> = want.block_devices.iter().map(BlockDevice::to_sdk).collect();
        let data = want.user_data.as_deref().map(aws_smithy_types::base64::encode);
        let create = cx
            .autoscaling()
            .create_launch_configuration()
            .set_launch_configuration_name(want.name.clone())
            .image_id(want.image_id.as_str())
            .instance_type(&want.instance_type)
            .set_security_groups(some(groups))
            .set_iam_instance_profile(want.instance_profile.clone())
            .set_key_name(want.key_name.clone())
            .set_user_data(data)
            .set_associate_public_ip_address(want.public_ip)
            .set_block_device_mappings((!devices.is_empty()).then_some(devices))
            .metadata_options(want.metadata.to_sdk())
            .instance_monitoring(
                sdk::InstanceMonitoring::builder().enabled(want.monitoring).build(),
            )
            .ebs_optimized(want.ebs_optimized)
            .set_spot_price(want.spot_price.clone())
            .set_placement_tenancy(want.tenancy.clone());
        create.send().await.classify().map_err(explained)?;
        Ok(want.name.clone().unwrap_or_default())
    }

    async fn update(_: &Cx<Aws>, _: &Change<'_, Self>, _: &Operation) -> Result<()> {
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        let delete = cx.autoscaling().delete_launch_configuration();
        delete.launch_configuration_name(&have.id).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let live = subject(change);
        let name = live.and_then(|it| it.name.as_deref()).unwrap_or("*");
        let mut all = grants("*", ["autoscaling:DescribeLaunchConfigurations"]);
        match Verb::of(change) {
            Verb::Search | Verb::Read | Verb::Update => {}
            Verb::Create => {
                all.extend(grants(Self::arn(name), ["autoscaling:CreateLaunchConfiguration"]));
                // Which role is in the profile only IAM knows; what a stack makes is named alike.
                let profile = live.and_then(|it| it.instance_profile.as_deref());
                all.extend(profile.map(|profile| {
                    let name = profile.rsplit('/').next().unwrap_or(profile);
                    let role = name.strip_suffix('*').map_or("*", |_| name);
                    pass(format!("arn:*:iam::*:role/{role}"), "ec2.amazonaws.com")
                }));
            }
            Verb::Delete => {
                all.extend(grants(Self::arn(name), ["autoscaling:DeleteLaunchConfiguration"]));
            }
        }
        all
    }

    fn foreseen(want: &Self) -> Vec<(&'static str, Value)> {
        vec![("arn", Self::arn(want.name.as_deref().unwrap_or("*")).as_str().into())]
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let mut violations = Vec::new();
        if let Some(problem) = want.get(Self::METADATA).known().and_then(|it| it.problem()) {
            violations.push(Violation::of(Self::METADATA, problem));
        }
        // AWS counts before base64.
        if let Some(length) = want.get(Self::USER_DATA).known().map(|text| text.len())
            && length > 16_384
        {
            let message = format!("expected at most 16384 bytes, found {length}");
            violations.push(Violation::of(Self::USER_DATA, message));
        }
        if let Some(tenancy) = want.get(Self::TENANCY).known()
            && !["default", "dedicated"].contains(&tenancy.as_str())
        {
            let message = format!("expected `default` or `dedicated`, found {tenancy:?}");
            violations.push(Violation::of(Self::TENANCY, message));
        }
        violations
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_is_too_new_is_told_what_to_use() {
        let said = "autoscaling CreateLaunchConfiguration: UnsupportedOperation: The Launch Configuration creation \
                    operation is not available in your account. Use launch templates";
        let error = explained(Error::invalid(said)).to_string();
        assert!(error.contains("ec2::LaunchTemplate"), "{error}");
        assert_eq!(explained(Error::invalid("no such image")).to_string(), "no such image");
    }

    #[test]
    fn user_data_that_is_no_text_is_not_taken_for_some() {
        assert_eq!(unbase64("aGVsbG8=").unwrap(), ("hello".to_owned(), true));
        assert_eq!(unbase64("H4sI/w==").unwrap(), ("H4sI/w==".to_owned(), false));
        let found = |data: &str| {
            let found = sdk::LaunchConfiguration::builder().user_data(data).build();
            LaunchConfiguration::observed(&found).unwrap().beyond
        };
        assert_eq!(found("aGVsbG8="), Vec::<String>::new());
        assert_eq!(found("H4sI/w=="), [PACKED]);
    }
}
