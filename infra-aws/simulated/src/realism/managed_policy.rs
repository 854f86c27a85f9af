//! The policies of AWS itself (`arn:aws:iam::aws:policy/…`). The emulator knows none; here any
//! that is named exists, with a document that allows nothing in particular.

use serde_json::json;

use crate::services::{Access, Service};
use crate::wire::{ApiCall, Reply, text};

const OF_AWS: &str = "arn:aws:iam::aws:policy/";

/// Makes the policy the call names known to the emulator.
pub(super) fn ensure(access: &mut Access<'_>) {
    let arn = text(access.input(), "PolicyArn").unwrap_or_default();
    let Some(path) = arn.strip_prefix(OF_AWS) else { return };
    let id = access.id(Service::Iam);
    let cell = access.world.cell(&id);
    if cell.docs.has("policies", arn) || path.is_empty() {
        return;
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    let document = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let at = "2020-01-01T00:00:00+00:00";
    let policy = json!({
        "policy_name": name, "policy_id": format!("ANPA{:0<17.17}", name.to_uppercase()),
        "arn": arn, "path": "/", "default_version_id": "v1", "description": "",
        "create_date": at, "update_date": at, "is_attachable": true, "document": document,
        "versions": [{
            "version_id": "v1", "document": document, "is_default_version": true,
            "create_date": at,
        }],
        "tags": {}, "attachment_count": 0, "next_version_number": 2,
    });
    cell.docs.put("policies", arn, policy);
    // The emulator reads the documents again.
    cell.emulator = None;
}

/// Whoever asks for the account's own policies does not mean AWS's; the emulator lists them all.
pub(super) fn leave_out(call: &ApiCall, mut reply: Reply) -> Reply {
    if call.operation != "ListPolicies" || text(&call.input, "Scope") != Some("Local") {
        return reply;
    }
    let (mut own, of_aws) = (String::new(), format!("<Arn>{OF_AWS}"));
    // A policy of the list has no members itself.
    for part in String::from_utf8_lossy(&reply.body).split_inclusive("</member>") {
        let end = part.find("<member>").filter(|_| part.contains(&of_aws));
        own.push_str(&part[..end.unwrap_or(part.len())]);
    }
    reply.body = own.into();
    reply
}
