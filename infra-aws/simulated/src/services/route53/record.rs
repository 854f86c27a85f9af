//! Record sets. A batch of changes is all or nothing.

use serde_json::{Value, json};

use super::route::{many, new_change};
use super::zone;
use crate::services::{Access, Service};
use crate::wire::{Failure, fail, text};

const TABLE: &str = "record";

/// Lower case, a dot at the end, `*` as `\052`.
pub(super) fn canonical(name: &str) -> String {
    let name = name.to_lowercase().replace("\\052", "*");
    let name = name.trim_end_matches('.');
    format!("{}.", name.replace('*', "\\052"))
}

/// Zones and records are in the order of their labels from the right.
pub(super) fn order(name: &str) -> String {
    let mut labels: Vec<&str> = name.trim_end_matches('.').split('.').collect();
    labels.reverse();
    labels.join(".")
}

fn key(zone: &str, set: &Value) -> String {
    let part = |field: &str| set[field].as_str().unwrap_or_default();
    format!("{zone}|{}|{}|{}", order(part("Name")), part("Type"), part("SetIdentifier"))
}

fn rows(access: &mut Access<'_>, zone: &str) -> Vec<(String, Value)> {
    let prefix = format!("{zone}|");
    access
        .docs(Service::Route53)
        .all(TABLE)
        .filter(|(key, _)| key.starts_with(&prefix))
        .map(|(key, set)| (key.to_owned(), set.clone()))
        .collect()
}

pub(super) fn count(access: &mut Access<'_>, zone: &str) -> usize {
    rows(access, zone).len()
}

pub(super) fn forget(access: &mut Access<'_>, zone: &str) {
    for (key, _) in rows(access, zone) {
        access.docs(Service::Route53).remove(TABLE, &key);
    }
}

/// The records every zone has.
pub(super) fn apex(access: &mut Access<'_>, zone: &str, name: &str) {
    let servers: Vec<Value> = (0..4)
        .map(|n| json!({"Value": format!("ns-{n}.{}.simulated.invalid.", zone.to_lowercase())}))
        .collect();
    let soa = format!(
        "ns-0.{}.simulated.invalid. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400",
        zone.to_lowercase()
    );
    for (kind, ttl, records) in
        [("NS", "172800", json!(servers)), ("SOA", "900", json!([{"Value": soa}]))]
    {
        let set = json!({
            "Name": name, "Type": kind, "TTL": ttl, "ResourceRecords": {"ResourceRecord": records},
        });
        access.docs(Service::Route53).put(TABLE, &key(zone, &set), set);
    }
}

/// The set with canonical names and its records always a list.
fn normal(set: &Value) -> Value {
    let mut set = set.clone();
    set["Name"] = json!(canonical(text(&set, "Name").unwrap_or_default()));
    if set["ResourceRecords"].is_object() {
        let records = many(&set["ResourceRecords"]["ResourceRecord"]);
        set["ResourceRecords"] = json!({"ResourceRecord": records});
    }
    if let Some(target) = text(&set["AliasTarget"], "DNSName") {
        set["AliasTarget"]["DNSName"] = json!(canonical(target));
    }
    set
}

fn same(a: &Value, b: &Value) -> bool {
    let values = |set: &Value| {
        let mut all: Vec<String> = many(&set["ResourceRecords"]["ResourceRecord"])
            .iter()
            .map(|it| it["Value"].to_string())
            .collect();
        all.sort();
        all
    };
    a["TTL"] == b["TTL"] && a["AliasTarget"] == b["AliasTarget"] && values(a) == values(b)
}

pub(super) fn change(access: &mut Access<'_>, zone: &str, input: &Value) -> Result<Value, Failure> {
    let apex = zone::find(access, zone)?["Name"].as_str().unwrap_or_default().to_owned();
    let mut state: std::collections::BTreeMap<String, Value> =
        rows(access, zone).into_iter().collect();
    let (mut problems, mut touched) = (Vec::new(), Vec::new());
    for change in many(&input["ChangeBatch"]["Changes"]["Change"]) {
        let action = text(&change, "Action").unwrap_or_default();
        let mut set = normal(&change["ResourceRecordSet"]);
        let name = set["Name"].as_str().unwrap_or_default().to_owned();
        let kind = set["Type"].as_str().unwrap_or_default().to_owned();
        let what = format!("[name='{name}', type='{kind}']");
        let key = key(zone, &set);
        let old = state.get(&key);
        if name != apex && !name.ends_with(&format!(".{apex}")) {
            problems.push(format!("RRSet with DNS name {name} is not permitted in zone {apex}"));
        } else if action == "CREATE" && old.is_some() {
            problems
                .push(format!("Tried to create resource record set {what} but it already exists"));
        } else if action == "DELETE" && name == apex && (kind == "NS" || kind == "SOA") {
            problems.push(format!("A HostedZone must contain its {kind} record {what}"));
        } else if action == "DELETE" && old.is_none() {
            problems
                .push(format!("Tried to delete resource record set {what} but it was not found"));
        } else if action == "DELETE" && !old.is_some_and(|old| same(old, &set)) {
            problems.push(format!(
                "Tried to delete resource record set {what} but the values provided do not match \
                 the current values"
            ));
        } else if action == "DELETE" {
            state.remove(&key);
            touched.push(key);
        } else {
            let beside = |other: &str| {
                let with = json!({
                    "Name": name, "Type": other, "SetIdentifier": set["SetIdentifier"],
                });
                state.contains_key(&self::key(zone, &with))
            };
            let clash = if kind == "CNAME" {
                name == apex || ["A", "AAAA", "TXT", "MX"].iter().any(|it| beside(it))
            } else {
                beside("CNAME")
            };
            if clash {
                problems
                    .push(format!("RRSet {what} conflicts with another record of the same name"));
            } else {
                set["_since"] = json!(access.now);
                state.insert(key.clone(), set);
                touched.push(key);
            }
        }
    }
    if !problems.is_empty() {
        return Err(fail("InvalidChangeBatch", format!("[{}]", problems.join(", "))));
    }
    let docs = access.docs(Service::Route53);
    for key in touched {
        match state.get(&key) {
            Some(set) => docs.put(TABLE, &key, set.clone()),
            None => {
                docs.remove(TABLE, &key);
            }
        }
    }
    Ok(json!({"ChangeInfo": new_change(access)}))
}

/// Pages begin at a name and type.
pub(super) fn list(access: &mut Access<'_>, zone: &str) -> Result<Value, Failure> {
    zone::find(access, zone)?;
    let call = access.call;
    let limit = call.query("maxitems").and_then(|it| it.parse().ok()).unwrap_or(300_usize);
    let start = call.query("name").map(|name| {
        let set = json!({
            "Name": canonical(name), "Type": call.query("type").unwrap_or_default(),
            "SetIdentifier": call.query("identifier").unwrap_or_default(),
        });
        key(zone, &set)
    });
    let mut rows = rows(access, zone);
    if let Some(start) = start {
        rows.retain(|(key, _)| *key >= start);
    }
    let next = rows.get(limit).map(|(_, set)| set.clone());
    let sets: Vec<Value> = rows.into_iter().take(limit).map(|(_, set)| set).collect();
    let mut reply = json!({
        "ResourceRecordSets": {"ResourceRecordSet": sets}, "IsTruncated": next.is_some(),
        "MaxItems": limit,
    });
    if let Some(next) = next {
        reply["NextRecordName"] = next["Name"].clone();
        reply["NextRecordType"] = next["Type"].clone();
        reply["NextRecordIdentifier"] = next["SetIdentifier"].clone();
    }
    Ok(reply)
}

/// Since when a CNAME with this value stands in a public zone of the account.
pub(crate) fn cname_since(access: &mut Access<'_>, name: &str, value: &str) -> Option<u64> {
    let (name, value) = (canonical(name), canonical(value));
    access
        .docs(Service::Route53)
        .values(TABLE)
        .find(|set| {
            set["Type"] == "CNAME"
                && set["Name"] == name.as_str()
                && many(&set["ResourceRecords"]["ResourceRecord"])
                    .iter()
                    .any(|it| canonical(it["Value"].as_str().unwrap_or_default()) == value)
        })
        .map(|set| set["_since"].as_u64().unwrap_or(0))
}
