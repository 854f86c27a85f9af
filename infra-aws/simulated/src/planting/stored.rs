//! What is kept under a name: parameters, secrets, logs, topics, images, keys, buckets.

use http::Method;
use serde_json::{Value, json};

use super::object::Object;
use super::planter::{Planter, Result, pairs, tag_map};
use crate::services::Service;

pub(super) fn parameter(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let name = object.need("name")?;
    let input = json!({
        "Name": name, "Type": object.need("type")?, "Value": object.need("value")?,
        "Description": object.text("description"), "Tier": object.text("tier"),
        "AllowedPattern": object.text("allowed_pattern"), "DataType": object.text("data_type"),
        "KeyId": object.text("key_id"), "Tags": pairs(object),
    });
    planter.call(Service::Ssm, "PutParameter", input).map(drop)
}

pub(super) fn secret(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let input = json!({
        "Name": object.need("name")?, "Description": object.text("description"),
        "KmsKeyId": object.text("kms_key_id"), "SecretString": "not-in-the-state",
        "Tags": pairs(object),
    });
    let made = planter.call(Service::SecretsManager, "CreateSecret", input)?;
    planter.rename(&made["ARN"], object.need("arn")?);
    Ok(())
}

pub(super) fn log_group(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let name = object.need("name")?;
    let input = json!({
        "logGroupName": name, "kmsKeyId": object.text("kms_key_id"), "tags": tag_map(object),
        "logGroupClass": object.text("log_group_class"),
    });
    planter.call(Service::Logs, "CreateLogGroup", input)?;
    if let Some(days) = object.attributes["retention_in_days"].as_i64().filter(|days| *days != 0) {
        let input = json!({"logGroupName": name, "retentionInDays": days});
        planter.call(Service::Logs, "PutRetentionPolicy", input)?;
    }
    Ok(())
}

pub(super) fn topic(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let said = [
        ("display_name", "DisplayName"),
        ("kms_master_key_id", "KmsMasterKeyId"),
        ("policy", "Policy"),
    ];
    let said = said.into_iter().filter_map(|(name, word)| Some((word, object.text(name)?)));
    let said: Vec<Value> = said.map(|(word, text)| json!({"key": word, "value": text})).collect();
    let input =
        json!({"Name": object.need("name")?, "Attributes": {"entry": said}, "Tags": pairs(object)});
    planter.call(Service::Sns, "CreateTopic", input).map(drop)
}

pub(super) fn repository(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let scan = &object.block("image_scanning_configuration")["scan_on_push"];
    let input = json!({
        "repositoryName": object.need("name")?, "tags": pairs(object),
        "imageTagMutability": object.text("image_tag_mutability"),
        "imageScanningConfiguration": {"scanOnPush": *scan == json!(true)},
    });
    planter.call(Service::Ecr, "CreateRepository", input).map(drop)
}

pub(super) fn key(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let id = object.text("key_id").map_or_else(|| object.id(), Ok)?;
    let tags = object.tags().into_iter();
    let tags: Vec<Value> =
        tags.map(|(key, value)| json!({"TagKey": key, "TagValue": value})).collect();
    let mut input = json!({
        "Description": object.text("description").unwrap_or_default(), "Tags": tags,
        "KeyUsage": object.text("key_usage").unwrap_or("ENCRYPT_DECRYPT"),
        "KeySpec": object.text("customer_master_key_spec").unwrap_or("SYMMETRIC_DEFAULT"),
    });
    if let Some(policy) = object.text("policy") {
        input["Policy"] = json!(policy);
    }
    let made = planter.send(Service::Kms, "CreateKey", input)?;
    let made: Value = serde_json::from_str(&made).unwrap_or_default();
    planter.rename(&made["KeyMetadata"]["KeyId"], id);
    if object.attributes["enable_key_rotation"] == true {
        planter.send(Service::Kms, "EnableKeyRotation", json!({"KeyId": id}))?;
    }
    Ok(())
}

pub(super) fn alias(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let input = json!({
        "AliasName": object.need("name")?, "TargetKeyId": object.need("target_key_id")?,
    });
    planter.send(Service::Kms, "CreateAlias", input).map(drop)
}

/// The bucket, its versions and tags; what newer providers keep apart is not in its own instance.
pub(super) fn bucket(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let name = object.text("bucket").map_or_else(|| object.id(), Ok)?;
    if let Some(region) = object.text("region") {
        region.clone_into(&mut planter.region);
    }
    let region = planter.region.clone();
    let path = format!("/{name}");
    let body = match region.as_str() {
        "us-east-1" => String::new(),
        _ => format!(
            "<CreateBucketConfiguration><LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
        ),
    };
    planter.request(Service::S3, Method::PUT, &path, "", body)?;
    if object.block("versioning")["enabled"] == true {
        let body = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
        planter.request(Service::S3, Method::PUT, &path, "versioning", body.to_owned())?;
    }
    let mut tags = String::new();
    for (key, value) in object.tags() {
        let tag = json!({"Key": key, "Value": value});
        crate::wire::element(&mut tags, "Tag", &tag, "");
    }
    if !tags.is_empty() {
        let body = format!("<Tagging><TagSet>{tags}</TagSet></Tagging>");
        planter.request(Service::S3, Method::PUT, &path, "tagging", body)?;
    }
    Ok(())
}
