//! Add-ons. Those that run as pods need nodes: without any they are DEGRADED.

use serde_json::{Value, json};

use super::cluster::{self, strings};
use super::route::{in_use, invalid, missing, refused, repeated};
use super::{catalogue, role, update};
use crate::services::{Access, Service};
use crate::settings::Wait;
use crate::wire::{Failure, Outcome, text};
use crate::world;

const TABLE: &str = "addon";
const NEED_NODES: [&str; 4] =
    ["coredns", "metrics-server", "aws-ebs-csi-driver", "amazon-cloudwatch-observability"];

fn key(cluster: &str, name: &str) -> String {
    format!("{cluster}/{name}")
}

fn find(access: &mut Access<'_>, cluster: &str, name: &str) -> Result<Value, Failure> {
    cluster::find(access, cluster)?;
    let docs = access.docs(Service::Eks);
    let mut addon =
        docs.get(TABLE, &key(cluster, name)).cloned().ok_or_else(|| missing("addon", name))?;
    let nodes = docs.all("nodegroup").any(|(key, group)| {
        key.starts_with(&format!("{cluster}/")) && group["status"] != "CREATING"
    });
    if addon["status"] == "ACTIVE" && NEED_NODES.contains(&name) && !nodes {
        addon["status"] = json!("DEGRADED");
        addon["health"] = json!({"issues": [{
            "code": "InsufficientNumberOfReplicas",
            "message": "The add-on is unhealthy because it doesn't have the desired number of \
                        replicas.",
        }]});
    }
    Ok(addon)
}

fn version(access: &Access<'_>, cluster: &Value, name: &str) -> Result<String, Failure> {
    let kubernetes = cluster["version"].as_str().unwrap_or_default();
    let known = catalogue::versions_of(name, kubernetes);
    let asked = text(access.input(), "addonVersion");
    match (known.first(), asked) {
        (None, _) => Err(invalid(format!("Addon {name} specified is not supported"))),
        (Some(_), Some(asked)) if known.iter().any(|it| it == asked) => Ok(asked.to_owned()),
        (Some(_), Some(asked)) => {
            Err(invalid(format!("Addon version {asked} of {name} is not supported")))
        }
        (Some(first), None) => Ok(first.clone()),
    }
}

pub(super) fn create(access: &mut Access<'_>, cluster_name: &str) -> Outcome {
    let input = access.input();
    let name = text(input, "addonName").ok_or_else(|| invalid("addonName is required"))?;
    let key = key(cluster_name, name);
    if let Some(old) = access.docs(Service::Eks).get(TABLE, &key) {
        return if repeated(input, old)? {
            Ok(json!({"addon": old}))
        } else {
            Err(in_use("Addon already exists."))
        };
    }
    let cluster = cluster::active(access, cluster_name)?;
    let version = version(access, &cluster, name)?;
    if let Some(arn) = text(input, "serviceAccountRoleArn") {
        role::check(access, arn)?;
    }
    let id = uuid::Uuid::new_v4();
    let (region, account) = (access.region(), access.account());
    let mut addon = json!({
        "addonName": name,
        "clusterName": cluster_name,
        "status": "CREATING",
        "addonVersion": version,
        "health": {"issues": []},
        "addonArn": format!("arn:aws:eks:{region}:{account}:addon/{cluster_name}/{name}/{id}"),
        "createdAt": access.epoch(),
        "modifiedAt": access.epoch(),
        "serviceAccountRoleArn": input["serviceAccountRoleArn"],
        "configurationValues": input["configurationValues"],
        "namespaceConfig": input["namespaceConfig"],
        "tags": if input["tags"].is_null() { json!({}) } else { input["tags"].clone() },
        "_token": input["clientRequestToken"],
        "_asked": input,
    });
    associate(access, cluster_name, &mut addon)?;
    let done = access.after(Wait::AddonActive);
    world::plan(&mut addon, &[(done, json!({"status": "ACTIVE"}))]);
    access.docs(Service::Eks).put(TABLE, &key, addon.clone());
    Ok(json!({"addon": addon}))
}

/// Pod identity associations that an add-on brings along are made as any other, and owned by it.
fn associate(access: &mut Access<'_>, cluster: &str, addon: &mut Value) -> Result<(), Failure> {
    let input = access.input();
    let Some(asked) = input["podIdentityAssociations"].as_array() else { return Ok(()) };
    for each in asked {
        role::check(access, text(each, "roleArn").unwrap_or_default())?;
    }
    let arn = addon["addonArn"].as_str().unwrap_or_default().to_owned();
    super::pod_identity::release(access, &arn);
    let mut made = Vec::new();
    for each in asked {
        let (service_account, role_arn) = (
            text(each, "serviceAccount").unwrap_or_default(),
            text(each, "roleArn").unwrap_or_default(),
        );
        made.push(super::pod_identity::make(
            access,
            cluster,
            "kube-system",
            service_account,
            json!({"roleArn": role_arn, "ownerArn": arn, "tags": {}}),
        ));
    }
    addon["podIdentityAssociations"] = json!(made);
    Ok(())
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
    Ok(json!({"addons": names}))
}

pub(super) fn describe(access: &mut Access<'_>, cluster: &str, name: &str) -> Outcome {
    Ok(json!({"addon": find(access, cluster, name)?}))
}

pub(super) fn delete(access: &mut Access<'_>, cluster: &str, name: &str) -> Outcome {
    let old = find(access, cluster, name)?;
    let gone = access.after(Wait::AddonDeleted);
    let arn = old["addonArn"].as_str().unwrap_or_default();
    super::pod_identity::release(access, arn);
    let Some(addon) = access.docs(Service::Eks).edit(TABLE, &key(cluster, name)) else {
        return Err(missing("addon", name));
    };
    addon["status"] = json!("DELETING");
    world::plan(addon, &[(gone, Value::Null)]);
    Ok(json!({"addon": addon}))
}

pub(super) fn update(access: &mut Access<'_>, cluster_name: &str, name: &str) -> Outcome {
    let owner = key(cluster_name, name);
    if let Some(again) = update::repeated(access, &owner) {
        return Ok(again);
    }
    let old = find(access, cluster_name, name)?;
    if matches!(old["status"].as_str(), Some("CREATING" | "UPDATING" | "DELETING")) {
        return Err(refused(format!("Addon {name} cannot be updated as it is {}", old["status"])));
    }
    let cluster = cluster::find(access, cluster_name)?;
    let input = access.input();
    let version = match text(input, "addonVersion") {
        Some(_) => json!(version(access, &cluster, name)?),
        None => old["addonVersion"].clone(),
    };
    if let Some(arn) = text(input, "serviceAccountRoleArn") {
        role::check(access, arn)?;
    }
    let mut changed = old.clone();
    associate(access, cluster_name, &mut changed)?;
    let (done, at) = (access.after(Wait::AddonActive), access.epoch());
    if let Some(addon) = access.docs(Service::Eks).edit(TABLE, &owner) {
        addon["addonVersion"] = version.clone();
        addon["modifiedAt"] = json!(at);
        addon["podIdentityAssociations"] = changed["podIdentityAssociations"].clone();
        for field in ["serviceAccountRoleArn", "configurationValues"] {
            if !input[field].is_null() {
                addon[field] = input[field].clone();
            }
        }
        addon["status"] = json!("UPDATING");
        world::plan(addon, &[(done, json!({"status": "ACTIVE"}))]);
    }
    let params = [("AddonVersion", strings(&json!([version])).concat())];
    let update = update::begin(access, &owner, "AddonUpdate", &params, Wait::AddonActive);
    Ok(json!({"update": update}))
}
