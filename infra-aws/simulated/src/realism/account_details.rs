//! `GetAccountAuthorizationDetails`: everything IAM holds, in pages. The emulator leaves out tags, boundaries and
//! profiles, and knows neither filters nor pages. (IAM API reference.)

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::emulated;
use crate::services::{Access, Service};
use crate::wire::{Outcome, Reply, fail, render, text, texts};
use crate::world::Docs;

/// The filters: the type, the table it is in, the list it comes back in.
const TYPES: [(&str, &str, &str); 5] = [
    ("User", "users", "UserDetailList"),
    ("Group", "groups", "GroupDetailList"),
    ("Role", "roles", "RoleDetailList"),
    ("LocalManagedPolicy", "policies", "Policies"),
    ("AWSManagedPolicy", "policies", "Policies"),
];

pub(super) fn answer(access: &mut Access<'_>) -> Reply {
    let outcome = details(access);
    let mut reply = render(access.call, outcome);
    // What the emulator keeps is of its own account.
    reply.body = emulated::exchanged(&reply.body, access.account());
    reply
}

fn details(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let wanted = texts(input, "Filter");
    if let Some(unknown) = wanted.iter().find(|it| !TYPES.iter().any(|(name, ..)| name == it)) {
        return Err(fail("ValidationError", format!("{unknown} is not a type of entity")));
    }
    let docs = access.docs(Service::Iam);
    let mut all = Vec::new();
    for (name, table, list) in TYPES {
        if wanted.is_empty() || wanted.iter().any(|it| it == name) {
            let rows = docs.all(table).filter(|(_, row)| {
                let of_aws = row["arn"].as_str().is_some_and(|arn| arn.contains("::aws:"));
                table != "policies" || of_aws == (name == "AWSManagedPolicy")
            });
            all.extend(rows.map(|(_, row)| (list, shown(docs, table, row))));
        }
    }
    let start: usize = text(input, "Marker").and_then(|it| it.parse().ok()).unwrap_or(0);
    let size = text(input, "MaxItems").and_then(|it| it.parse().ok()).unwrap_or(100_usize);
    let end = start.saturating_add(size).min(all.len());
    let mut reply = json!({"IsTruncated": end < all.len()});
    for (_, _, list) in TYPES {
        let page = all.iter().take(end).skip(start).filter(|(of, _)| *of == list);
        reply[list] = page.map(|(_, row)| row.clone()).collect();
    }
    if end < all.len() {
        reply["Marker"] = json!(end.to_string());
    }
    Ok(reply)
}

fn shown(docs: &Docs, table: &str, row: &Value) -> Value {
    let mut shown =
        json!({"Path": row["path"], "Arn": row["arn"], "CreateDate": row["create_date"]});
    let mut put = |field: &str, value: Value| shown[field] = value;
    match table {
        "policies" => {
            put("PolicyName", row["policy_name"].clone());
            put("PolicyId", row["policy_id"].clone());
            put("DefaultVersionId", row["default_version_id"].clone());
            put("UpdateDate", row["update_date"].clone());
            put("IsAttachable", row["is_attachable"].clone());
            put("AttachmentCount", row["attachment_count"].clone());
            put("PolicyVersionList", each(&row["versions"], version));
            return shown;
        }
        "users" => {
            put("UserName", row["name"].clone());
            put("UserId", row["user_id"].clone());
            put("UserPolicyList", each(&row["inline_policies"], inline));
        }
        "groups" => {
            put("GroupName", row["name"].clone());
            put("GroupId", row["group_id"].clone());
            put("GroupPolicyList", each(&row["inline_policies"], inline));
        }
        _ => {
            put("RoleName", row["name"].clone());
            put("RoleId", row["role_id"].clone());
            put("AssumeRolePolicyDocument", document(&row["assume_role_policy_document"]));
            put("RolePolicyList", each(&row["inline_policies"], inline));
            put("InstanceProfileList", profiles(docs, row));
        }
    }
    put("AttachedManagedPolicies", each(&row["attached_policies"], attached));
    if table != "groups" {
        put("Tags", tags(&row["tags"]));
        let boundary = &row["permissions_boundary"];
        if boundary.is_string() {
            put(
                "PermissionsBoundary",
                json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": boundary}),
            );
        }
    }
    shown
}

fn each(rows: &Value, one: fn(&Value) -> Value) -> Value {
    rows.as_array().into_iter().flatten().map(one).collect()
}

/// IAM gives documents as they would stand in a URL.
fn document(text: &Value) -> Value {
    utf8_percent_encode(text.as_str().unwrap_or_default(), NON_ALPHANUMERIC).to_string().into()
}

fn inline(policy: &Value) -> Value {
    json!({
        "PolicyName": policy["policy_name"], "PolicyDocument": document(&policy["policy_document"]),
    })
}

fn attached(policy: &Value) -> Value {
    json!({"PolicyName": policy["policy_name"], "PolicyArn": policy["policy_arn"]})
}

fn version(version: &Value) -> Value {
    json!({
        "VersionId": version["version_id"], "Document": document(&version["document"]),
        "IsDefaultVersion": version["is_default_version"], "CreateDate": version["create_date"],
    })
}

fn tags(tags: &Value) -> Value {
    let tags = tags.as_object().into_iter().flatten();
    tags.map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

/// The profiles the role is in; the role in them is said by its name only.
fn profiles(docs: &Docs, role: &Value) -> Value {
    let holds = |profile: &&Value| {
        profile["roles"].as_array().is_some_and(|roles| roles.contains(&role["name"]))
    };
    let profile = |profile: &Value| {
        json!({
            "InstanceProfileName": profile["name"], "Path": profile["path"],
            "InstanceProfileId": profile["instance_profile_id"], "Arn": profile["arn"],
            "CreateDate": profile["create_date"], "Tags": tags(&profile["tags"]),
            "Roles": [{
                "RoleName": role["name"], "RoleId": role["role_id"], "Arn": role["arn"],
                "Path": role["path"], "CreateDate": role["create_date"],
            }],
        })
    };
    docs.values("instance_profiles").filter(holds).map(profile).collect()
}
