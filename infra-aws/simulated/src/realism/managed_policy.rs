//! The policies of AWS itself (`arn:aws:iam::aws:policy/…`). The emulator knows none; here any
//! that is named exists, with a document that allows nothing in particular.

use serde_json::json;

use crate::services::{Access, Service};
use crate::wire::text;

/// Makes the policy the call names known to the emulator.
pub(super) fn ensure(access: &mut Access<'_>) {
    let arn = text(access.input(), "PolicyArn").unwrap_or_default();
    let Some(path) = arn.strip_prefix("arn:aws:iam::aws:policy/") else { return };
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
