//! What is there before anything is made: zones, regions, images, instance types.

use serde_json::{Value, json};

use super::describe;
use crate::services::Access;
use crate::services::access::digest;
use crate::wire::{Outcome, fail, texts};

/// The three zones of a region: name and id.
pub(crate) fn zone_names(region: &str) -> Vec<(String, String)> {
    let mut short = String::new();
    for part in region.split('-') {
        match part {
            "east" | "west" | "north" | "south" | "central" => short.push_str(&part[..1]),
            "northeast" => short.push_str("ne"),
            "northwest" => short.push_str("nw"),
            "southeast" => short.push_str("se"),
            "southwest" => short.push_str("sw"),
            other => short.push_str(other),
        }
    }
    (1..=3)
        .zip(["a", "b", "c"])
        .map(|(n, letter)| (format!("{region}{letter}"), format!("{short}-az{n}")))
        .collect()
}

pub(super) fn zones(access: &mut Access<'_>) -> Outcome {
    let region = access.region();
    let names = texts(access.input(), "ZoneName");
    let filters = describe::filters(access.input());
    let zones: Vec<Value> = zone_names(region)
        .into_iter()
        .map(|(name, id)| {
            json!({
                "zoneName": name, "zoneId": id, "regionName": region, "zoneState": "available",
                "zoneType": "availability-zone", "optInStatus": "opt-in-not-required",
                "groupName": region, "networkBorderGroup": region, "messageSet": [],
            })
        })
        .filter(|zone| names.is_empty() || names.iter().any(|it| zone["zoneName"] == it.as_str()))
        .filter(|zone| {
            filters.iter().all(|(name, values)| {
                let field = match name.as_str() {
                    "zone-name" => "zoneName",
                    "zone-id" => "zoneId",
                    "zone-type" => "zoneType",
                    "opt-in-status" => "optInStatus",
                    "region-name" => "regionName",
                    _ => "zoneState",
                };
                values.iter().any(|value| zone[field] == value.as_str())
            })
        })
        .collect();
    if !names.is_empty() && zones.len() != names.len() {
        return Err(fail("InvalidParameterValue", "Invalid availability zone"));
    }
    Ok(json!({"availabilityZoneInfo": zones}))
}

pub(super) fn regions() -> Value {
    let regions: Vec<Value> = [
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "eu-central-1",
        "eu-north-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-northeast-1",
    ]
    .iter()
    .map(|name| {
        json!({
            "regionName": name, "regionEndpoint": format!("ec2.{name}.amazonaws.com"),
            "optInStatus": "opt-in-not-required",
        })
    })
    .collect();
    json!({"regionInfo": regions})
}

/// The image an SSM public parameter or an id stands for: the same in every run.
pub(crate) fn image_id(region: &str, name: &str) -> String {
    format!("ami-{}", digest(format!("{region}/{name}"), 17))
}

pub(super) fn images(access: &mut Access<'_>) -> Outcome {
    let asked = texts(access.input(), "ImageId");
    let ids =
        if asked.is_empty() { vec![image_id(access.region(), "al2023-x86_64")] } else { asked };
    let images: Vec<Value> = ids
        .iter()
        .map(|id| {
            json!({
                "imageId": id, "imageState": "available", "imageOwnerId": "137112412989",
                "name": "al2023-ami-2023.9.20260101.0-kernel-6.12-x86_64",
                "architecture": "x86_64", "isPublic": true, "imageType": "machine",
                "rootDeviceName": "/dev/xvda", "rootDeviceType": "ebs",
                "virtualizationType": "hvm", "creationDate": "2026-01-01T00:00:00.000Z",
                "imageOwnerAlias": "amazon", "platformDetails": "Linux/UNIX",
            })
        })
        .collect();
    Ok(json!({"imagesSet": images}))
}

pub(super) fn instance_types(access: &mut Access<'_>) -> Outcome {
    let asked = texts(access.input(), "InstanceType");
    let types: Vec<Value> = asked
        .iter()
        .map(|name| {
            let arm = name.split('.').next().is_some_and(|family| family.contains('g'));
            json!({
                "instanceType": name, "currentGeneration": true,
                "processorInfo": {
                    "supportedArchitectures": [if arm { "arm64" } else { "x86_64" }],
                },
                "vCpuInfo": {"defaultVCpus": 2}, "memoryInfo": {"sizeInMiB": 8192},
            })
        })
        .collect();
    Ok(json!({"instanceTypeSet": types}))
}

pub(super) fn account_attributes() -> Value {
    json!({"accountAttributeSet": [{
        "attributeName": "supported-platforms",
        "attributeValueSet": [{"attributeValue": "VPC"}],
    }]})
}
