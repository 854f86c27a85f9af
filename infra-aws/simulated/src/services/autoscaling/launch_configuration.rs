//! Launch configurations. They are never changed, so a document is what the call said.

use serde_json::{Value, json};

use super::describe::page;
use super::dispatch::{TABLE as GROUPS, invalid};
use crate::services::{Access, Service, neighbour};
use crate::wire::{Failure, Outcome, fail, list, text, texts};

const TABLE: &str = "launch-configuration";

/// What is shown as an empty text where it was not said.
const TEXTS: [&str; 4] = ["KeyName", "UserData", "KernelId", "RamdiskId"];

/// What is not shown where it was not said.
const OPTIONAL: [&str; 5] = [
    "IamInstanceProfile",
    "AssociatePublicIpAddress",
    "SpotPrice",
    "PlacementTenancy",
    "MetadataOptions",
];

pub(super) fn find(access: &mut Access<'_>, name: &str) -> Result<Value, Failure> {
    access.docs(Service::Autoscaling).get(TABLE, name).cloned().ok_or_else(|| {
        invalid(format!(
            "Launch configuration name not found - Launch configuration {name} not found"
        ))
    })
}

pub(super) fn create(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let name = text(input, "LaunchConfigurationName")
        .ok_or_else(|| invalid("LaunchConfigurationName is required"))?;
    if access.docs(Service::Autoscaling).has(TABLE, name) {
        let message = format!(
            "Launch Configuration by this name already exists - A launch configuration already \
             exists with the name {name}"
        );
        return Err(fail("AlreadyExists", message));
    }
    for needed in ["ImageId", "InstanceType"] {
        text(input, needed).ok_or_else(|| {
            invalid(format!("Valid requests must contain either the InstanceID parameter or both the ImageId and InstanceType parameters ({needed})"))
        })?;
    }
    let groups = texts(input, "SecurityGroups");
    if neighbour::is_here(access, Service::Ec2) {
        let docs = access.docs(Service::Ec2);
        if let Some(group) = groups.iter().find(|id| !docs.has("security-group", id)) {
            return Err(invalid(format!("The security group '{group}' does not exist")));
        }
    }
    let mut document = json!({
        "LaunchConfigurationName": name,
        "LaunchConfigurationARN": format!(
            "arn:aws:autoscaling:{}:{}:launchConfiguration:{}:launchConfigurationName/{name}",
            access.region(), access.account(), uuid::Uuid::new_v4()
        ),
        "ImageId": input["ImageId"],
        "InstanceType": input["InstanceType"],
        "SecurityGroups": groups,
        "ClassicLinkVPCSecurityGroups": [],
        "BlockDeviceMappings": list(input, "BlockDeviceMappings"),
        "InstanceMonitoring": match &input["InstanceMonitoring"] {
            Value::Null => json!({"Enabled": true}),
            given => given.clone(),
        },
        "EbsOptimized": crate::wire::flags(input, "EbsOptimized").unwrap_or(false),
        "CreatedTime": access.timestamp(),
    });
    for field in TEXTS {
        document[field] = json!(text(input, field).unwrap_or_default());
    }
    for field in OPTIONAL.into_iter().filter(|field| !input[*field].is_null()) {
        document[field] = input[field].clone();
    }
    access.docs(Service::Autoscaling).put(TABLE, name, document);
    Ok(json!({}))
}

pub(super) fn describe(access: &mut Access<'_>) -> Outcome {
    let names = texts(access.input(), "LaunchConfigurationNames");
    let found: Vec<Value> = access
        .docs(Service::Autoscaling)
        .all(TABLE)
        .filter(|(name, _)| names.is_empty() || names.iter().any(|it| it == name))
        .map(|(_, document)| document.clone())
        .collect();
    page(access, "LaunchConfigurations", found)
}

pub(super) fn delete(access: &mut Access<'_>) -> Outcome {
    let name = text(access.input(), "LaunchConfigurationName").unwrap_or_default().to_owned();
    find(access, &name)?;
    let docs = access.docs(Service::Autoscaling);
    if let Some((group, _)) =
        docs.all(GROUPS).find(|(_, group)| group["LaunchConfigurationName"] == name.as_str())
    {
        let message = format!(
            "Cannot delete launch configuration {name} because it is attached to AutoScalingGroup \
             {group}"
        );
        return Err(fail("ResourceInUse", message));
    }
    docs.remove(TABLE, &name);
    Ok(json!({}))
}
