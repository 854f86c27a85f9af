//! A bucket's configurations: one document each, kept as it was sent.

use serde_json::{Value, json};

use super::route::{empty, find, xml};
use crate::services::{Access, Service};
use crate::wire::{Failure, Reply, fail, parse_xml};

/// What is answered when there is none: an error's code, or an empty document.
fn absent(name: &str) -> Result<Reply, Failure> {
    let code = match name {
        "encryption" => "ServerSideEncryptionConfigurationNotFoundError",
        "publicAccessBlock" => "NoSuchPublicAccessBlockConfiguration",
        "policy" => "NoSuchBucketPolicy",
        "lifecycle" => "NoSuchLifecycleConfiguration",
        "tagging" => "NoSuchTagSet",
        "ownershipControls" => "OwnershipControlsNotFoundError",
        "cors" => "NoSuchCORSConfiguration",
        "object-lock" => "ObjectLockConfigurationNotFoundError",
        "logging" => return Ok(xml("<BucketLoggingStatus></BucketLoggingStatus>")),
        "notification" => {
            return Ok(xml("<NotificationConfiguration></NotificationConfiguration>"));
        }
        "accelerate" => return Ok(xml("<AccelerateConfiguration></AccelerateConfiguration>")),
        "acl" => {
            return Ok(xml(
                "<AccessControlPolicy><Owner><ID>owner</ID></Owner><AccessControlList><Grant>\
                 <Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
                 xsi:type=\"CanonicalUser\"><ID>owner</ID></Grantee><Permission>FULL_CONTROL\
                 </Permission></Grant></AccessControlList></AccessControlPolicy>",
            ));
        }
        _ => return Ok(xml("<VersioningConfiguration></VersioningConfiguration>")),
    };
    Err(fail(code, format!("The {name} configuration does not exist")).status(404))
}

pub(super) fn answer(access: &mut Access<'_>, bucket: &str, name: &str) -> Result<Reply, Failure> {
    let found = find(access, bucket)?;
    let call = access.call;
    match call.method.as_str() {
        "PUT" => {
            let body = String::from_utf8_lossy(&call.body).into_owned();
            check(name, &body, &found)?;
            if let Some(document) = access.docs(Service::S3).edit("bucket", bucket) {
                document["configurations"][name] = json!(body);
            }
            Ok(empty(if name == "policy" || name == "tagging" { 204 } else { 200 }))
        }
        "DELETE" => {
            if let Some(document) = access.docs(Service::S3).edit("bucket", bucket)
                && let Some(all) = document["configurations"].as_object_mut()
            {
                all.remove(name);
                if name == "encryption" {
                    // There is no bucket without encryption any more.
                    all.insert(
                        name.to_owned(),
                        json!(
                            "<ServerSideEncryptionConfiguration><Rule>\
                             <ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256\
                             </SSEAlgorithm></ApplyServerSideEncryptionByDefault>\
                             <BucketKeyEnabled>false</BucketKeyEnabled></Rule>\
                             </ServerSideEncryptionConfiguration>"
                        ),
                    );
                }
            }
            Ok(empty(204))
        }
        _ => match found["configurations"][name].as_str() {
            Some(policy) if name == "policy" => {
                Ok(Reply::new(200, "application/json", policy.to_owned()))
            }
            Some(body) => Ok(xml(strip_declaration(body))),
            None => absent(name),
        },
    }
}

fn strip_declaration(body: &str) -> &str {
    match body.strip_prefix("<?xml") {
        Some(rest) => rest.split_once("?>").map_or(rest, |(_, rest)| rest.trim_start()),
        None => body,
    }
}

fn check(name: &str, body: &str, bucket: &Value) -> Result<(), Failure> {
    match name {
        "policy" => {
            let policy: Value = serde_json::from_str(body)
                .map_err(|_| fail("MalformedPolicy", "Policies must be valid JSON"))?;
            if policy["Statement"].is_null() {
                return Err(fail("MalformedPolicy", "Missing required field Statement"));
            }
        }
        "versioning" => {
            let lock = bucket["configurations"]["object-lock"].is_string();
            if lock && parse_xml(body)["Status"] == "Suspended" {
                return Err(fail(
                    "InvalidBucketState",
                    "An Object Lock configuration is present on this bucket, so the versioning \
                     state cannot be changed.",
                )
                .status(409));
            }
        }
        _ if parse_xml(body).is_null() => {
            return Err(fail("MalformedXML", "The XML you provided was not well-formed"));
        }
        _ => {}
    }
    Ok(())
}

/// `Enabled`, `Suspended` or nothing.
pub(super) fn versioning(bucket: &Value) -> String {
    let body = bucket["configurations"]["versioning"].as_str().unwrap_or_default();
    parse_xml(body)["Status"].as_str().unwrap_or_default().to_owned()
}
