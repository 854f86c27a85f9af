//! `ListRoles`: what every role is, without tags and boundary, in pages. The emulator leaves out description and longest
//! session, and knows no pages. (IAM API reference.)

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::emulated;
use crate::services::{Access, Service};
use crate::wire::{Outcome, Reply, render, text};

pub(super) fn answer(access: &mut Access<'_>) -> Reply {
    let outcome = roles(access);
    let mut reply = render(access.call, outcome);
    // What the emulator keeps is of its own account.
    reply.body = emulated::exchanged(&reply.body, access.account());
    reply
}

fn roles(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let prefix = text(input, "PathPrefix").unwrap_or("/");
    let docs = access.docs(Service::Iam);
    let fits = |row: &&Value| row["path"].as_str().is_some_and(|path| path.starts_with(prefix));
    let all: Vec<Value> = docs.values("roles").filter(fits).map(shown).collect();
    let start: usize = text(input, "Marker").and_then(|it| it.parse().ok()).unwrap_or(0);
    let size = text(input, "MaxItems").and_then(|it| it.parse().ok()).unwrap_or(100_usize);
    let end = start.saturating_add(size).min(all.len());
    let page: Value = all.iter().take(end).skip(start).cloned().collect();
    let mut reply = json!({"IsTruncated": end < all.len(), "Roles": page});
    if end < all.len() {
        reply["Marker"] = json!(end.to_string());
    }
    Ok(reply)
}

fn shown(row: &Value) -> Value {
    let document = row["assume_role_policy_document"].as_str().unwrap_or_default();
    let mut shown = json!({
        "Path": row["path"], "RoleName": row["name"], "RoleId": row["role_id"], "Arn": row["arn"],
        "CreateDate": row["create_date"],
        "AssumeRolePolicyDocument": utf8_percent_encode(document, NON_ALPHANUMERIC).to_string(),
        "MaxSessionDuration": row["max_session_duration"],
    });
    if row["description"].as_str().is_some_and(|text| !text.is_empty()) {
        shown["Description"] = row["description"].clone();
    }
    shown
}
