//! Instances.

use serde_json::{Value, json};

use super::kind::{self, need};
use super::{cidr::Cidr, describe, launch_template};
use crate::services::access::hex;
use crate::services::{Access, Service};
use crate::settings::Wait;
use crate::wire::{Failure, Outcome, fail, flags, list, text, texts};
use crate::world;

const STATES: [(&str, u32); 6] = [
    ("pending", 0),
    ("running", 16),
    ("shutting-down", 32),
    ("terminated", 48),
    ("stopping", 64),
    ("stopped", 80),
];

fn state(name: &str) -> Value {
    let code = STATES.iter().find(|(state, _)| *state == name).map(|(_, code)| code);
    json!({"instanceState": {"name": name, "code": code}})
}

/// The call's value, or the launch template's.
fn chosen<'a>(input: &'a Value, template: &'a Value, asked: &str, kept: &str) -> Option<&'a str> {
    text(input, asked).or_else(|| text(template, kept))
}

pub(super) fn run(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let mut template = json!({});
    if !input["LaunchTemplate"].is_null() {
        template = launch_template::version_data(access, &input["LaunchTemplate"])?;
    }
    let interface = list(input, "NetworkInterface").into_iter().next().cloned().unwrap_or_default();
    let subnet_id = text(input, "SubnetId").or_else(|| text(&interface, "SubnetId"));
    let subnet_id = subnet_id.ok_or_else(|| {
        fail("MissingInput", "No default VPC for this user: give a subnet").status(400)
    })?;
    let subnet = kind::SUBNET.find(access, subnet_id)?;
    let mut groups = texts(input, "SecurityGroupId");
    groups.extend(texts(&interface, "SecurityGroupId"));
    if groups.is_empty() {
        groups = texts(&template, "securityGroupIdSet");
    }
    for group in &groups {
        kind::SECURITY_GROUP.find(access, group)?;
    }
    let image = chosen(input, &template, "ImageId", "imageId").ok_or_else(|| {
        fail("MissingParameter", "The request must contain the parameter ImageId")
    })?;
    let profile = profile(access, &input["IamInstanceProfile"])?;
    let count: usize = text(input, "MaxCount").and_then(|n| n.parse().ok()).unwrap_or(1);
    let mut made = Vec::new();
    for n in 0..count {
        let id = kind::INSTANCE.new_id();
        let cidr = subnet["cidrBlock"].as_str().and_then(Cidr::parse);
        let host = u32::from_str_radix(&hex(4), 16).unwrap_or(0) % 200 + 10;
        let address = cidr.map(|cidr| cidr.address(host)).unwrap_or_default();
        let public = flags(&interface, "AssociatePublicIpAddress")
            .unwrap_or(subnet["mapPublicIpOnLaunch"] == true);
        let groups: Vec<Value> = groups.iter().map(|id| json!({"groupId": id})).collect();
        let mut instance = json!({
            "instanceId": id,
            "imageId": image,
            "instanceType":
                chosen(input, &template, "InstanceType", "instanceType").unwrap_or("t3.micro"),
            "keyName": chosen(input, &template, "KeyName", "keyName"),
            "launchTime": access.timestamp(),
            "amiLaunchIndex": n,
            "subnetId": subnet_id,
            "vpcId": subnet["vpcId"],
            "placement": {
                "availabilityZone": subnet["availabilityZone"], "tenancy": "default",
            },
            "privateIpAddress": address,
            "privateDnsName":
                format!("ip-{}.{}.compute.internal", address.replace('.', "-"), access.region()),
            "ipAddress": public.then(|| format!("198.19.0.{host}")),
            "groupSet": groups,
            "iamInstanceProfile": profile,
            "monitoring": {"state": if input["Monitoring"]["Enabled"] == "true" { "enabled" } else { "disabled" }},
            "architecture": "x86_64", "rootDeviceType": "ebs", "rootDeviceName": "/dev/xvda",
            "virtualizationType": "hvm", "hypervisor": "xen", "sourceDestCheck": true,
            "ebsOptimized": input["EbsOptimized"] == "true",
            "metadataOptions": metadata_options(&input["MetadataOptions"], &template),
            "blockDeviceMapping": [{
                "deviceName": "/dev/xvda",
                "ebs": {"volumeId": format!("vol-{}", hex(17)), "status": "attached",
                         "deleteOnTermination": true, "attachTime": access.timestamp()},
            }],
            "clientToken": input["ClientToken"],
            "_userData": chosen(input, &template, "UserData", "userData"),
            "_protected": flags(input, "DisableApiTermination").unwrap_or(false),
            "_blockDevices": input["BlockDeviceMapping"],
        });
        instance["instanceState"] = state("pending")["instanceState"].clone();
        world::plan(&mut instance, &[(access.after(Wait::InstanceRunning), state("running"))]);
        made.push(kind::INSTANCE.put(access, &id, instance));
    }
    Ok(json!({
        "reservationId": format!("r-{}", hex(17)), "ownerId": access.account(), "groupSet": [],
        "instancesSet": made,
    }))
}

fn metadata_options(asked: &Value, template: &Value) -> Value {
    let kept = &template["metadataOptions"];
    let pick = |asked_name: &str, kept_name: &str, default: &str| {
        text(asked, asked_name).or_else(|| text(kept, kept_name)).unwrap_or(default).to_owned()
    };
    json!({
        "state": "applied",
        "httpTokens": pick("HttpTokens", "httpTokens", "required"),
        "httpPutResponseHopLimit":
            pick("HttpPutResponseHopLimit", "httpPutResponseHopLimit", "2"),
        "httpEndpoint": pick("HttpEndpoint", "httpEndpoint", "enabled"),
        "httpProtocolIpv6": "disabled",
        "instanceMetadataTags": pick("InstanceMetadataTags", "instanceMetadataTags", "disabled"),
    })
}

pub(super) fn profile(access: &mut Access<'_>, asked: &Value) -> Result<Value, Failure> {
    let arn = match (text(asked, "Arn"), text(asked, "Name")) {
        (Some(arn), _) => arn.to_owned(),
        (None, Some(name)) => {
            format!("arn:aws:iam::{}:instance-profile/{name}", access.account())
        }
        (None, None) => return Ok(Value::Null),
    };
    let name = arn.rsplit('/').next().unwrap_or_default();
    let id = access.id(Service::Iam);
    let known = access.world.docs(&id).is_some_and(|docs| {
        docs.tables()
            .any(|(table, rows)| table.contains("instance_profiles") && rows.contains_key(name))
    });
    if !known {
        return Err(fail(
            "InvalidParameterValue",
            format!(
                "Value ({name}) for parameter iamInstanceProfile.name is invalid. Invalid IAM \
                     Instance Profile name"
            ),
        ));
    }
    Ok(json!({"arn": arn, "id": format!("AIPA{}", hex(17).to_uppercase())}))
}

pub(super) fn describe(access: &mut Access<'_>) -> Outcome {
    let all: Vec<Value> = access.docs(Service::Ec2).values("instance").cloned().collect();
    let account = access.account();
    let found: Vec<Value> = describe::select(access, &kind::INSTANCE, all)?
        .into_iter()
        .map(|instance| {
            let id = instance["instanceId"].as_str().unwrap_or_default();
            json!({
                "reservationId": id.replacen("i-", "r-", 1), "ownerId": account, "groupSet": [],
                "instancesSet": [instance],
            })
        })
        .collect();
    describe::page(access.input(), "reservationSet", found)
}

pub(super) fn attribute(access: &mut Access<'_>) -> Outcome {
    let (id, instance) = kind::INSTANCE.param(access, "InstanceId")?;
    let wanted = need(access.input(), "Attribute")?;
    let value = match wanted {
        "userData" => instance["_userData"].clone(),
        "disableApiTermination" => instance["_protected"].clone(),
        other => instance[other].clone(),
    };
    let value = if wanted == "groupSet" { value } else { json!({"value": value}) };
    Ok(json!({"instanceId": id, wanted: value}))
}

pub(super) fn modify(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let (id, old) = kind::INSTANCE.param(access, "InstanceId")?;
    let groups = texts(input, "GroupId");
    for group in &groups {
        kind::SECURITY_GROUP.find(access, group)?;
    }
    let new_type = input["InstanceType"]["Value"].as_str();
    if (new_type.is_some() || !input["UserData"].is_null())
        && old["instanceState"]["name"] != "stopped"
    {
        return Err(fail(
            "IncorrectInstanceState",
            format!("The instance '{id}' is not in the 'stopped' state."),
        ));
    }
    let instance = kind::INSTANCE.edit(access, &id)?;
    if let Some(new_type) = new_type {
        instance["instanceType"] = json!(new_type);
    }
    if let Some(data) = input["UserData"]["Value"].as_str() {
        instance["_userData"] = json!(data);
    }
    if !groups.is_empty() {
        instance["groupSet"] = groups.iter().map(|id| json!({"groupId": id})).collect();
    }
    if let Some(protected) = flags(&input["DisableApiTermination"], "Value") {
        instance["_protected"] = json!(protected);
    }
    if let Some(check) = flags(&input["SourceDestCheck"], "Value") {
        instance["sourceDestCheck"] = json!(check);
    }
    Ok(json!({"return": true}))
}

pub(super) fn metadata(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let (id, _) = kind::INSTANCE.param(access, "InstanceId")?;
    let instance = kind::INSTANCE.edit(access, &id)?;
    instance["metadataOptions"] = metadata_options(input, &instance.clone());
    Ok(json!({"instanceId": id, "instanceMetadataOptions": instance["metadataOptions"]}))
}

pub(super) fn terminate(access: &mut Access<'_>) -> Outcome {
    let ids = texts(access.input(), "InstanceId");
    for id in &ids {
        if kind::INSTANCE.find(access, id)?["_protected"] == true {
            return Err(fail(
                "OperationNotPermitted",
                format!(
                    "The instance '{id}' may not be terminated. Modify its \
                         'disableApiTermination' instance attribute and try again."
                ),
            ));
        }
    }
    for id in &ids {
        let docs = access.docs(Service::Ec2);
        let held: Vec<String> = docs
            .all("elastic-ip")
            .filter(|(_, it)| it["instanceId"] == id.as_str())
            .map(|(key, _)| key.to_owned())
            .collect();
        for address in held {
            super::address::free(access, &address);
        }
    }
    moved(access, "shutting-down", "terminated", Wait::InstanceTerminated, true)
}

pub(super) fn start(access: &mut Access<'_>) -> Outcome {
    moved(access, "pending", "running", Wait::InstanceRunning, false)
}

pub(super) fn stop(access: &mut Access<'_>) -> Outcome {
    moved(access, "stopping", "stopped", Wait::InstanceTerminated, false)
}

fn moved(access: &mut Access<'_>, through: &str, to: &str, wait: Wait, ends: bool) -> Outcome {
    let ids = texts(access.input(), "InstanceId");
    for id in &ids {
        kind::INSTANCE.find(access, id)?;
    }
    let done = access.after(wait);
    let forgotten = done + Wait::Remains.millis(access.durations);
    let mut changes = Vec::new();
    for id in ids {
        let instance = kind::INSTANCE.edit(access, &id)?;
        let before = instance["instanceState"].clone();
        if before["name"] != to && before["name"] != "terminated" {
            instance["instanceState"] = state(through)["instanceState"].clone();
            let mut steps = vec![(done, state(to))];
            if ends {
                steps.push((forgotten, Value::Null));
            }
            world::plan(instance, &steps);
        }
        changes.push(json!({
            "instanceId": id, "previousState": before, "currentState": instance["instanceState"],
        }));
    }
    Ok(json!({"instancesSet": changes}))
}

pub(super) fn profiles(access: &mut Access<'_>) -> Outcome {
    let all: Vec<Value> = access
        .docs(Service::Ec2)
        .values("instance")
        .filter(|it| it["iamInstanceProfile"].is_object())
        .map(|it| {
            json!({
                "associationId": it["instanceId"].as_str().map(|id| id.replacen("i-", "iip-assoc-", 1)),
                "instanceId": it["instanceId"], "iamInstanceProfile": it["iamInstanceProfile"],
                "state": "associated",
            })
        })
        .collect();
    Ok(json!({"iamInstanceProfileAssociationSet": all}))
}
