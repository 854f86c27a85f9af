//! Objects. A document is one key: its versions, newest last.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::configuration::versioning;
use super::route::{empty, find, xml};
use crate::services::access::{digest, hex};
use crate::services::{Access, Service};
use crate::wire::{self, Failure, Reply, element, fail, header, parse_xml, percent_decode};

pub(super) const TABLE: &str = "object";

pub(super) fn key_of(bucket: &str, key: &str) -> String {
    format!("{bucket}/{key}")
}

/// The newest version, if it is not a delete marker.
pub(super) fn current(object: &Value) -> Option<&Value> {
    object["versions"].as_array()?.last().filter(|it| it["marker"] != true)
}

fn no_key() -> Failure {
    fail("NoSuchKey", "The specified key does not exist.").status(404)
}

fn precondition() -> Failure {
    fail("PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
        .status(412)
}

/// `If-Match` and `If-None-Match` of a write, against what is there.
fn check_write(access: &Access<'_>, old: Option<&Value>) -> Result<(), Failure> {
    let headers = &access.call.headers;
    let have = old.and_then(|it| it["etag"].as_str());
    if header(headers, "if-none-match").is_some_and(|it| it == "*" && have.is_some()) {
        return Err(precondition());
    }
    match (header(headers, "if-match"), have) {
        (Some(_), None) => Err(no_key()),
        (Some(wanted), Some(have)) if wanted != "*" && !same_tag(wanted, have) => {
            Err(precondition())
        }
        _ => Ok(()),
    }
}

fn same_tag(a: &str, b: &str) -> bool {
    a.trim_matches('"') == b.trim_matches('"')
}

pub(super) fn put(access: &mut Access<'_>, bucket: &str, key: &str) -> Result<Reply, Failure> {
    let found = find(access, bucket)?;
    let call = access.call;
    let id = key_of(bucket, key);
    let old = access.docs(Service::S3).get(TABLE, &id).cloned();
    check_write(access, old.as_ref().and_then(current))?;
    let mut metadata = json!({});
    for (name, value) in &call.headers {
        let kept = name.as_str().starts_with("x-amz-meta-")
            || matches!(
                name.as_str(),
                "content-type"
                    | "cache-control"
                    | "content-disposition"
                    | "content-language"
                    | "x-amz-server-side-encryption"
                    | "x-amz-server-side-encryption-aws-kms-key-id"
                    | "x-amz-storage-class"
                    | "x-amz-checksum-crc32"
                    | "x-amz-checksum-sha256"
                    | "x-amz-checksum-crc64nvme"
                    | "x-amz-checksum-crc32c"
            );
        if let (true, Ok(value)) = (kept, value.to_str()) {
            metadata[name.as_str()] = json!(value);
        }
    }
    let tags = header(&call.headers, "x-amz-tagging").map(tags_of_header);
    Ok(store(access, &found, &id, old, &call.body, metadata, tags))
}

fn tags_of_header(text: &str) -> Value {
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| json!({"Key": percent_decode(key), "Value": percent_decode(value)}))
        .collect()
}

fn store(
    access: &mut Access<'_>,
    bucket: &Value,
    id: &str,
    old: Option<Value>,
    body: &[u8],
    metadata: Value,
    tags: Option<Value>,
) -> Reply {
    let versioned = versioning(bucket);
    let version = if versioned == "Enabled" { hex(32) } else { "null".to_owned() };
    // Not MD5: an entity tag is opaque, and equal content has an equal one all the same.
    let etag = format!("\"{}\"", digest(body, 32));
    let mut versions =
        old.map_or_else(Vec::new, |old| old["versions"].as_array().cloned().unwrap_or_default());
    if version == "null" {
        versions.retain(|it| it["version"] != "null");
    }
    versions.push(json!({
        "version": version, "etag": etag, "size": body.len(), "modified": access.timestamp(),
        "body": BASE64.encode(body), "metadata": metadata, "tags": tags,
    }));
    access.docs(Service::S3).put(TABLE, id, json!({"versions": versions}));
    let mut reply = empty(200).header("etag", &etag);
    if versioned == "Enabled" {
        reply = reply.header("x-amz-version-id", &version);
    }
    if let Some(kind) = metadata["x-amz-server-side-encryption"].as_str() {
        reply.header("x-amz-server-side-encryption", kind)
    } else {
        reply.header("x-amz-server-side-encryption", "AES256")
    }
}

pub(super) fn copy(access: &mut Access<'_>, bucket: &str, key: &str) -> Result<Reply, Failure> {
    let found = find(access, bucket)?;
    let source = header(&access.call.headers, "x-amz-copy-source").unwrap_or_default();
    let source = percent_decode(source.trim_start_matches('/'));
    let source = source.split('?').next().unwrap_or_default();
    let docs = access.docs(Service::S3);
    let original = docs.get(TABLE, source).and_then(current).cloned().ok_or_else(no_key)?;
    let id = key_of(bucket, key);
    let old = docs.get(TABLE, &id).cloned();
    check_write(access, old.as_ref().and_then(current))?;
    let body = BASE64.decode(original["body"].as_str().unwrap_or_default()).unwrap_or_default();
    let stored = store(access, &found, &id, old, &body, original["metadata"].clone(), None);
    let etag = header(&stored.headers, "etag").unwrap_or_default().to_owned();
    let mut out = String::new();
    let result = json!({"ETag": etag, "LastModified": access.timestamp()});
    element(&mut out, "CopyObjectResult", &result, "");
    Ok(xml(out))
}

pub(super) fn get(access: &mut Access<'_>, bucket: &str, key: &str) -> Result<Reply, Failure> {
    find(access, bucket)?;
    let call = access.call;
    let docs = access.docs(Service::S3);
    let object = docs.get(TABLE, &key_of(bucket, key)).ok_or_else(no_key)?;
    let version = match call.query("versionId") {
        Some(wanted) => object["versions"]
            .as_array()
            .and_then(|all| all.iter().find(|it| it["version"] == wanted))
            .ok_or_else(|| {
                fail("NoSuchVersion", "The specified version does not exist.").status(404)
            })?,
        None => current(object).ok_or_else(no_key)?,
    };
    let etag = version["etag"].as_str().unwrap_or_default();
    if header(&call.headers, "if-match").is_some_and(|it| it != "*" && !same_tag(it, etag)) {
        return Err(precondition());
    }
    if header(&call.headers, "if-none-match").is_some_and(|it| it == "*" || same_tag(it, etag)) {
        return Ok(empty(304).header("etag", etag));
    }
    let body = BASE64.decode(version["body"].as_str().unwrap_or_default()).unwrap_or_default();
    let mut reply = Reply::new(200, "binary/octet-stream", body)
        .header("etag", etag)
        .header("accept-ranges", "bytes")
        .header("x-amz-server-side-encryption", "AES256")
        .header("last-modified", &http_date(version["modified"].as_str().unwrap_or_default()));
    if version["version"] != "null" {
        reply = reply.header("x-amz-version-id", version["version"].as_str().unwrap_or_default());
    }
    let checksums = header(&call.headers, "x-amz-checksum-mode").is_some();
    for (name, value) in version["metadata"].as_object().into_iter().flatten() {
        let name = http::HeaderName::from_bytes(name.as_bytes());
        let value = http::HeaderValue::from_str(value.as_str().unwrap_or_default());
        if let (Ok(name), Ok(value)) = (name, value)
            && (checksums || !name.as_str().starts_with("x-amz-checksum-"))
        {
            reply.headers.insert(name, value);
        }
    }
    if call.method == http::Method::HEAD {
        reply = reply.header("content-length", &version["size"].to_string());
        reply.body = bytes::Bytes::new();
        return Ok(reply);
    }
    Ok(ranged(call, reply))
}

/// A part of the body, if the caller wants a part.
fn ranged(call: &wire::ApiCall, mut reply: Reply) -> Reply {
    let total = reply.body.len();
    let range = header(&call.headers, "range").and_then(|it| it.strip_prefix("bytes="));
    if let Some((from, to)) = range.and_then(|it| it.split_once('-'))
        && let Ok(from) = from.parse::<usize>()
        && from < total
    {
        let to = to.parse::<usize>().map_or(total, |to| (to + 1).min(total));
        reply.body = reply.body.slice(from..to.max(from));
        reply.status = 206;
        return reply.header("content-range", &format!("bytes {from}-{}/{total}", to - 1));
    }
    reply
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(timestamp: &str) -> String {
    timestamp
        .parse::<jiff::Timestamp>()
        .map(|at| at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
        .unwrap_or_default()
}

/// With versioning a delete marker; with a version id that version for good.
fn delete_one(
    access: &mut Access<'_>,
    bucket: &Value,
    id: &str,
    version: Option<&str>,
) -> (Option<String>, bool) {
    let versioned = versioning(bucket);
    let docs = access.docs(Service::S3);
    let old = docs.get(TABLE, id).cloned();
    let mut versions =
        old.as_ref().and_then(|it| it["versions"].as_array().cloned()).unwrap_or_default();
    let result = match version {
        Some(version) => {
            let marker = versions.iter().any(|it| it["version"] == version && it["marker"] == true);
            versions.retain(|it| it["version"] != version);
            (Some(version.to_owned()), marker)
        }
        None if versioned.is_empty() => {
            versions.clear();
            (None, false)
        }
        None => {
            let id = if versioned == "Enabled" { hex(32) } else { "null".to_owned() };
            if id == "null" {
                versions.retain(|it| it["version"] != "null");
            }
            versions.push(json!({"version": id, "marker": true, "modified": access.timestamp()}));
            (Some(id), true)
        }
    };
    let docs = access.docs(Service::S3);
    if versions.is_empty() {
        docs.remove(TABLE, id);
    } else {
        docs.put(TABLE, id, json!({"versions": versions}));
    }
    result
}

pub(super) fn delete(access: &mut Access<'_>, bucket: &str, key: &str) -> Result<Reply, Failure> {
    let found = find(access, bucket)?;
    let id = key_of(bucket, key);
    if header(&access.call.headers, "if-match").is_some() {
        let old = access.docs(Service::S3).get(TABLE, &id).cloned();
        check_write(access, old.as_ref().and_then(current))?;
    }
    let version = access.call.query("versionId");
    let (version, marker) = delete_one(access, &found, &id, version);
    let mut reply = empty(204);
    if marker {
        reply = reply.header("x-amz-delete-marker", "true");
    }
    if let Some(version) = version {
        reply = reply.header("x-amz-version-id", &version);
    }
    Ok(reply)
}

pub(super) fn delete_many(access: &mut Access<'_>, bucket: &str) -> Result<Reply, Failure> {
    let found = find(access, bucket)?;
    let body = parse_xml(&String::from_utf8_lossy(&access.call.body));
    let asked = match &body["Object"] {
        Value::Array(all) => all.clone(),
        Value::Null => {
            return Err(fail("MalformedXML", "The XML you provided was not well-formed"));
        }
        one => vec![one.clone()],
    };
    let mut deleted = Vec::new();
    for each in asked {
        let key = each["Key"].as_str().unwrap_or_default();
        let wanted = each["VersionId"].as_str().filter(|it| !it.is_empty());
        let (version, marker) = delete_one(access, &found, &key_of(bucket, key), wanted);
        let mut row = json!({"Key": key, "VersionId": wanted});
        if marker {
            row["DeleteMarker"] = json!(true);
            row["DeleteMarkerVersionId"] = json!(version);
        }
        deleted.push(row);
    }
    let mut out = String::new();
    let deleted = if body["Quiet"] == "true" { Value::Null } else { json!(deleted) };
    element(&mut out, "DeleteResult", &json!({"Deleted": deleted}), "");
    Ok(xml(out))
}

pub(super) fn tagging(access: &mut Access<'_>, bucket: &str, key: &str) -> Result<Reply, Failure> {
    find(access, bucket)?;
    let id = key_of(bucket, key);
    let call = access.call;
    let object = access.docs(Service::S3).get(TABLE, &id).and_then(current).ok_or_else(no_key)?;
    if call.method == http::Method::GET {
        let mut out = String::new();
        let tags = json!({"TagSet": {"Tag": object["tags"]}});
        element(&mut out, "Tagging", &tags, "");
        return Ok(xml(out));
    }
    let tags = match call.method.as_str() {
        "PUT" => match &parse_xml(&String::from_utf8_lossy(&call.body))["TagSet"]["Tag"] {
            Value::Array(all) => json!(all),
            Value::Null => json!([]),
            one => json!([one]),
        },
        _ => json!([]),
    };
    if let Some(object) = access.docs(Service::S3).edit(TABLE, &id)
        && let Some(versions) = object["versions"].as_array_mut()
        && let Some(last) = versions.last_mut()
    {
        last["tags"] = tags;
    }
    Ok(empty(if call.method == http::Method::PUT { 200 } else { 204 }))
}
