//! What IAM says about one role or user. The emulator keeps description, tags and boundary, but
//! leaves them out of the replies about a single one.

use serde_json::{Value, json};

use crate::emulated;
use crate::services::{Access, Service};
use crate::wire::{Reply, element, text};

/// Operation, parameter with the name, table, element that is completed.
const COMPLETED: [(&str, &str, &str, &str); 5] = [
    ("CreateRole", "RoleName", "roles", "Role"),
    ("GetRole", "RoleName", "roles", "Role"),
    ("UpdateRoleDescription", "RoleName", "roles", "Role"),
    ("CreateUser", "UserName", "users", "User"),
    ("GetUser", "UserName", "users", "User"),
];

pub(super) fn answer(access: &mut Access<'_>) -> Reply {
    let call = access.call;
    let mut reply = emulated::call(access.world, call);
    let completed = COMPLETED.iter().find(|(operation, ..)| *operation == call.operation);
    let Some((_, parameter, table, name)) = completed.filter(|_| reply.status == 200) else {
        return reply;
    };
    let id = text(&call.input, parameter).unwrap_or_default();
    let Some(document) = access.docs(Service::Iam).get(table, id).cloned() else { return reply };
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    let end = format!("</{name}>");
    let mut extra = String::new();
    for (field, value) in [
        ("Description", described(&document["description"])),
        ("Tags", tags(&document["tags"])),
        ("PermissionsBoundary", boundary(&document["permissions_boundary"])),
    ] {
        if !body.contains(&format!("<{field}>")) {
            element(&mut extra, field, &value, "member");
        }
    }
    reply.body = body.replacen(&end, &format!("{extra}{end}"), 1).into();
    reply
}

fn described(text: &Value) -> Value {
    if text == "" { Value::Null } else { text.clone() }
}

fn tags(tags: &Value) -> Value {
    let rows: Vec<Value> = tags
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    if rows.is_empty() { Value::Null } else { Value::Array(rows) }
}

fn boundary(arn: &Value) -> Value {
    if arn.is_string() {
        json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn})
    } else {
        Value::Null
    }
}
