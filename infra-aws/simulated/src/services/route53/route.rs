//! Methods and paths to operations, and operations to models.

use serde_json::{Value, json};

use super::{record, zone};
use crate::services::{Access, Service};
use crate::settings::Wait;
use crate::wire::{ApiCall, Failure, Reply, element, fail, parse_xml, render_failure};
use crate::world;

/// The operation of a request.
pub(crate) fn operation(call: &ApiCall) -> &'static str {
    let segments = call.segments();
    let rest: Vec<&str> = segments.iter().skip(1).map(String::as_str).collect();
    match (call.method.as_str(), &rest[..]) {
        ("POST", ["hostedzone"]) => "CreateHostedZone",
        ("GET", ["hostedzone"]) => "ListHostedZones",
        ("GET", ["hostedzonesbyname"]) => "ListHostedZonesByName",
        ("GET", ["hostedzone", _]) => "GetHostedZone",
        ("POST", ["hostedzone", _]) => "UpdateHostedZoneComment",
        ("DELETE", ["hostedzone", _]) => "DeleteHostedZone",
        ("POST", ["hostedzone", _, "rrset"]) => "ChangeResourceRecordSets",
        ("GET", ["hostedzone", _, "rrset"]) => "ListResourceRecordSets",
        ("POST", ["hostedzone", _, "associatevpc"]) => "AssociateVPCWithHostedZone",
        ("POST", ["hostedzone", _, "disassociatevpc"]) => "DisassociateVPCFromHostedZone",
        ("GET", ["change", _]) => "GetChange",
        ("POST", ["tags", "hostedzone"]) => "ListTagsForResources",
        ("POST", ["tags", _, _]) => "ChangeTagsForResource",
        ("GET", ["tags", _, _]) => "ListTagsForResource",
        _ => "",
    }
}

pub(crate) fn answer(access: &mut Access<'_>) -> Reply {
    let call = access.call;
    match carry_out(access) {
        Ok((root, value, status)) => {
            let mut body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
            element(&mut body, root, &value, "");
            let named = format!("<{root} xmlns=\"{}\">", call.service.namespace());
            let body = body.replacen(&format!("<{root}>"), &named, 1);
            let reply = Reply::new(status, "text/xml", body);
            match value["_location"].as_str() {
                Some(location) => reply.header("location", location),
                None => reply,
            }
        }
        Err(failure) => render_failure(call, &failure),
    }
}

type Answer = Result<(&'static str, Value, u16), Failure>;

fn carry_out(access: &mut Access<'_>) -> Answer {
    let call = access.call;
    let input = parse_xml(&String::from_utf8_lossy(&call.body));
    let segments = call.segments();
    let id = segments.get(2).map(String::as_str).unwrap_or_default();
    let last = segments.last().map(String::as_str).unwrap_or_default();
    Ok(match call.operation.as_str() {
        "CreateHostedZone" => ("CreateHostedZoneResponse", zone::create(access, &input)?, 201),
        "ListHostedZones" => ("ListHostedZonesResponse", zone::list(access), 200),
        "ListHostedZonesByName" => {
            ("ListHostedZonesByNameResponse", zone::list_by_name(access), 200)
        }
        "GetHostedZone" => ("GetHostedZoneResponse", zone::get(access, id)?, 200),
        "UpdateHostedZoneComment" => {
            ("UpdateHostedZoneCommentResponse", zone::comment(access, id, &input)?, 200)
        }
        "DeleteHostedZone" => ("DeleteHostedZoneResponse", zone::delete(access, id)?, 200),
        "ChangeResourceRecordSets" => {
            ("ChangeResourceRecordSetsResponse", record::change(access, id, &input)?, 200)
        }
        "ListResourceRecordSets" => {
            ("ListResourceRecordSetsResponse", record::list(access, id)?, 200)
        }
        "AssociateVPCWithHostedZone" => {
            ("AssociateVPCWithHostedZoneResponse", zone::vpc(access, id, &input, true)?, 200)
        }
        "DisassociateVPCFromHostedZone" => {
            ("DisassociateVPCFromHostedZoneResponse", zone::vpc(access, id, &input, false)?, 200)
        }
        "GetChange" => {
            let change = access.docs(Service::Route53).get("change", last).cloned();
            let change = change.ok_or_else(|| {
                fail("NoSuchChange", format!("A change with the ID {last} does not exist."))
                    .status(404)
            })?;
            ("GetChangeResponse", json!({"ChangeInfo": change}), 200)
        }
        "ChangeTagsForResource" => {
            ("ChangeTagsForResourceResponse", zone::change_tags(access, last, &input)?, 200)
        }
        "ListTagsForResource" => ("ListTagsForResourceResponse", zone::tags(access, last)?, 200),
        "ListTagsForResources" => {
            ("ListTagsForResourcesResponse", zone::tags_of_many(access, &input)?, 200)
        }
        _ => {
            return Err(fail(
                "InvalidInput",
                format!("the embedded Route53 has no {} {}", call.method, call.path),
            ));
        }
    })
}

/// A change that has begun: pending, in sync after a while.
pub(super) fn new_change(access: &mut Access<'_>) -> Value {
    let id = format!("C{}", crate::services::access::hex(13).to_uppercase());
    let mut change = json!({
        "Id": format!("/change/{id}"), "Status": "PENDING", "SubmittedAt": access.timestamp(),
    });
    let done = access.after(Wait::DnsInSync);
    world::plan(&mut change, &[(done, json!({"Status": "INSYNC"}))]);
    access.docs(Service::Route53).put("change", &id, change.clone());
    change
}

/// One or many of what XML does not tell apart.
pub(super) fn many(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(all) => all.clone(),
        Value::Object(_) => vec![value.clone()],
        Value::String(text) if !text.trim().is_empty() => vec![value.clone()],
        _ => Vec::new(),
    }
}
