//! Launch templates.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_ec2::types::{LaunchTemplate as SdkTemplate, ResourceType, ResponseLaunchTemplateData};
use infra_core::{
    Data, Outputs, Resource,
    provider::{
        Change, Class, Cx, Find, Grant, Managed, Observed, Once, Operation, Partial, Result,
        Violation,
    },
    state::StackName,
};

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{BlockDevice, MetadataOptions, grants::Names, launch_data, search::of_stack, tagging};
use crate::{
    Aws,
    batch::each,
    classify::Classify,
    owned::{self, STACK},
    policy::Verb,
    tags,
    types::{AmiId, Arn, LaunchTemplateId, SecurityGroupId},
};

/// What new instances are made of.
///
/// Every change of its content is a new version, which becomes the default one; what uses `latest_version` follows. A
/// version cannot be changed. Only another name replaces the template. Deploying needs `ec2:CreateLaunchTemplate`,
/// `ec2:CreateLaunchTemplateVersion`, `ec2:ModifyLaunchTemplate`, `ec2:DeleteLaunchTemplate`, the tag actions on
/// `launch-template/*`, `ec2:DescribeLaunchTemplates` and `ec2:DescribeLaunchTemplateVersions`; importing one that has
/// its instance profile by name, `iam:GetInstanceProfile`. Source: *EC2 user
/// guide*, *Launch templates*.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:ec2:LaunchTemplate", outputs = LaunchTemplateOutputs)]
pub struct LaunchTemplate {
    /// Its name, unique in the region; generated if left out. Another name replaces the template.
    #[field(replace, name(max = 128, extra = "()./_-"))]
    pub name: Option<String>,
    /// The image.
    pub image_id: Option<AmiId>,
    /// The instance type.
    pub instance_type: Option<String>,
    /// A key pair for SSH; better none, and Session Manager.
    pub key_name: Option<String>,
    /// Security groups. An EKS node group with some here does not get the cluster's own.
    #[field(set)]
    pub security_group_ids: Vec<SecurityGroupId>,
    /// What runs at the first start, as text.
    pub user_data: Option<String>,
    /// The instance profile.
    pub instance_profile: Option<Arn>,
    /// Volumes.
    #[field(key = "device_name")]
    pub block_devices: Vec<BlockDevice>,
    /// How metadata is reached.
    #[field(default = MetadataOptions::default())]
    pub metadata: MetadataOptions,
    /// Whether metrics come every minute instead of every five.
    #[field(default = false)]
    pub monitoring: bool,
    /// Whether volumes have a connection of their own, for types where that can be chosen.
    pub ebs_optimized: Option<bool>,
    /// Tags of the instances.
    pub instance_tags: BTreeMap<String, String>,
    /// Tags of the instances' volumes.
    pub volume_tags: BTreeMap<String, String>,
    /// Tags of the template.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What a launch template gives.
#[derive(Outputs, Clone, Debug)]
pub struct LaunchTemplateOutputs {
    /// Its id.
    #[output(stable)]
    pub id: LaunchTemplateId,
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
    /// Its name.
    #[output(stable)]
    pub name: String,
    /// The newest version.
    pub latest_version: i64,
    /// The version used where none is asked for.
    pub default_version: i64,
}

const NAMES: Names = Names {
    resource: "launch-template",
    read: &["DescribeLaunchTemplates", "DescribeLaunchTemplateVersions"],
    create: "CreateLaunchTemplate",
    delete: "DeleteLaunchTemplate",
};

impl Managed for LaunchTemplate {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        // Templates cannot be filtered by id, and one unknown id fails a list: one call each.
        each(find, |find| async move {
            let Some(template) = describe(cx, find).await? else { return Ok(None) };
            let recorded = match find {
                Find::Id { recorded, .. } => *recorded,
                Find::Made { .. } => None,
            };
            observe(cx, &template, recorded).await
        })
        .await
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        let call = cx.ec2().describe_launch_templates().filters(of_stack(stack));
        let found = call.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
        let ids = found.classify()?.into_iter().filter_map(|template| template.launch_template_id);
        owned::read(cx, ids.collect()).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let tags = tagging::specification(cx, ResourceType::LaunchTemplate, &want.tags, op);
        let call = cx
            .ec2()
            .create_launch_template()
            .client_token(op.token())
            .set_launch_template_name(want.name.clone())
            .launch_template_data(launch_data::request(want))
            .tag_specifications(tags);
        let made = call.send().await.classify()?;
        Ok(made.launch_template.and_then(|it| it.launch_template_id).unwrap_or_default())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let (id, want, have) = (change.id()?, change.want()?, change.have()?);
        if touches_content(change) {
            let call = cx
                .ec2()
                .create_launch_template_version()
                .client_token(version_token(have, want))
                .launch_template_id(id)
                .launch_template_data(launch_data::request(want));
            let made = call.send().await.classify()?.launch_template_version;
            let version = made.and_then(|version| version.version_number).unwrap_or_default();
            let call = cx.ec2().modify_launch_template().launch_template_id(id);
            call.default_version(version.to_string()).send().await.classify()?;
        }
        if change.touches(Self::TAGS) {
            tagging::sync(cx, id, &have.live.tags, &want.tags).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        cx.ec2().delete_launch_template().launch_template_id(&have.id).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let updates = Verb::of(change) == Verb::Update && touches_content(change);
        let calls = ["CreateLaunchTemplateVersion", "ModifyLaunchTemplate"];
        let calls = calls.into_iter().filter(|_| updates);
        NAMES.grants(change, [], calls, change.touches(Self::TAGS))
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
        violations
    }

    fn once() -> Once {
        let token = Some(Duration::from_hours(24));
        Once { token, by_name: true, ..Once::default() }
    }
}

/// Whether anything but the template's own tags changes.
fn touches_content(change: &Change<'_, LaunchTemplate>) -> bool {
    change.paths.iter().any(|path| path.first() != Some(LaunchTemplate::TAGS.name()))
}

/// The client token of a new version: the same for another operation that goes on where one was cut off between the two
/// calls of an update, so that there is one version and not two. What was the default tells it from a later change to
/// the same content.
fn version_token(have: &Observed<LaunchTemplate>, want: &LaunchTemplate) -> String {
    let default = have.outputs.as_ref().map(|outputs| outputs.default_version);
    let content = LaunchTemplate { tags: BTreeMap::new(), ..want.clone() }.to_value().plain();
    let told = json!([have.id, default, content.to_json()]).to_string();
    format!("{:x}", Sha256::digest(told))
}

async fn describe(cx: &Cx<Aws>, find: &Find<'_, LaunchTemplate>) -> Result<Option<SdkTemplate>> {
    let call = cx.ec2().describe_launch_templates();
    let call = match find {
        Find::Id { id, .. } => call.launch_template_ids(*id),
        Find::Made { want, .. } => {
            call.set_launch_template_names(want.name.clone().map(|name| vec![name]))
        }
    };
    match call.send().await.found() {
        Ok(found) => {
            Ok(found.and_then(|it| it.launch_templates.unwrap_or_default().into_iter().next()))
        }
        // What does not look like an id (an import's typing mistake) is nobody's.
        Err(e)
            if e.class() == Class::Invalid
                && find.id().is_some_and(|id| !id.starts_with("lt-")) =>
        {
            Ok(None)
        }
        Err(e) => Err(e),
    }
}

/// The content with its profile by ARN: AWS takes a name too, and answers what it was given.
async fn with_profile(
    cx: &Cx<Aws>,
    mut data: ResponseLaunchTemplateData,
    recorded: Option<&LaunchTemplate>,
) -> Result<ResponseLaunchTemplateData> {
    if let Some(profile) = &mut data.iam_instance_profile
        && profile.arn().is_none()
        && let Some(name) = profile.name()
    {
        profile.arn = match recorded {
            Some(recorded) => recorded_profile(recorded, name),
            None => profile_of(cx, name).await?,
        };
    }
    Ok(data)
}

/// The recorded profile, if that is its name: who only looks again has nothing to ask IAM.
fn recorded_profile(recorded: &LaunchTemplate, name: &str) -> Option<String> {
    let arn = recorded.instance_profile.as_ref()?.as_str();
    (arn.rsplit('/').next() == Some(name)).then(|| arn.to_owned())
}

/// The ARN of a profile. Its path is not in its name, so it cannot be put together; whoever may not ask does without.
#[cfg(feature = "iam")]
async fn profile_of(cx: &Cx<Aws>, name: &str) -> Result<Option<String>> {
    let found = cx.iam().get_instance_profile().instance_profile_name(name).send().await;
    match found.found() {
        Ok(found) => Ok(found.and_then(|it| it.instance_profile).map(|it| it.arn)),
        Err(e) if e.class() == Class::Denied => Ok(None),
        Err(e) => Err(e),
    }
}

#[cfg(not(feature = "iam"))]
async fn profile_of(_: &Cx<Aws>, _: &str) -> Result<Option<String>> {
    std::future::ready(Ok(None)).await
}

/// Why a template that another program made may not be what is in use: Terraform leaves the default version where it was,
/// and its groups ask for the latest.
fn two_versions(template: &SdkTemplate) -> Option<String> {
    let default = template.default_version_number()?;
    let latest = template.latest_version_number()?;
    (default != latest).then(|| {
        format!(
            "a default version {default} that is not its latest {latest} (make the latest the default first, if it is in use)"
        )
    })
}

/// The default version is what counts: a version made by an update of ours that died before it became the default one is
/// not what anybody uses.
async fn observe(
    cx: &Cx<Aws>,
    template: &SdkTemplate,
    recorded: Option<&LaunchTemplate>,
) -> Result<Option<Observed<LaunchTemplate>>> {
    let id = template.launch_template_id().unwrap_or_default();
    let call = cx.ec2().describe_launch_template_versions().launch_template_id(id);
    let versions = call.versions("$Default").send().await.found()?;
    let version = versions.and_then(|it| it.launch_template_versions?.into_iter().next());
    let Some(data) = version.and_then(|version| version.launch_template_data) else {
        return Ok(None);
    };
    let data = with_profile(cx, data, recorded).await?;
    let all = tagging::map(template.tags());
    let mut beyond: Vec<_> = launch_data::beyond(&data).into_iter().map(str::to_owned).collect();
    // What is recorded was looked at then, and what has an owner moves its default with every version.
    if recorded.is_none() && !all.contains_key(STACK) {
        beyond.extend(two_versions(template));
    }
    let name = template.launch_template_name();
    let live = launch_data::live(name, tags::visible(&all), &data)?;
    let outputs = LaunchTemplateOutputs {
        id: LaunchTemplateId::trusted(id),
        arn: Arn::of(
            cx.partition(),
            "ec2",
            cx.region(),
            cx.account(),
            &format!("launch-template/{id}"),
        ),
        name: name.unwrap_or_default().to_owned(),
        latest_version: template.latest_version_number().unwrap_or_default(),
        default_version: template.default_version_number().unwrap_or_default(),
    };
    Ok(Some(Observed::ready(id, live, outputs).with_beyond(beyond).owned_by(&all)))
}
