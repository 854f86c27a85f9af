//! DynamoDB tables take a moment to be made and to go, and can be protected. In the emulator they
//! are there and gone at once.

use serde_json::{Value, json};

use super::table_index;
use crate::emulated;
use crate::services::{Access, Service};
use crate::settings::Wait;
use crate::wire::{ApiCall, Reply, fail, render_failure, text};
use crate::world;

/// `{status, protected, description}` by table name; no status means active.
const TABLE: &str = "+table";

pub(super) fn answer(access: &mut Access<'_>) -> Reply {
    let call = access.call;
    let name = text(&call.input, "TableName").unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or(name).to_owned();
    let known = access.docs(Service::Dynamodb).get(TABLE, &name).cloned().unwrap_or_default();
    let status = known["status"].as_str().unwrap_or("ACTIVE").to_owned();
    let refuse = |code: &str, message: String| render_failure(call, &fail(code, message));
    match (call.operation.as_str(), status.as_str()) {
        ("DescribeTable", "DELETING") => {
            let mut description = known["description"].clone();
            description["TableStatus"] = json!("DELETING");
            let body = json!({"Table": description}).to_string();
            Reply::new(200, "application/x-amz-json-1.0", body)
        }
        ("CreateTable", "DELETING") => {
            refuse("ResourceInUseException", format!("Table already exists: {name}"))
        }
        ("DeleteTable" | "UpdateTable" | "UpdateTimeToLive", "CREATING" | "UPDATING") => {
            refuse("ResourceInUseException", format!("Table is being created: {name}"))
        }
        ("UpdateContinuousBackups", "CREATING") => refuse(
            "ContinuousBackupsUnavailableException",
            "Backups are being enabled for the table. Please retry later".to_owned(),
        ),
        ("PutItem" | "GetItem" | "UpdateItem" | "DeleteItem" | "Query" | "Scan", "CREATING") => {
            refuse("ResourceNotFoundException", "Requested resource not found".to_owned())
        }
        ("DeleteTable", _) if known["protected"] == true => refuse(
            "ValidationException",
            format!(
                "Resource cannot be deleted as it is currently protected against deletion. \
                     Disable deletion protection first: {name}"
            ),
        ),
        _ => {
            let reply = emulated::call(access.world, call);
            if reply.status == 200 { follow(access, &name, &known, reply) } else { reply }
        }
    }
}

/// Notes what a successful call changed, and shows the status of the moment.
fn follow(access: &mut Access<'_>, name: &str, known: &Value, mut reply: Reply) -> Reply {
    let call = access.call;
    let field = if call.operation == "DescribeTable" { "Table" } else { "TableDescription" };
    if !matches!(
        call.operation.as_str(),
        "CreateTable" | "DescribeTable" | "UpdateTable" | "DeleteTable"
    ) {
        return reply;
    }
    let Ok(mut body) = serde_json::from_slice::<Value>(&reply.body) else { return reply };
    let asked = call.input["DeletionProtectionEnabled"].as_bool();
    let protected = asked.unwrap_or(known["protected"] == true);
    let mut kept = known["kept"].clone();
    if !call.input["SSESpecification"].is_null() {
        kept["SSEDescription"] = encryption(access, &call.input["SSESpecification"]);
    }
    if let Some(class) = text(&call.input, "TableClass") {
        kept["TableClassSummary"] = json!({"TableClass": class});
    }
    if call.operation == "UpdateTable" {
        let mut before = body[field].clone();
        overlay(&mut before, &kept);
        if let Some((indexes, definitions)) = table_index::updated(&before, &call.input) {
            kept["GlobalSecondaryIndexes"] = indexes;
            kept["AttributeDefinitions"] = definitions;
        }
    }
    let active = json!({"status": null});
    if call.operation == "CreateTable" && call.input["Tags"].is_array() {
        tag(access, &body[field]["TableArn"]);
    }
    let (active_at, gone_at) = (access.after(Wait::TableActive), access.after(Wait::TableDeleted));
    let docs = access.docs(Service::Dynamodb);
    let status = match call.operation.as_str() {
        "CreateTable" | "UpdateTable" => {
            let status = if call.operation == "CreateTable" { "CREATING" } else { "UPDATING" };
            let mut note = json!({"status": status, "protected": protected, "kept": kept});
            world::plan(&mut note, &[(active_at, active)]);
            docs.put(TABLE, name, note);
            status
        }
        "DeleteTable" => {
            let mut note = json!({"status": "DELETING", "description": body[field]});
            world::plan(&mut note, &[(gone_at, Value::Null)]);
            docs.put(TABLE, name, note);
            "DELETING"
        }
        _ => known["status"].as_str().unwrap_or("ACTIVE"),
    };
    body[field]["TableStatus"] = json!(status);
    body[field]["DeletionProtectionEnabled"] = json!(protected);
    overlay(&mut body[field], &kept);
    reply.body = body.to_string().into();
    reply
}

/// What is kept here stands in for what the emulator shows.
fn overlay(description: &mut Value, kept: &Value) {
    for (name, value) in kept.as_object().into_iter().flatten() {
        description[name] = value.clone();
    }
}

/// Encryption with a key of one's own; without it there is no description at all.
fn encryption(access: &Access<'_>, asked: &Value) -> Value {
    if asked["Enabled"] != true {
        return Value::Null;
    }
    let key = text(asked, "KMSMasterKeyId").unwrap_or("alias/aws/dynamodb");
    let arn = if key.starts_with("arn:") {
        key.to_owned()
    } else {
        let kind = if key.starts_with("alias/") { "" } else { "key/" };
        format!("arn:aws:kms:{}:{}:{kind}{key}", access.region(), access.account())
    };
    json!({"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": arn})
}

/// The emulator drops the tags of a create call, not those of a tag call.
fn tag(access: &mut Access<'_>, arn: &Value) {
    let body = json!({"ResourceArn": arn, "Tags": access.input()["Tags"]});
    let mut inner = ApiCall {
        operation: "TagResource".to_owned(),
        body: body.to_string().into(),
        ..access.call.clone()
    };
    let target = http::HeaderValue::from_static("DynamoDB_20120810.TagResource");
    inner.headers.insert("x-amz-target", target);
    emulated::call(access.world, &inner);
}
