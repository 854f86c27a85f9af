//! Methods, paths and sub-resources to operations, and operations to models.

use super::{bucket, configuration, listing, object};
use crate::services::{Access, Service};
use crate::wire::{ApiCall, Failure, Reply, fail, percent_decode, render_failure};

/// Sub-resources that are one document each: query key, operation's noun.
pub(super) const CONFIGURATIONS: [(&str, &str); 13] = [
    ("versioning", "BucketVersioning"),
    ("encryption", "BucketEncryption"),
    ("publicAccessBlock", "PublicAccessBlock"),
    ("policy", "BucketPolicy"),
    ("lifecycle", "BucketLifecycleConfiguration"),
    ("tagging", "BucketTagging"),
    ("ownershipControls", "BucketOwnershipControls"),
    ("cors", "BucketCors"),
    ("logging", "BucketLogging"),
    ("object-lock", "ObjectLockConfiguration"),
    ("notification", "BucketNotificationConfiguration"),
    ("accelerate", "BucketAccelerateConfiguration"),
    ("acl", "BucketAcl"),
];

/// Bucket and key, from a virtual host or from the path.
pub(crate) fn target(call: &ApiCall) -> (String, String) {
    let host = call.host.split(':').next().unwrap_or_default();
    let path = call.path.trim_start_matches('/');
    let from_host = host
        .strip_suffix(".amazonaws.com")
        .and_then(|front| {
            let at = front.rfind(".s3.").or_else(|| front.rfind(".s3-"));
            at.or_else(|| front.strip_suffix(".s3").map(str::len)).map(|at| front[..at].to_owned())
        })
        .or_else(|| host.strip_suffix(".localhost").map(str::to_owned));
    if let Some(bucket) = from_host {
        return (bucket, percent_decode(path));
    }
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    (percent_decode(bucket), percent_decode(key))
}

/// The operation of a request.
pub(crate) fn operation(call: &ApiCall) -> String {
    let (bucket, key) = target(call);
    let method = call.method.as_str();
    let has = |name: &str| call.query(name).is_some();
    if bucket.is_empty() {
        return "ListBuckets".to_owned();
    }
    if !key.is_empty() {
        let name = match method {
            "PUT" if has("tagging") => "PutObjectTagging",
            "GET" if has("tagging") => "GetObjectTagging",
            "DELETE" if has("tagging") => "DeleteObjectTagging",
            "PUT" if call.headers.contains_key("x-amz-copy-source") => "CopyObject",
            "PUT" if !has("uploadId") => "PutObject",
            "GET" => "GetObject",
            "HEAD" => "HeadObject",
            "DELETE" if !has("uploadId") => "DeleteObject",
            _ => "MultipartUpload",
        };
        return name.to_owned();
    }
    for (query, noun) in CONFIGURATIONS {
        if has(query) {
            let verb = match method {
                "PUT" => "Put",
                "DELETE" => "Delete",
                _ => "Get",
            };
            let noun =
                if verb == "Delete" && query == "lifecycle" { "BucketLifecycle" } else { noun };
            return format!("{verb}{noun}");
        }
    }
    let name = match method {
        "PUT" => "CreateBucket",
        "HEAD" => "HeadBucket",
        "DELETE" => "DeleteBucket",
        "POST" if has("delete") => "DeleteObjects",
        "GET" if has("location") => "GetBucketLocation",
        "GET" if has("versions") => "ListObjectVersions",
        "GET" if has("uploads") => "ListMultipartUploads",
        "GET" if call.query("list-type") == Some("2") => "ListObjectsV2",
        "GET" => "ListObjects",
        _ => "UnknownOperation",
    };
    name.to_owned()
}

pub(crate) fn answer(access: &mut Access<'_>) -> Reply {
    let call = access.call;
    carry_out(access).unwrap_or_else(|failure| {
        let mut reply = render_failure(call, &failure);
        // Who asked in the wrong region is told the right one, also by a HEAD.
        let bucket = access.docs(Service::S3).get("bucket", &target(call).0);
        let region = bucket.and_then(|it| it["region"].as_str()).map(str::to_owned);
        if let Some(region) = region.filter(|_| failure.code == "PermanentRedirect") {
            reply = reply.header("x-amz-bucket-region", &region);
        }
        // A HEAD has no body to put the code in; the status says it.
        if call.method == http::Method::HEAD {
            reply.body = bytes::Bytes::new();
        }
        reply
    })
}

fn carry_out(access: &mut Access<'_>) -> Result<Reply, Failure> {
    let call = access.call;
    let (bucket, key) = target(call);
    match call.operation.as_str() {
        "ListBuckets" => bucket::list(access),
        "CreateBucket" => bucket::create(access, &bucket),
        "HeadBucket" => bucket::head(access, &bucket),
        "DeleteBucket" => bucket::delete(access, &bucket),
        "GetBucketLocation" => bucket::location(access, &bucket),
        "ListObjectsV2" | "ListObjects" => listing::objects(access, &bucket),
        "ListObjectVersions" => listing::versions(access, &bucket),
        "ListMultipartUploads" => {
            Ok(xml("<ListMultipartUploadsResult></ListMultipartUploadsResult>"))
        }
        "PutObject" => object::put(access, &bucket, &key),
        "CopyObject" => object::copy(access, &bucket, &key),
        "GetObject" | "HeadObject" => object::get(access, &bucket, &key),
        "DeleteObject" => object::delete(access, &bucket, &key),
        "DeleteObjects" => object::delete_many(access, &bucket),
        "PutObjectTagging" | "GetObjectTagging" | "DeleteObjectTagging" => {
            object::tagging(access, &bucket, &key)
        }
        _ => {
            let found = CONFIGURATIONS.iter().find(|(query, _)| call.query(query).is_some());
            match found {
                Some((query, _)) if key.is_empty() => configuration::answer(access, &bucket, query),
                _ => Err(fail(
                    "NotImplemented",
                    format!("the embedded S3 has no {} {}", call.method, call.path),
                )
                .status(501)),
            }
        }
    }
}

pub(super) fn xml(body: impl AsRef<str>) -> Reply {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", body.as_ref());
    Reply::new(200, "application/xml", body)
        .header("x-amz-request-id", &crate::services::access::hex(16))
}

pub(super) fn empty(status: u16) -> Reply {
    let mut reply = Reply::new(status, "application/xml", "");
    reply.headers.clear();
    reply.header("x-amz-request-id", &crate::services::access::hex(16))
}

/// The bucket, in its own region; elsewhere it is a redirect.
pub(super) fn find(access: &mut Access<'_>, bucket: &str) -> Result<serde_json::Value, Failure> {
    let region = access.region();
    let found =
        access.docs(Service::S3).get("bucket", bucket).cloned().ok_or_else(|| {
            fail("NoSuchBucket", "The specified bucket does not exist").status(404)
        })?;
    let of = found["region"].as_str().unwrap_or_default();
    if of != region {
        return Err(fail(
            "PermanentRedirect",
            format!("The bucket {bucket} is in {of}; this request was signed for {region}"),
        )
        .status(301));
    }
    Ok(found)
}
