//! S3, whose actions have other names than its operations.

use super::super::Ask;
use super::scope::Scope;
use crate::services::s3::target;
use crate::wire::parse_xml;

pub(super) fn asks(scope: &Scope<'_, '_>) -> Vec<Ask> {
    let call = scope.access.call;
    let (bucket, key) = target(call);
    let on_bucket = format!("arn:aws:s3:::{bucket}");
    let on_object = format!("{on_bucket}/{key}");
    let version = call.query("versionId").is_some();
    match scope.name {
        "ListBuckets" => vec![scope.action("ListAllMyBuckets", "*")],
        "HeadBucket" | "ListObjects" | "ListObjectsV2" => {
            vec![scope.action("ListBucket", on_bucket)]
        }
        "ListObjectVersions" => vec![scope.action("ListBucketVersions", on_bucket)],
        "ListMultipartUploads" => vec![scope.action("ListBucketMultipartUploads", on_bucket)],
        "GetBucketEncryption" => vec![scope.action("GetEncryptionConfiguration", on_bucket)],
        "PutBucketEncryption" | "DeleteBucketEncryption" => {
            vec![scope.action("PutEncryptionConfiguration", on_bucket)]
        }
        "GetPublicAccessBlock" => vec![scope.action("GetBucketPublicAccessBlock", on_bucket)],
        "PutPublicAccessBlock" | "DeletePublicAccessBlock" => {
            vec![scope.action("PutBucketPublicAccessBlock", on_bucket)]
        }
        "GetBucketLifecycleConfiguration" => {
            vec![scope.action("GetLifecycleConfiguration", on_bucket)]
        }
        "PutBucketLifecycleConfiguration" | "DeleteBucketLifecycle" => {
            vec![scope.action("PutLifecycleConfiguration", on_bucket)]
        }
        "DeleteBucketTagging" => vec![scope.action("PutBucketTagging", on_bucket)],
        "DeleteBucketOwnershipControls" => {
            vec![scope.action("PutBucketOwnershipControls", on_bucket)]
        }
        "CreateBucket" => created(scope, &on_bucket),
        "DeleteObjects" => deleted(scope, &on_bucket),
        "GetObject" | "HeadObject" if version => vec![scope.action("GetObjectVersion", on_object)],
        "GetObject" | "HeadObject" => vec![scope.action("GetObject", on_object)],
        "DeleteObject" if version => vec![scope.action("DeleteObjectVersion", on_object)],
        "CopyObject" => vec![scope.action("PutObject", on_object)],
        _ if key.is_empty() => vec![scope.own(on_bucket)],
        _ => vec![scope.own(on_object)],
    }
}

fn created(scope: &Scope<'_, '_>, bucket: &str) -> Vec<Ask> {
    let call = scope.access.call;
    let configuration = parse_xml(&String::from_utf8_lossy(&call.body));
    let tags = configuration["Tags"].is_object() || configuration["Tags"].is_array();
    let tag = tags.then(|| scope.action("TagResource", bucket));
    let owned = call.headers.contains_key("x-amz-object-ownership");
    let own = owned.then(|| scope.action("PutBucketOwnershipControls", bucket));
    std::iter::once(scope.own(bucket)).chain(tag).chain(own).collect()
}

/// One ask an object: each may be denied by itself, here all are where one is.
fn deleted(scope: &Scope<'_, '_>, bucket: &str) -> Vec<Ask> {
    let body = parse_xml(&String::from_utf8_lossy(&scope.access.call.body));
    let objects = match &body["Object"] {
        serde_json::Value::Array(all) => all.clone(),
        one => vec![one.clone()],
    };
    let ask = |object: &serde_json::Value| {
        let key = object["Key"].as_str().unwrap_or_default();
        let version = object["VersionId"].is_string();
        let action = if version { "DeleteObjectVersion" } else { "DeleteObject" };
        scope.action(action, format!("{bucket}/{key}"))
    };
    objects.iter().map(ask).collect()
}
