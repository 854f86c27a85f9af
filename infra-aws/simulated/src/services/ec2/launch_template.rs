//! Launch templates and their numbered versions.

use serde_json::{Map, Value, json};

use super::describe;
use super::kind;
use crate::services::{Access, Service};
use crate::wire::{Failure, Outcome, fail, list, text, texts};

const VERSIONS: &str = "+launch-template-version";

fn key(id: &str, version: u64) -> String {
    format!("{id}/{version:06}")
}

pub(super) fn create(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let name = text(input, "LaunchTemplateName")
        .ok_or_else(|| fail("MissingParameter", "LaunchTemplateName is required"))?;
    if access
        .docs(Service::Ec2)
        .values("launch-template")
        .any(|it| it["launchTemplateName"] == name)
    {
        return Err(fail(
            "InvalidLaunchTemplateName.AlreadyExistsException",
            "Launch template name already in use.",
        ));
    }
    let id = kind::LAUNCH_TEMPLATE.new_id();
    let template = json!({
        "launchTemplateId": id, "launchTemplateName": name, "createTime": access.timestamp(),
        "createdBy": format!("arn:aws:iam::{}:user/embedded", access.account()),
        "defaultVersionNumber": 1, "latestVersionNumber": 1,
    });
    let template = kind::LAUNCH_TEMPLATE.put(access, &id, template);
    put_version(access, &template, 1, data(&input["LaunchTemplateData"]));
    Ok(json!({"launchTemplate": template}))
}

fn put_version(access: &mut Access<'_>, template: &Value, version: u64, data: Value) -> Value {
    let id = template["launchTemplateId"].as_str().unwrap_or_default();
    let document = json!({
        "launchTemplateId": id, "launchTemplateName": template["launchTemplateName"],
        "versionNumber": version, "versionDescription": access.input()["VersionDescription"],
        "createTime": access.timestamp(), "createdBy": template["createdBy"],
        "defaultVersion": version == 1, "launchTemplateData": data,
    });
    access.docs(Service::Ec2).put(VERSIONS, &key(id, version), document.clone());
    document
}

/// The request's data in the reply's names: `BlockDeviceMapping` becomes `blockDeviceMappingSet`
/// and so on.
fn data(asked: &Value) -> Value {
    const SETS: [(&str, &str); 14] = [
        ("BlockDeviceMapping", "blockDeviceMappingSet"),
        ("NetworkInterface", "networkInterfaceSet"),
        ("SecurityGroupId", "securityGroupIdSet"),
        ("SecurityGroup", "securityGroupSet"),
        ("TagSpecification", "tagSpecificationSet"),
        ("Tag", "tagSet"),
        ("LicenseSpecification", "licenseSet"),
        ("ElasticGpuSpecification", "elasticGpuSpecificationSet"),
        ("ElasticInferenceAccelerator", "elasticInferenceAcceleratorSet"),
        ("Ipv6Addresses", "ipv6AddressesSet"),
        ("PrivateIpAddresses", "privateIpAddressesSet"),
        ("AllowedInstanceType", "allowedInstanceTypeSet"),
        ("ExcludedInstanceType", "excludedInstanceTypeSet"),
        ("Groups", "groupSet"),
    ];
    match asked {
        Value::Object(fields) => {
            let mut out = Map::new();
            for (name, value) in fields {
                let renamed =
                    SETS.iter().find(|(from, _)| from == name).filter(|_| value.is_array());
                let key = match renamed {
                    Some((_, set)) => (*set).to_owned(),
                    None if name == "SecurityGroupId" => "groupSet".to_owned(),
                    None => {
                        let (first, rest) = name.split_at(1);
                        format!("{}{rest}", first.to_lowercase())
                    }
                };
                // In a network interface the groups are `groupSet` of ids under `groupId`.
                out.insert(key, data(value));
            }
            if let Some(Value::Array(interfaces)) = out.get_mut("networkInterfaceSet") {
                for interface in interfaces {
                    if let Some(fields) = interface.as_object_mut()
                        && let Some(groups) = fields.remove("securityGroupIdSet")
                    {
                        fields.insert("groupSet".to_owned(), groups);
                    }
                }
            }
            Value::Object(out)
        }
        Value::Array(items) => items.iter().map(data).collect(),
        other => other.clone(),
    }
}

/// By id or by name.
fn named(access: &mut Access<'_>, input: &Value) -> Result<(String, Value), Failure> {
    if let Some(id) = text(input, "LaunchTemplateId") {
        return Ok((id.to_owned(), kind::LAUNCH_TEMPLATE.find(access, id)?));
    }
    let name = text(input, "LaunchTemplateName").unwrap_or_default();
    access
        .docs(Service::Ec2)
        .all("launch-template")
        .find(|(_, it)| it["launchTemplateName"] == name)
        .map(|(id, it)| (id.to_owned(), it.clone()))
        .ok_or_else(|| {
            fail(
                "InvalidLaunchTemplateName.NotFoundException",
                format!(
                    "The specified launch template, with template name {name}, does not exist."
                ),
            )
        })
}

pub(super) fn describe(access: &mut Access<'_>) -> Outcome {
    let names = texts(access.input(), "LaunchTemplateName");
    let mut all: Vec<Value> =
        access.docs(Service::Ec2).values("launch-template").cloned().collect();
    for name in &names {
        if !all.iter().any(|it| it["launchTemplateName"] == name.as_str()) {
            named(access, &json!({"LaunchTemplateName": name}))?;
        }
    }
    all.retain(|it| {
        names.is_empty() || names.iter().any(|name| it["launchTemplateName"] == name.as_str())
    });
    let found = describe::select(access, &kind::LAUNCH_TEMPLATE, all)?;
    describe::page(access.input(), kind::LAUNCH_TEMPLATE.set, found)
}

/// `$Latest`, `$Default` or a number.
pub(super) fn version(template: &Value, asked: &str) -> u64 {
    match asked {
        "$Latest" => template["latestVersionNumber"].as_u64().unwrap_or(1),
        "$Default" => template["defaultVersionNumber"].as_u64().unwrap_or(1),
        number => number.parse().unwrap_or(0),
    }
}

fn no_version(id: &str, asked: &str) -> Failure {
    fail(
        "InvalidLaunchTemplateId.VersionNotFound",
        format!("Could not find launch template version {asked} of {id}"),
    )
}

/// The data of one version: what an instance or a node group starts from.
pub(super) fn version_data(
    access: &mut Access<'_>,
    specification: &Value,
) -> Result<Value, Failure> {
    let (id, template) = named(access, specification)?;
    let asked = text(specification, "Version").unwrap_or("$Default");
    let number = version(&template, asked);
    access
        .docs(Service::Ec2)
        .get(VERSIONS, &key(&id, number))
        .map(|it| it["launchTemplateData"].clone())
        .ok_or_else(|| no_version(&id, asked))
}

pub(super) fn create_version(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let (id, template) = named(access, input)?;
    let mut wanted = json!({});
    if let Some(source) = text(input, "SourceVersion") {
        let asked = json!({"LaunchTemplateId": id, "Version": source});
        wanted = version_data(access, &asked)?;
    }
    if let (Value::Object(into), Value::Object(new)) =
        (&mut wanted, data(&input["LaunchTemplateData"]))
    {
        into.extend(new);
    }
    let number = template["latestVersionNumber"].as_u64().unwrap_or(0) + 1;
    let document = put_version(access, &template, number, wanted);
    kind::LAUNCH_TEMPLATE.edit(access, &id)?["latestVersionNumber"] = json!(number);
    Ok(json!({"launchTemplateVersion": document}))
}

pub(super) fn versions(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let (id, template) = named(access, input)?;
    let wanted: Vec<u64> = texts(input, "LaunchTemplateVersion")
        .iter()
        .map(|asked| version(&template, asked))
        .collect();
    let found: Vec<Value> = access
        .docs(Service::Ec2)
        .values(VERSIONS)
        .filter(|it| it["launchTemplateId"] == id.as_str())
        .filter(|it| {
            wanted.is_empty() || it["versionNumber"].as_u64().is_some_and(|n| wanted.contains(&n))
        })
        .cloned()
        .rev_sorted();
    if let Some(missing) =
        wanted.iter().find(|n| !found.iter().any(|it| it["versionNumber"] == **n))
    {
        return Err(no_version(&id, &missing.to_string()));
    }
    describe::page(input, "launchTemplateVersionSet", found)
}

/// Newest first, as AWS answers.
trait Newest: Iterator<Item = Value> + Sized {
    fn rev_sorted(self) -> Vec<Value> {
        let mut all: Vec<Value> = self.collect();
        all.reverse();
        all
    }
}

impl<I: Iterator<Item = Value>> Newest for I {}

pub(super) fn modify(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let (id, template) = named(access, input)?;
    if let Some(asked) = text(input, "SetDefaultVersion") {
        let number = version(&template, asked);
        if !access.docs(Service::Ec2).has(VERSIONS, &key(&id, number)) {
            return Err(no_version(&id, asked));
        }
        kind::LAUNCH_TEMPLATE.edit(access, &id)?["defaultVersionNumber"] = json!(number);
        let docs = access.docs(Service::Ec2);
        for version in docs.ids(VERSIONS) {
            if version.starts_with(&id)
                && let Some(document) = docs.edit(VERSIONS, &version)
            {
                document["defaultVersion"] = json!(document["versionNumber"] == number);
            }
        }
    }
    Ok(json!({"launchTemplate": kind::LAUNCH_TEMPLATE.find(access, &id)?}))
}

pub(super) fn delete(access: &mut Access<'_>) -> Outcome {
    let (id, template) = named(access, access.input())?;
    let docs = access.docs(Service::Ec2);
    for version in docs.ids(VERSIONS) {
        if version.starts_with(&id) {
            docs.remove(VERSIONS, &version);
        }
    }
    kind::LAUNCH_TEMPLATE.remove(access, &id);
    Ok(json!({"launchTemplate": template}))
}

pub(super) fn delete_versions(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let (id, template) = named(access, input)?;
    let (mut done, mut not_done) = (Vec::new(), Vec::new());
    for asked in list(input, "LaunchTemplateVersion").into_iter().filter_map(Value::as_str) {
        let number = version(&template, asked);
        let mut row = json!({
            "launchTemplateId": id, "launchTemplateName": template["launchTemplateName"],
            "versionNumber": number,
        });
        let is_default = template["defaultVersionNumber"] == number;
        let docs = access.docs(Service::Ec2);
        if !is_default && docs.remove(VERSIONS, &key(&id, number)).is_some() {
            done.push(row);
        } else {
            let code = if is_default {
                "launchTemplateVersionInUse"
            } else {
                "launchTemplateVersionDoesNotExist"
            };
            row["responseError"] = json!({"code": code, "message": asked});
            not_done.push(row);
        }
    }
    Ok(json!({
        "successfullyDeletedLaunchTemplateVersionSet": done,
        "unsuccessfullyDeletedLaunchTemplateVersionSet": not_done,
    }))
}
