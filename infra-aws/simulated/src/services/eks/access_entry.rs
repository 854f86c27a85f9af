//! Access entries and the access policies associated with them.

use serde_json::{Value, json};

use super::cluster;
use super::route::{in_use, invalid, missing, refused};
use crate::services::{Access, Service};
use crate::wire::{Failure, Outcome, text};

const TABLE: &str = "access-entry";

fn key(cluster: &str, principal: &str) -> String {
    format!("{cluster}/{principal}")
}

fn find(access: &mut Access<'_>, cluster: &str, principal: &str) -> Result<Value, Failure> {
    cluster::find(access, cluster)?;
    access
        .docs(Service::Eks)
        .get(TABLE, &key(cluster, principal))
        .cloned()
        .ok_or_else(|| missing("access entry", principal))
}

/// Makes an entry unless there is one.
pub(super) fn make(
    access: &mut Access<'_>,
    cluster: &str,
    principal: &str,
    entry_type: &str,
    groups: Value,
    tags: Value,
) -> Value {
    let key = key(cluster, principal);
    if let Some(old) = access.docs(Service::Eks).get(TABLE, &key) {
        return old.clone();
    }
    let (region, account) = (access.region(), access.account());
    let tail = principal.splitn(6, ':').nth(5).unwrap_or(principal);
    let id = uuid::Uuid::new_v4();
    let username = text(access.input(), "username").map_or_else(
        || match entry_type {
            "EC2_LINUX" => "system:node:{{EC2PrivateDNSName}}".to_owned(),
            _ => principal.to_owned(),
        },
        str::to_owned,
    );
    let entry = json!({
        "clusterName": cluster, "principalArn": principal, "kubernetesGroups": groups,
        "accessEntryArn":
            format!("arn:aws:eks:{region}:{account}:access-entry/{cluster}/{tail}/{id}"),
        "createdAt": access.epoch(), "modifiedAt": access.epoch(), "tags": tags,
        "username": username, "type": entry_type, "_policies": [],
        "_token": access.input()["clientRequestToken"], "_asked": access.input(),
    });
    access.docs(Service::Eks).put(TABLE, &key, entry.clone());
    entry
}

fn api_mode(cluster: &Value) -> Result<(), Failure> {
    if cluster["accessConfig"]["authenticationMode"] == "CONFIG_MAP" {
        return Err(refused(
            "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to \
             perform this operation.",
        ));
    }
    Ok(())
}

pub(super) fn create(access: &mut Access<'_>, cluster_name: &str) -> Outcome {
    let input = access.input();
    let principal =
        text(input, "principalArn").ok_or_else(|| invalid("principalArn is required"))?;
    let cluster = cluster::find(access, cluster_name)?;
    api_mode(&cluster)?;
    if let Some(old) = access.docs(Service::Eks).get(TABLE, &key(cluster_name, principal)) {
        return if super::route::repeated(input, old)? {
            Ok(json!({"accessEntry": old}))
        } else {
            Err(in_use("The specified access entry resource is already in use on this cluster."))
        };
    }
    if !principal.starts_with("arn:aws:iam::") {
        return Err(invalid(format!(
            "The principalArn parameter format is not valid: {principal}"
        )));
    }
    if principal.contains(":role/") {
        super::role::check(access, principal)?;
    }
    let groups = match &input["kubernetesGroups"] {
        Value::Null => json!([]),
        groups => groups.clone(),
    };
    let tags = if input["tags"].is_null() { json!({}) } else { input["tags"].clone() };
    let entry_type = text(input, "type").unwrap_or("STANDARD");
    let entry = make(access, cluster_name, principal, entry_type, groups, tags);
    Ok(json!({"accessEntry": entry}))
}

pub(super) fn list(access: &mut Access<'_>, cluster: &str) -> Outcome {
    api_mode(&cluster::find(access, cluster)?)?;
    let prefix = format!("{cluster}/");
    let arns: Vec<String> = access
        .docs(Service::Eks)
        .ids(TABLE)
        .iter()
        .filter_map(|key| key.strip_prefix(&prefix))
        .map(str::to_owned)
        .collect();
    Ok(json!({"accessEntries": arns}))
}

pub(super) fn describe(access: &mut Access<'_>, cluster: &str, principal: &str) -> Outcome {
    Ok(json!({"accessEntry": find(access, cluster, principal)?}))
}

pub(super) fn update(access: &mut Access<'_>, cluster: &str, principal: &str) -> Outcome {
    find(access, cluster, principal)?;
    let (input, at) = (access.input(), access.epoch());
    let Some(entry) = access.docs(Service::Eks).edit(TABLE, &key(cluster, principal)) else {
        return Err(missing("access entry", principal));
    };
    for field in ["kubernetesGroups", "username"] {
        if !input[field].is_null() {
            entry[field] = input[field].clone();
        }
    }
    entry["modifiedAt"] = json!(at);
    Ok(json!({"accessEntry": entry}))
}

pub(super) fn delete(access: &mut Access<'_>, cluster: &str, principal: &str) -> Outcome {
    find(access, cluster, principal)?;
    access.docs(Service::Eks).remove(TABLE, &key(cluster, principal));
    Ok(json!({}))
}

/// Associating again replaces the scope.
pub(super) fn associate(access: &mut Access<'_>, cluster: &str, principal: &str) -> Outcome {
    let old = find(access, cluster, principal)?;
    if old["type"] != "STANDARD" {
        return Err(invalid("Access policies can only be associated with STANDARD access entries"));
    }
    let (input, at) = (access.input(), access.epoch());
    let policy = text(input, "policyArn").unwrap_or_default();
    if !policy.starts_with("arn:aws:eks::aws:cluster-access-policy/") {
        return Err(invalid(format!("The policyArn parameter format is not valid: {policy}")));
    }
    let mut scope = input["accessScope"].clone();
    if scope["namespaces"].is_null() {
        scope["namespaces"] = json!([]);
    }
    let mut association = json!({
        "policyArn": policy, "accessScope": scope, "associatedAt": at, "modifiedAt": at,
    });
    if let Some(entry) = access.docs(Service::Eks).edit(TABLE, &key(cluster, principal))
        && let Some(policies) = entry["_policies"].as_array_mut()
    {
        if let Some(old) = policies.iter().find(|it| it["policyArn"] == policy) {
            association["associatedAt"] = old["associatedAt"].clone();
        }
        policies.retain(|it| it["policyArn"] != policy);
        policies.push(association.clone());
    }
    Ok(json!({
        "clusterName": cluster, "principalArn": principal,
        "associatedAccessPolicy": association,
    }))
}

pub(super) fn policies(access: &mut Access<'_>, cluster: &str, principal: &str) -> Outcome {
    let entry = find(access, cluster, principal)?;
    Ok(json!({
        "clusterName": cluster, "principalArn": principal,
        "associatedAccessPolicies": entry["_policies"],
    }))
}

pub(super) fn disassociate(
    access: &mut Access<'_>,
    cluster: &str,
    principal: &str,
    policy: &str,
) -> Outcome {
    let old = find(access, cluster, principal)?;
    let has = old["_policies"]
        .as_array()
        .is_some_and(|all| all.iter().any(|it| it["policyArn"] == policy));
    if !has {
        return Err(missing("associated access policy", policy));
    }
    if let Some(entry) = access.docs(Service::Eks).edit(TABLE, &key(cluster, principal))
        && let Some(policies) = entry["_policies"].as_array_mut()
    {
        policies.retain(|it| it["policyArn"] != policy);
    }
    Ok(json!({}))
}
