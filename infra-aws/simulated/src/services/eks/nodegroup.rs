//! Managed node groups, each with a real Auto Scaling group.

use serde_json::{Map, Value, json};

use super::cluster::{self, strings};
use super::route::{in_use, invalid, missing, repeated};
use super::{access_entry, launch_template, network, role, update};
use crate::services::autoscaling;
use crate::services::{Access, Service};
use crate::settings::Wait;
use crate::wire::{Failure, Outcome, text};
use crate::world;

const TABLE: &str = "nodegroup";

fn key(cluster: &str, name: &str) -> String {
    format!("{cluster}/{name}")
}

fn find(access: &mut Access<'_>, cluster: &str, name: &str) -> Result<Value, Failure> {
    cluster::find(access, cluster)?;
    access
        .docs(Service::Eks)
        .get(TABLE, &key(cluster, name))
        .cloned()
        .ok_or_else(|| missing("node group", name))
}

fn check_scaling(scaling: &Value) -> Result<(), Failure> {
    let size = |field: &str| scaling[field].as_i64().unwrap_or(0);
    let (min, max, desired) = (size("minSize"), size("maxSize"), size("desiredSize"));
    if min < 0 || max < 1 || desired < min || desired > max {
        return Err(invalid(format!(
            "desired capacity {desired} can't be outside of min {min} and max {max}"
        )));
    }
    Ok(())
}

const AMI: &str = "AL2023_x86_64_STANDARD";

/// Graviton's families have a `g` after their number, but for the first.
fn is_arm(instance_type: &str) -> bool {
    let family = instance_type.split('.').next().unwrap_or_default();
    let variant = family.trim_start_matches(|c: char| c.is_ascii_lowercase());
    let variant = variant.trim_start_matches(|c: char| c.is_ascii_digit());
    variant.starts_with('g') || family == "a1"
}

/// What a template starts, as far as it is here: its data.
fn template_data(access: &mut Access<'_>, shown: &Value) -> Value {
    let id = shown["id"].as_str().unwrap_or_default();
    let number: u64 = shown["version"].as_str().and_then(|it| it.parse().ok()).unwrap_or(0);
    let data = access
        .docs(Service::Ec2)
        .get("+launch-template-version", &format!("{id}/{number:06}"))
        .map(|it| it["launchTemplateData"].clone());
    data.unwrap_or_default()
}

/// The image is for one kind of processor, and the types of instances must have it.
fn check_types(
    access: &mut Access<'_>,
    ami: &str,
    given: &Value,
    template: &Value,
) -> Result<(), Failure> {
    let data = template_data(access, template);
    // A template's own image is nobody's business but its.
    if !data["imageId"].is_null() {
        return Ok(());
    }
    let mut types = strings(given);
    if types.is_empty() {
        types.extend(text(&data, "instanceType").map(str::to_owned));
    }
    let suits = |it: &String| {
        let other = if is_arm(it) { "x86_64" } else { "ARM_64" };
        !ami.contains(other)
    };
    match types.iter().find(|it| !suits(it)) {
        Some(it) => {
            Err(invalid(format!("[{it}] is not a valid instance type for requested amiType {ami}")))
        }
        None => Ok(()),
    }
}

pub(super) fn create(access: &mut Access<'_>, cluster_name: &str) -> Outcome {
    let input = access.input();
    let name = text(input, "nodegroupName").ok_or_else(|| invalid("nodegroupName is required"))?;
    let key = key(cluster_name, name);
    if let Some(old) = access.docs(Service::Eks).get(TABLE, &key) {
        return if repeated(input, old)? {
            Ok(json!({"nodegroup": old}))
        } else {
            Err(in_use(format!(
                "NodeGroup already exists with name {name} and cluster name {cluster_name}"
            )))
        };
    }
    let cluster = cluster::active(access, cluster_name)?;
    let role = text(input, "nodeRole").ok_or_else(|| invalid("nodeRole is required"))?;
    role::check(access, role)?;
    let subnets = strings(&input["subnets"]);
    let zones = network::zones_of(access, &subnets)?;
    let mut scaling = input["scalingConfig"].clone();
    if scaling.is_null() {
        scaling = json!({"minSize": 1, "maxSize": 2, "desiredSize": 2});
    }
    check_scaling(&scaling)?;
    let cluster_group = cluster["_clusterGroup"].as_str().unwrap_or_default().to_owned();
    let (mut shown, mut groups) = (Value::Null, Vec::new());
    if input["launchTemplate"].is_object() {
        if !input["diskSize"].is_null() || !input["remoteAccess"].is_null() {
            return Err(invalid(
                "Disk size and remote access must be specified within the launch template.",
            ));
        }
        (shown, groups) = launch_template::resolve(access, &input["launchTemplate"])?;
    }
    let ami = text(input, "amiType").unwrap_or(AMI);
    check_types(access, ami, &input["instanceTypes"], &shown)?;
    // With its own groups in the template EKS does not add the cluster's.
    if groups.is_empty() {
        groups.push(cluster_group);
    }
    let version = text(input, "version").map_or_else(|| cluster["version"].clone(), |it| json!(it));
    let version_text = version.as_str().unwrap_or_default().to_owned();
    let id = uuid::Uuid::new_v4().to_string();
    let asg = format!("eks-{name}-{id}");
    let (region, account) = (access.region(), access.account());
    let mut group = json!({
        "nodegroupName": name,
        "nodegroupArn":
            format!("arn:aws:eks:{region}:{account}:nodegroup/{cluster_name}/{name}/{id}"),
        "clusterName": cluster_name,
        "version": version,
        "releaseVersion":
            text(input, "releaseVersion").map_or_else(|| release(&version_text), str::to_owned),
        "createdAt": access.epoch(),
        "modifiedAt": access.epoch(),
        "status": "CREATING",
        "capacityType": text(input, "capacityType").unwrap_or("ON_DEMAND"),
        "scalingConfig": scaling,
        "subnets": subnets,
        "amiType": ami,
        "nodeRole": role,
        "labels": input["labels"],
        "taints": input["taints"],
        "health": {"issues": []},
        "updateConfig": if input["updateConfig"].is_null() { json!({"maxUnavailable": 1}) }
            else { input["updateConfig"].clone() },
        "nodeRepairConfig": input["nodeRepairConfig"],
        "launchTemplate": shown,
        "tags": if input["tags"].is_null() { json!({}) } else { input["tags"].clone() },
        "_securityGroups": groups,
        "_group": asg,
        "_token": input["clientRequestToken"],
        "_asked": input,
    });
    if shown.is_null() {
        group["diskSize"] = input["diskSize"].as_i64().unwrap_or(20).into();
        group["remoteAccess"] = input["remoteAccess"].clone();
    }
    group["instanceTypes"] = match (&input["instanceTypes"], shown.is_null()) {
        (Value::Null, true) => json!(["t3.medium"]),
        (given, _) => given.clone(),
    };
    let ready = json!({
        "status": "ACTIVE", "resources": {"autoScalingGroups": [{"name": asg}]},
    });
    let done = access.after(Wait::NodegroupActive);
    world::plan(&mut group, &[(done, ready)]);
    access.docs(Service::Eks).put(TABLE, &key, group.clone());
    autoscaling::put_node_group(access, &asg, &group, &zones);
    if cluster["accessConfig"]["authenticationMode"] != "CONFIG_MAP" {
        access_entry::make(
            access,
            cluster_name,
            role,
            "EC2_LINUX",
            json!(["system:nodes"]),
            json!({}),
        );
    }
    Ok(json!({"nodegroup": group}))
}

fn release(version: &str) -> String {
    format!("{version}.0-20260101")
}

pub(super) fn list(access: &mut Access<'_>, cluster: &str) -> Outcome {
    cluster::find(access, cluster)?;
    let prefix = format!("{cluster}/");
    let names: Vec<String> = access
        .docs(Service::Eks)
        .ids(TABLE)
        .iter()
        .filter_map(|key| key.strip_prefix(&prefix))
        .map(str::to_owned)
        .collect();
    Ok(json!({"nodegroups": names}))
}

pub(super) fn describe(access: &mut Access<'_>, cluster: &str, name: &str) -> Outcome {
    Ok(json!({"nodegroup": find(access, cluster, name)?}))
}

pub(super) fn delete(access: &mut Access<'_>, cluster: &str, name: &str) -> Outcome {
    let old = find(access, cluster, name)?;
    if matches!(old["status"].as_str(), Some("CREATING" | "UPDATING")) {
        return Err(in_use(format!("Nodegroup {name} is {}", old["status"])));
    }
    let gone = access.after(Wait::NodegroupDeleted);
    let asg = old["_group"].as_str().unwrap_or_default();
    if let Some(asg) = access.docs(Service::Autoscaling).edit("group", asg) {
        asg["Status"] = json!("Delete in progress");
        world::plan(asg, &[(gone, Value::Null)]);
    }
    let docs = access.docs(Service::Eks);
    let others = docs.all(TABLE).any(|(key, it)| {
        key.starts_with(&format!("{cluster}/"))
            && it["nodeRole"] == old["nodeRole"]
            && it["nodegroupName"] != name
    });
    let entry = format!("{cluster}/{}", old["nodeRole"].as_str().unwrap_or_default());
    if !others
        && let Some(entry) = docs.edit("access-entry", &entry)
        && entry["type"] == "EC2_LINUX"
    {
        world::plan(entry, &[(gone, Value::Null)]);
    }
    let Some(group) = docs.edit(TABLE, &key(cluster, name)) else {
        return Err(missing("node group", name));
    };
    group["status"] = json!("DELETING");
    world::plan(group, &[(gone, Value::Null)]);
    Ok(json!({"nodegroup": group}))
}

fn ready_to_change(access: &mut Access<'_>, cluster: &str, name: &str) -> Result<Value, Failure> {
    let old = find(access, cluster, name)?;
    if old["status"] != "ACTIVE" {
        return Err(in_use(format!("Nodegroup cannot be updated as it is {}", old["status"])));
    }
    Ok(old)
}

/// Removes keys and sets others, as labels are changed.
fn merged(old: &Value, add: &Value, remove: &Value) -> Value {
    let mut now: Map<String, Value> = old.as_object().cloned().unwrap_or_default();
    for key in strings(remove) {
        now.remove(&key);
    }
    now.extend(add.as_object().cloned().unwrap_or_default());
    Value::Object(now)
}

pub(super) fn update_config(access: &mut Access<'_>, cluster: &str, name: &str) -> Outcome {
    let owner = key(cluster, name);
    if let Some(again) = update::repeated(access, &owner) {
        return Ok(again);
    }
    let old = ready_to_change(access, cluster, name)?;
    let input = access.input();
    let mut scaling = old["scalingConfig"].clone();
    for (field, value) in input["scalingConfig"].as_object().into_iter().flatten() {
        scaling[field] = value.clone();
    }
    check_scaling(&scaling)?;
    let labels = &input["labels"];
    let mut taints: Vec<Value> = old["taints"].as_array().cloned().unwrap_or_default();
    let same = |a: &Value, b: &Value| a["key"] == b["key"] && a["effect"] == b["effect"];
    for change in ["removeTaints", "addOrUpdateTaints"] {
        for taint in input["taints"][change].as_array().into_iter().flatten() {
            taints.retain(|it| !same(it, taint));
            if change == "addOrUpdateTaints" {
                taints.push(taint.clone());
            }
        }
    }
    let labels = merged(&old["labels"], &labels["addOrUpdateLabels"], &labels["removeLabels"]);
    let at = access.epoch();
    let asg = old["_group"].as_str().unwrap_or_default();
    autoscaling::resize(access, asg, &scaling);
    changing(access, &owner, |group| {
        group["scalingConfig"] = scaling;
        group["labels"] = labels;
        group["taints"] = json!(taints);
        group["modifiedAt"] = json!(at);
        for field in ["updateConfig", "nodeRepairConfig"] {
            if !input[field].is_null() {
                group[field] = input[field].clone();
            }
        }
    });
    let update = update::begin(access, &owner, "ConfigUpdate", &[], Wait::NodegroupUpdate);
    Ok(json!({"update": update}))
}

fn changing(access: &mut Access<'_>, key: &str, change: impl FnOnce(&mut Value)) {
    let done = access.after(Wait::NodegroupUpdate);
    if let Some(group) = access.docs(Service::Eks).edit(TABLE, key) {
        change(group);
        group["status"] = json!("UPDATING");
        world::plan(group, &[(done, json!({"status": "ACTIVE"}))]);
    }
}

/// The template may move to another version, never to another template.
pub(super) fn update_version(access: &mut Access<'_>, cluster: &str, name: &str) -> Outcome {
    let owner = key(cluster, name);
    if let Some(again) = update::repeated(access, &owner) {
        return Ok(again);
    }
    let old = ready_to_change(access, cluster, name)?;
    let input = access.input();
    let mut chosen = None;
    if input["launchTemplate"].is_object() {
        let (shown, groups) = launch_template::resolve(access, &input["launchTemplate"])?;
        if launch_template::differs(&old["launchTemplate"], &shown) {
            return Err(invalid("You cannot specify a different launch template"));
        }
        let ami = old["amiType"].as_str().unwrap_or(AMI);
        check_types(access, ami, &old["instanceTypes"], &shown)?;
        chosen = Some((shown, groups));
    }
    let cluster_document = cluster::find(access, cluster)?;
    let version = text(input, "version").map(str::to_owned);
    if version.as_deref().is_some_and(|it| Some(it) > cluster_document["version"].as_str()) {
        return Err(invalid("Nodegroup version can't be newer than the cluster's"));
    }
    let version = version
        .unwrap_or_else(|| cluster_document["version"].as_str().unwrap_or_default().to_owned());
    let params = [("Version", version.clone())];
    changing(access, &owner, |group| {
        group["releaseVersion"] =
            json!(text(input, "releaseVersion").map_or_else(|| release(&version), str::to_owned));
        group["version"] = json!(version);
        if let Some((shown, groups)) = chosen {
            group["launchTemplate"] = shown;
            if !groups.is_empty() {
                group["_securityGroups"] = json!(groups);
            }
        }
    });
    let update = update::begin(access, &owner, "VersionUpdate", &params, Wait::NodegroupUpdate);
    Ok(json!({"update": update}))
}
