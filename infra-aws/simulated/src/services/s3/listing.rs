//! Listing objects and versions.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::object::{TABLE, current};
use super::route::{find, xml};
use crate::services::{Access, Service};
use crate::wire::{Failure, Reply, element};

/// What a list call asks for.
struct Asked {
    prefix: String,
    delimiter: String,
    limit: usize,
}

fn asked(access: &Access<'_>) -> Asked {
    let query = |name: &str| access.call.query(name).unwrap_or_default().to_owned();
    Asked {
        prefix: query("prefix"),
        delimiter: query("delimiter"),
        limit: access.call.query("max-keys").and_then(|it| it.parse().ok()).unwrap_or(1000),
    }
}

impl Asked {
    /// The common prefix a key is folded into.
    fn fold(&self, key: &str) -> Option<String> {
        if self.delimiter.is_empty() {
            return None;
        }
        let rest = key.strip_prefix(&self.prefix)?;
        let at = rest.find(&self.delimiter)?;
        Some(format!("{}{}", self.prefix, &rest[..at + self.delimiter.len()]))
    }
}

/// Both list calls; pages begin after a key.
pub(super) fn objects(access: &mut Access<'_>, bucket: &str) -> Result<Reply, Failure> {
    find(access, bucket)?;
    let asked = asked(access);
    let call = access.call;
    let second = call.operation == "ListObjectsV2";
    let after = call
        .query("continuation-token")
        .or_else(|| call.query("start-after"))
        .or_else(|| call.query("marker"))
        .unwrap_or_default();
    let start = format!("{bucket}/");
    let (mut rows, mut prefixes, mut last, mut more) =
        (Vec::new(), BTreeSet::new(), String::new(), false);
    for (id, object) in access.docs(Service::S3).all(TABLE) {
        let Some(key) = id.strip_prefix(&start) else { continue };
        let Some(version) = current(object) else { continue };
        if !key.starts_with(&asked.prefix) || (!after.is_empty() && key <= after) {
            continue;
        }
        let folded = asked.fold(key);
        if folded.as_ref().is_some_and(|it| prefixes.contains(it) || after.starts_with(it.as_str()))
        {
            key.clone_into(&mut last);
            continue;
        }
        if rows.len() + prefixes.len() == asked.limit {
            more = true;
            break;
        }
        key.clone_into(&mut last);
        match folded {
            Some(prefix) => {
                prefixes.insert(prefix);
            }
            None => rows.push(json!({
                "Key": key, "LastModified": version["modified"], "ETag": version["etag"],
                "Size": version["size"], "StorageClass": "STANDARD",
            })),
        }
    }
    let prefixes: Vec<Value> = prefixes.into_iter().map(|it| json!({"Prefix": it})).collect();
    let mut result = json!({
        "Name": bucket, "Prefix": asked.prefix, "MaxKeys": asked.limit, "IsTruncated": more,
        "Contents": rows, "CommonPrefixes": prefixes,
    });
    if second {
        result["KeyCount"] = json!(rows.len() + prefixes.len());
    }
    if more {
        let field = if second { "NextContinuationToken" } else { "NextMarker" };
        result[field] = json!(last);
    }
    let mut out = String::new();
    element(&mut out, "ListBucketResult", &result, "");
    Ok(xml(out))
}

/// All versions and delete markers, newest first within a key. Pages end between keys.
pub(super) fn versions(access: &mut Access<'_>, bucket: &str) -> Result<Reply, Failure> {
    find(access, bucket)?;
    let asked = asked(access);
    let after = access.call.query("key-marker").unwrap_or_default();
    let start = format!("{bucket}/");
    let (mut versions, mut markers, mut last, mut more) =
        (Vec::new(), Vec::new(), String::new(), false);
    for (id, object) in access.docs(Service::S3).all(TABLE) {
        let Some(key) = id.strip_prefix(&start) else { continue };
        if !key.starts_with(&asked.prefix) || (!after.is_empty() && key <= after) {
            continue;
        }
        if versions.len() + markers.len() >= asked.limit {
            more = true;
            break;
        }
        key.clone_into(&mut last);
        let all = object["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
        for (n, version) in all.iter().enumerate().rev() {
            let mut row = json!({
                "Key": key, "VersionId": version["version"], "IsLatest": n + 1 == all.len(),
                "LastModified": version["modified"], "Owner": {"ID": "owner"},
            });
            if version["marker"] == true {
                markers.push(row);
            } else {
                row["ETag"] = version["etag"].clone();
                row["Size"] = version["size"].clone();
                row["StorageClass"] = json!("STANDARD");
                versions.push(row);
            }
        }
    }
    let mut result = json!({
        "Name": bucket, "Prefix": asked.prefix, "MaxKeys": asked.limit, "IsTruncated": more,
        "Version": versions, "DeleteMarker": markers,
    });
    if more {
        result["NextKeyMarker"] = json!(last);
    }
    let mut out = String::new();
    element(&mut out, "ListVersionsResult", &result, "");
    Ok(xml(out))
}
