//! Hosted zones.

use serde_json::{Value, json};

use super::record;
use super::route::{many, new_change};
use crate::services::access::hex;
use crate::services::{Access, Service, json_tags};
use crate::wire::{Failure, fail, text};

const TABLE: &str = "zone";

pub(super) fn find(access: &mut Access<'_>, id: &str) -> Result<Value, Failure> {
    access.docs(Service::Route53).get(TABLE, id).cloned().ok_or_else(|| {
        fail("NoSuchHostedZone", format!("No hosted zone found with ID: {id}")).status(404)
    })
}

/// The zone as replies show it, with its number of records.
fn shown(access: &mut Access<'_>, zone: &Value) -> Value {
    let id = zone["_id"].as_str().unwrap_or_default();
    let mut shown = zone.clone();
    shown["ResourceRecordSetCount"] = json!(record::count(access, id));
    shown
}

fn delegation(id: &str) -> Value {
    let servers: Vec<String> =
        (0..4).map(|n| format!("ns-{n}.{}.simulated.invalid", id.to_lowercase())).collect();
    json!({"NameServers": {"NameServer": servers}})
}

/// The caller's reference makes it once; the same name may exist twice.
pub(super) fn create(access: &mut Access<'_>, input: &Value) -> Result<Value, Failure> {
    let reference = text(input, "CallerReference").unwrap_or_default();
    let name = record::canonical(text(input, "Name").unwrap_or_default());
    let old =
        access.docs(Service::Route53).values(TABLE).find(|it| it["CallerReference"] == reference);
    if old.is_some() {
        return Err(fail(
            "HostedZoneAlreadyExists",
            format!(
                "A hosted zone has already been created with the specified caller reference: \
                     {reference}"
            ),
        )
        .status(409));
    }
    let id = format!("Z{}", hex(20).to_uppercase());
    let private = input["VPC"].is_object();
    let zone = json!({
        "Id": format!("/hostedzone/{id}"), "Name": name, "CallerReference": reference,
        "Config": {
            "Comment": input["HostedZoneConfig"]["Comment"].as_str().unwrap_or_default(),
            "PrivateZone": private,
        },
        "_id": id, "_vpcs": many(&input["VPC"]), "_tags": [], "_born": access.now,
    });
    access.docs(Service::Route53).put(TABLE, &id, zone.clone());
    record::apex(access, &id, &name);
    let change = new_change(access);
    let mut reply = json!({
        "HostedZone": shown(access, &zone), "ChangeInfo": change,
        "_location": format!("https://route53.amazonaws.com/2013-04-01/hostedzone/{id}"),
    });
    if private {
        reply["VPC"] = input["VPC"].clone();
    } else {
        reply["DelegationSet"] = delegation(&id);
    }
    Ok(reply)
}

pub(super) fn get(access: &mut Access<'_>, id: &str) -> Result<Value, Failure> {
    let zone = find(access, id)?;
    let mut reply = json!({"HostedZone": shown(access, &zone)});
    if zone["Config"]["PrivateZone"] == true {
        reply["VPCs"] = json!({"VPC": zone["_vpcs"]});
    } else {
        reply["DelegationSet"] = delegation(id);
    }
    Ok(reply)
}

fn all(access: &mut Access<'_>) -> Vec<Value> {
    let zones: Vec<Value> = access.docs(Service::Route53).values(TABLE).cloned().collect();
    zones.iter().map(|zone| shown(access, zone)).collect()
}

/// Pages begin at a zone's id.
pub(super) fn list(access: &mut Access<'_>) -> Value {
    let from = access.call.query("marker").unwrap_or_default();
    let limit = access.call.query("maxitems").and_then(|it| it.parse().ok()).unwrap_or(100_usize);
    let mut zones = all(access);
    zones.retain(|zone| zone["_id"].as_str().is_some_and(|id| id >= from));
    let next = zones.get(limit).map(|zone| zone["_id"].clone());
    zones.truncate(limit);
    json!({
        "HostedZones": {"HostedZone": zones}, "Marker": from, "IsTruncated": next.is_some(),
        "NextMarker": next, "MaxItems": limit,
    })
}

pub(super) fn list_by_name(access: &mut Access<'_>) -> Value {
    let from = access.call.query("dnsname").map(record::canonical);
    let limit = access.call.query("maxitems").and_then(|it| it.parse().ok()).unwrap_or(100_usize);
    let mut zones = all(access);
    zones.sort_by_key(|zone| record::order(zone["Name"].as_str().unwrap_or_default()));
    if let Some(from) = &from {
        let from = record::order(from);
        zones.retain(|zone| record::order(zone["Name"].as_str().unwrap_or_default()) >= from);
    }
    let more = zones.len() > limit;
    zones.truncate(limit);
    json!({
        "HostedZones": {"HostedZone": zones}, "DNSName": from, "IsTruncated": more,
        "MaxItems": limit,
    })
}

pub(super) fn comment(access: &mut Access<'_>, id: &str, input: &Value) -> Result<Value, Failure> {
    find(access, id)?;
    if let Some(zone) = access.docs(Service::Route53).edit(TABLE, id) {
        zone["Config"]["Comment"] = json!(text(input, "Comment").unwrap_or_default());
    }
    let zone = find(access, id)?;
    Ok(json!({"HostedZone": shown(access, &zone)}))
}

/// Only when nothing but the records of the apex is left.
pub(super) fn delete(access: &mut Access<'_>, id: &str) -> Result<Value, Failure> {
    find(access, id)?;
    if record::count(access, id) > 2 {
        return Err(fail(
            "HostedZoneNotEmpty",
            "The specified hosted zone contains non-required resource record sets and so cannot \
             be deleted.",
        ));
    }
    record::forget(access, id);
    access.docs(Service::Route53).remove(TABLE, id);
    Ok(json!({"ChangeInfo": new_change(access)}))
}

pub(super) fn vpc(
    access: &mut Access<'_>,
    id: &str,
    input: &Value,
    on: bool,
) -> Result<Value, Failure> {
    let zone = find(access, id)?;
    let mut vpcs = many(&zone["_vpcs"]);
    let before = vpcs.len();
    vpcs.retain(|it| it["VPCId"] != input["VPC"]["VPCId"]);
    if on {
        vpcs.push(input["VPC"].clone());
    } else if vpcs.len() == before {
        return Err(fail("VPCAssociationNotFound", "The VPC is not associated").status(404));
    } else if vpcs.is_empty() {
        return Err(fail("LastVPCAssociation", "The VPC is the last one of a private zone"));
    }
    if let Some(zone) = access.docs(Service::Route53).edit(TABLE, id) {
        zone["_vpcs"] = json!(vpcs);
    }
    Ok(json!({"ChangeInfo": new_change(access)}))
}

pub(super) fn change_tags(
    access: &mut Access<'_>,
    id: &str,
    input: &Value,
) -> Result<Value, Failure> {
    find(access, id)?;
    let keys: Vec<String> = many(&input["RemoveTagKeys"]["Key"])
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    let new = json!(many(&input["AddTags"]["Tag"]));
    if let Some(zone) = access.docs(Service::Route53).edit(TABLE, id) {
        json_tags::remove(&mut zone["_tags"], &keys);
        json_tags::put(&mut zone["_tags"], &new);
    }
    Ok(json!({}))
}

fn tag_set(id: &str, zone: &Value) -> Value {
    json!({"ResourceType": "hostedzone", "ResourceId": id, "Tags": {"Tag": zone["_tags"]}})
}

pub(super) fn tags(access: &mut Access<'_>, id: &str) -> Result<Value, Failure> {
    let zone = find(access, id)?;
    Ok(json!({"ResourceTagSet": tag_set(id, &zone)}))
}

pub(super) fn tags_of_many(access: &mut Access<'_>, input: &Value) -> Result<Value, Failure> {
    let ids = many(&input["ResourceIds"]["ResourceId"]);
    // At most ten a call. (Route 53 API reference, `ListTagsForResources`.)
    if !(1..=10).contains(&ids.len()) {
        return Err(fail("InvalidInput", "expected 1 to 10 resource ids"));
    }
    let mut sets = Vec::new();
    for id in ids {
        let id = id.as_str().unwrap_or_default();
        let zone = find(access, id)?;
        sets.push(tag_set(id, &zone));
    }
    Ok(json!({"ResourceTagSets": {"ResourceTagSet": sets}}))
}
