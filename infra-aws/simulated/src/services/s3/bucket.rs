//! Buckets.

use serde_json::{Value, json};

use super::route::{empty, find, xml};
use crate::services::{Access, Service};
use crate::wire::{Failure, Reply, element, fail, parse_xml};

/// Whose bucket it is, in any account.
fn owner(access: &Access<'_>, bucket: &str) -> Option<String> {
    access
        .world
        .ids()
        .filter(|id| id.service == Service::S3)
        .find(|id| access.world.docs(id).is_some_and(|docs| docs.has("bucket", bucket)))
        .map(|id| id.account.clone())
}

pub(super) fn create(access: &mut Access<'_>, bucket: &str) -> Result<Reply, Failure> {
    let legal = (3..=63).contains(&bucket.len())
        && bucket
            .chars()
            .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-' || it == '.')
        && !bucket.starts_with(['-', '.'])
        && !bucket.ends_with(['-', '.']);
    if !legal {
        return Err(fail("InvalidBucketName", "The specified bucket is not valid."));
    }
    let body = parse_xml(&String::from_utf8_lossy(&access.call.body));
    let constraint = body["LocationConstraint"].as_str().filter(|it| !it.is_empty());
    let region = access.region();
    match constraint {
        None if region != "us-east-1" => {
            return Err(fail(
                "IllegalLocationConstraintException",
                "The unspecified location constraint is incompatible for the region specific \
                 endpoint this request was sent to.",
            ));
        }
        Some("us-east-1") => {
            return Err(fail(
                "InvalidLocationConstraint",
                "The specified location-constraint is not valid",
            ));
        }
        Some(other) if other != region => {
            return Err(fail(
                "IllegalLocationConstraintException",
                format!(
                    "The {other} location constraint is incompatible for the region specific \
                         endpoint this request was sent to."
                ),
            ));
        }
        _ => {}
    }
    match owner(access, bucket) {
        Some(account) if account == access.account() => {
            // In us-east-1 making one's own bucket again is a success, for old times' sake.
            if region != "us-east-1" {
                return Err(fail(
                    "BucketAlreadyOwnedByYou",
                    "Your previous request to create the named bucket succeeded and you already \
                     own it.",
                )
                .status(409));
            }
        }
        Some(_) => {
            return Err(fail("BucketAlreadyExists", "The requested bucket name is not available.")
                .status(409));
        }
        None => {
            let lock = access.call.headers.contains_key("x-amz-bucket-object-lock-enabled");
            let mut document = json!({
                "name": bucket, "region": region, "createdAt": access.timestamp(),
                "configurations": {
                    "encryption": "<ServerSideEncryptionConfiguration><Rule>\
                        <ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>\
                        </ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false\
                        </BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>",
                    "publicAccessBlock": "<PublicAccessBlockConfiguration><BlockPublicAcls>true\
                        </BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>\
                        <BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true\
                        </RestrictPublicBuckets></PublicAccessBlockConfiguration>",
                    "ownershipControls": "<OwnershipControls><Rule><ObjectOwnership>\
                        BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>",
                },
            });
            if let Some(tags) = inner(&access.call.body, "Tags") {
                document["configurations"]["tagging"] =
                    json!(format!("<Tagging><TagSet>{tags}</TagSet></Tagging>"));
            }
            let ownership = access.call.headers.get("x-amz-object-ownership");
            if let Some(ownership) = ownership.and_then(|it| it.to_str().ok()) {
                document["configurations"]["ownershipControls"] = json!(format!(
                    "<OwnershipControls><Rule><ObjectOwnership>{ownership}</ObjectOwnership></Rule>\
                     </OwnershipControls>"
                ));
            }
            if lock {
                document["configurations"]["object-lock"] = json!(
                    "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>\
                     </ObjectLockConfiguration>"
                );
                document["configurations"]["versioning"] = json!(
                    "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
                );
            }
            access.docs(Service::S3).put("bucket", bucket, document);
        }
    }
    Ok(empty(200).header("location", &format!("/{bucket}")))
}

/// What stands inside an element of an XML text, as it stands there.
fn inner(body: &[u8], element: &str) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let (_, rest) = text.split_once(&format!("<{element}>"))?;
    let (inside, _) = rest.split_once(&format!("</{element}>"))?;
    Some(inside.to_owned())
}

pub(super) fn list(access: &mut Access<'_>) -> Result<Reply, Failure> {
    let query = |name: &str| access.call.query(name).unwrap_or_default();
    let (prefix, region) = (query("prefix"), query("bucket-region"));
    let (after, limit) = (query("continuation-token"), query("max-buckets"));
    // AWS has no such call: a region's buckets are asked for in the region. (S3 API reference, `ListBuckets`.)
    if !region.is_empty() && region != access.region() {
        return Err(fail(
            "InvalidArgument",
            format!(
                "Argument value {region} is not supported by the endpoint of {}",
                access.region()
            ),
        ));
    }
    let limit: usize = limit.parse().unwrap_or(10_000);
    let account = access.account();
    let found = access.docs(Service::S3).all("bucket").filter(|(name, bucket)| {
        name.starts_with(prefix)
            && *name > after
            && (region.is_empty() || bucket["region"] == region)
    });
    let mut found: Vec<_> = found.map(|(_, bucket)| bucket).collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let mut result = json!({
        "Owner": {"ID": account},
        "Buckets": {"Bucket": found.iter().map(|bucket| json!({
            "Name": bucket["name"], "CreationDate": bucket["createdAt"],
            "BucketRegion": bucket["region"],
        })).collect::<Value>()},
    });
    if !prefix.is_empty() {
        result["Prefix"] = json!(prefix);
    }
    if more {
        result["ContinuationToken"] = found.last().map(|bucket| bucket["name"].clone()).into();
    }
    let mut out = String::new();
    element(&mut out, "ListAllMyBucketsResult", &result, "");
    Ok(xml(out))
}

pub(super) fn head(access: &mut Access<'_>, bucket: &str) -> Result<Reply, Failure> {
    let found = find(access, bucket)?;
    Ok(empty(200).header("x-amz-bucket-region", found["region"].as_str().unwrap_or_default()))
}

pub(super) fn location(access: &mut Access<'_>, bucket: &str) -> Result<Reply, Failure> {
    let found = find(access, bucket)?;
    let region = found["region"].as_str().filter(|it| *it != "us-east-1").unwrap_or_default();
    Ok(xml(format!(
        "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{region}\
         </LocationConstraint>"
    )))
}

/// Only when empty, all versions and delete markers included.
pub(super) fn delete(access: &mut Access<'_>, bucket: &str) -> Result<Reply, Failure> {
    find(access, bucket)?;
    let docs = access.docs(Service::S3);
    let prefix = format!("{bucket}/");
    if docs.all("object").any(|(key, _)| key.starts_with(&prefix)) {
        return Err(
            fail("BucketNotEmpty", "The bucket you tried to delete is not empty").status(409)
        );
    }
    docs.remove("bucket", bucket);
    Ok(empty(204))
}
