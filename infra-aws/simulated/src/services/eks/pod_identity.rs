//! Pod identity associations: one a namespace and service account.

use serde_json::{Value, json};

use super::cluster;
use super::role;
use super::route::{in_use, missing};
use crate::services::access::hex;
use crate::services::{Access, Service};
use crate::wire::{Failure, Outcome, text};

const TABLE: &str = "pod-identity";

fn find(access: &mut Access<'_>, cluster: &str, id: &str) -> Result<Value, Failure> {
    cluster::find(access, cluster)?;
    access
        .docs(Service::Eks)
        .get(TABLE, &format!("{cluster}/{id}"))
        .cloned()
        .ok_or_else(|| missing("pod identity association", id))
}

/// Keeps an association and gives its ARN.
pub(super) fn make(
    access: &mut Access<'_>,
    cluster: &str,
    namespace: &str,
    service_account: &str,
    mut association: Value,
) -> Value {
    let id = format!("a-{}", hex(17));
    let (region, account) = (access.region(), access.account());
    let arn = format!("arn:aws:eks:{region}:{account}:podidentityassociation/{cluster}/{id}");
    association["clusterName"] = json!(cluster);
    association["namespace"] = json!(namespace);
    association["serviceAccount"] = json!(service_account);
    association["associationId"] = json!(id);
    association["associationArn"] = json!(arn);
    association["createdAt"] = json!(access.epoch());
    association["modifiedAt"] = json!(access.epoch());
    access.docs(Service::Eks).put(TABLE, &format!("{cluster}/{id}"), association);
    json!(arn)
}

/// Removes what an add-on owns.
pub(super) fn release(access: &mut Access<'_>, owner: &str) {
    let docs = access.docs(Service::Eks);
    for key in docs.ids(TABLE) {
        if docs.get(TABLE, &key).is_some_and(|it| it["ownerArn"] == owner) {
            docs.remove(TABLE, &key);
        }
    }
}

pub(super) fn create(access: &mut Access<'_>, cluster: &str) -> Outcome {
    cluster::find(access, cluster)?;
    let input = access.input();
    let namespace = text(input, "namespace").unwrap_or_default();
    let service_account = text(input, "serviceAccount").unwrap_or_default();
    let prefix = format!("{cluster}/");
    let old = access
        .docs(Service::Eks)
        .all(TABLE)
        .find(|(key, it)| {
            key.starts_with(&prefix)
                && it["namespace"] == namespace
                && it["serviceAccount"] == service_account
        })
        .map(|(_, it)| it.clone());
    if let Some(old) = old {
        return if super::route::repeated(input, &old)? {
            Ok(json!({"association": old}))
        } else {
            Err(in_use(format!(
                "Association already exists: {}",
                old["associationId"].as_str().unwrap_or_default()
            )))
        };
    }
    role::check(access, text(input, "roleArn").unwrap_or_default())?;
    let made = json!({
        "roleArn": input["roleArn"], "targetRoleArn": input["targetRoleArn"],
        "disableSessionTags": input["disableSessionTags"] == json!(true),
        "policy": input["policy"],
        "tags": if input["tags"].is_null() { json!({}) } else { input["tags"].clone() },
        "_token": input["clientRequestToken"], "_asked": input,
    });
    let arn = make(access, cluster, namespace, service_account, made);
    let id = arn.as_str().and_then(|arn| arn.rsplit('/').next()).unwrap_or_default();
    Ok(json!({"association": find(access, cluster, id)?}))
}

pub(super) fn list(access: &mut Access<'_>, cluster: &str) -> Outcome {
    cluster::find(access, cluster)?;
    let call = access.call;
    let prefix = format!("{cluster}/");
    let found: Vec<Value> = access
        .docs(Service::Eks)
        .all(TABLE)
        .filter(|(key, it)| {
            key.starts_with(&prefix)
                && call.query("namespace").is_none_or(|wanted| it["namespace"] == wanted)
                && call.query("serviceAccount").is_none_or(|wanted| it["serviceAccount"] == wanted)
        })
        .map(|(_, it)| {
            json!({
                "clusterName": it["clusterName"], "namespace": it["namespace"],
                "serviceAccount": it["serviceAccount"], "associationArn": it["associationArn"],
                "associationId": it["associationId"], "ownerArn": it["ownerArn"],
            })
        })
        .collect();
    Ok(json!({"associations": found}))
}

pub(super) fn describe(access: &mut Access<'_>, cluster: &str, id: &str) -> Outcome {
    Ok(json!({"association": find(access, cluster, id)?}))
}

pub(super) fn update(access: &mut Access<'_>, cluster: &str, id: &str) -> Outcome {
    find(access, cluster, id)?;
    let (input, at) = (access.input(), access.epoch());
    if let Some(arn) = text(input, "roleArn") {
        role::check(access, arn)?;
    }
    let Some(association) = access.docs(Service::Eks).edit(TABLE, &format!("{cluster}/{id}"))
    else {
        return Err(missing("pod identity association", id));
    };
    for field in ["roleArn", "targetRoleArn", "disableSessionTags", "policy"] {
        if !input[field].is_null() {
            association[field] = input[field].clone();
        }
    }
    association["modifiedAt"] = json!(at);
    Ok(json!({"association": association}))
}

pub(super) fn delete(access: &mut Access<'_>, cluster: &str, id: &str) -> Outcome {
    let old = find(access, cluster, id)?;
    access.docs(Service::Eks).remove(TABLE, &format!("{cluster}/{id}"));
    Ok(json!({"association": old}))
}
