//! Instances, what they are made of, and groups of them.

use serde_json::{Map, Value, json};

use super::object::Object;
use super::planter::{Planter, Result, specification};
use crate::services::Service;
use crate::services::access::hex;

/// Blocks of a state in the words of a call: `volume_size` is `VolumeSize`.
fn words(block: &Value, names: &[(&str, &str)]) -> Value {
    let said = |name: &str| {
        Some(block[name].clone()).filter(|value| !value.is_null() && *value != "" && *value != 0)
    };
    let fields = names.iter().filter_map(|(name, word)| Some(((*word).to_owned(), said(name)?)));
    Value::Object(fields.collect::<Map<_, _>>())
}

const VOLUME: [(&str, &str); 8] = [
    ("volume_size", "VolumeSize"),
    ("volume_type", "VolumeType"),
    ("iops", "Iops"),
    ("throughput", "Throughput"),
    ("encrypted", "Encrypted"),
    ("kms_key_id", "KmsKeyId"),
    ("snapshot_id", "SnapshotId"),
    ("delete_on_termination", "DeleteOnTermination"),
];

const METADATA: [(&str, &str); 3] = [
    ("http_tokens", "HttpTokens"),
    ("http_put_response_hop_limit", "HttpPutResponseHopLimit"),
    ("http_endpoint", "HttpEndpoint"),
];

/// The state does not say which device is the root of the image: Amazon Linux's it is.
fn devices(object: &Object) -> Vec<Value> {
    let root = object.block("root_block_device");
    let root = (!root.is_null())
        .then(|| json!({"DeviceName": root["device_name"].as_str().unwrap_or("/dev/xvda"), "Ebs": words(root, &VOLUME)}));
    let others = object.attributes["ebs_block_device"].as_array().into_iter().flatten();
    let others = others
        .map(|block| json!({"DeviceName": block["device_name"], "Ebs": words(block, &VOLUME)}));
    root.into_iter().chain(others).collect()
}

fn user_data(object: &Object) -> Option<String> {
    use base64::Engine as _;

    let plain = object.text("user_data");
    // Of plain text older providers keep a digest only.
    let plain = plain.filter(|text| text.len() != 40 || text.contains(char::is_whitespace));
    let plain = plain.map(|text| base64::engine::general_purpose::STANDARD.encode(text));
    object.text("user_data_base64").map(str::to_owned).or(plain)
}

pub(super) fn configuration(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let name = object.need("name")?;
    let metadata = words(object.block("metadata_options"), &METADATA);
    let input = json!({
        "LaunchConfigurationName": name, "ImageId": object.need("image_id")?,
        "InstanceType": object.need("instance_type")?,
        "SecurityGroups": object.texts("security_groups"),
        "IamInstanceProfile": object.text("iam_instance_profile"),
        "KeyName": object.text("key_name"), "UserData": user_data(object),
        "AssociatePublicIpAddress": object.attributes["associate_public_ip_address"],
        "BlockDeviceMappings": devices(object),
        "MetadataOptions": metadata.as_object().filter(|it| !it.is_empty()),
        "InstanceMonitoring": {"Enabled": object.attributes["enable_monitoring"] != json!(false)},
        "EbsOptimized": object.attributes["ebs_optimized"] == json!(true),
        "SpotPrice": object.text("spot_price"),
        "PlacementTenancy": object.text("placement_tenancy"),
    });
    planter.call(Service::Autoscaling, "CreateLaunchConfiguration", input)?;
    let said = json!({"LaunchConfigurationARN": object.attributes["arn"]});
    planter.set(Service::Autoscaling, "launch-configuration", name, said);
    Ok(())
}

/// The group launches its instances anew: a state does not know them.
pub(super) fn group(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let name = object.need("name")?;
    let number = |field: &str| Some(&object.attributes[field]).filter(|it| **it != 0);
    let template = object.block("launch_template");
    let template = words(template, &[("id", "LaunchTemplateId"), ("version", "Version")]);
    if !object.block("mixed_instances_policy").is_null() {
        return Err("a group of mixed instances cannot be planted".to_owned());
    }
    let tags = object.attributes["tag"].as_array().into_iter().flatten();
    let tags: Vec<Value> = tags
        .map(|tag| {
            json!({
                "Key": tag["key"], "Value": tag["value"],
                "PropagateAtLaunch": tag["propagate_at_launch"],
            })
        })
        .collect();
    let attributes = &object.attributes;
    let input = json!({
        "AutoScalingGroupName": name, "MinSize": attributes["min_size"],
        "MaxSize": attributes["max_size"], "DesiredCapacity": attributes["desired_capacity"],
        "LaunchConfigurationName": object.text("launch_configuration"),
        "LaunchTemplate": template.as_object().filter(|it| !it.is_empty()),
        "VPCZoneIdentifier": object.texts("vpc_zone_identifier").join(","),
        "TargetGroupARNs": object.texts("target_group_arns"),
        "LoadBalancerNames": object.texts("load_balancers"),
        "HealthCheckType": object.text("health_check_type"),
        "HealthCheckGracePeriod": attributes["health_check_grace_period"],
        "DefaultCooldown": attributes["default_cooldown"],
        "DefaultInstanceWarmup": number("default_instance_warmup"),
        "MaxInstanceLifetime": number("max_instance_lifetime"),
        "PlacementGroup": object.text("placement_group"),
        "NewInstancesProtectedFromScaleIn": attributes["protect_from_scale_in"],
        "CapacityRebalance": attributes["capacity_rebalance"],
        "ServiceLinkedRoleARN": object.text("service_linked_role_arn"),
        "TerminationPolicies": object.texts("termination_policies"), "Tags": tags,
    });
    planter.call(Service::Autoscaling, "CreateAutoScalingGroup", input)?;
    for (attribute, operation, field) in [
        ("suspended_processes", "SuspendProcesses", "ScalingProcesses"),
        ("enabled_metrics", "EnableMetricsCollection", "Metrics"),
    ] {
        let said = object.texts(attribute);
        if !said.is_empty() {
            let input = json!({"AutoScalingGroupName": name, field: said});
            planter.call(Service::Autoscaling, operation, input)?;
        }
    }
    let said = json!({"AutoScalingGroupARN": object.attributes["arn"]});
    planter.set(Service::Autoscaling, "group", name, said);
    Ok(())
}

pub(super) fn template(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let id = object.id()?;
    let devices = object.attributes["block_device_mappings"].as_array().into_iter().flatten();
    let devices: Vec<Value> = devices
        .map(|it| json!({"DeviceName": it["device_name"], "Ebs": words(&it["ebs"][0], &VOLUME)}))
        .collect();
    let profile = object.block("iam_instance_profile");
    let profile = words(profile, &[("arn", "Arn"), ("name", "Name")]);
    let mut specifications = Vec::new();
    for block in object.attributes["tag_specifications"].as_array().into_iter().flatten() {
        let tags = block["tags"].as_object().into_iter().flatten();
        let tags: Vec<Value> =
            tags.map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        specifications.push(json!({"ResourceType": block["resource_type"], "Tag": tags}));
    }
    let some = |list: Vec<Value>| (!list.is_empty()).then_some(list);
    let mut groups = object.texts("vpc_security_group_ids");
    groups.extend(object.texts("security_group_names"));
    let metadata = words(object.block("metadata_options"), &METADATA);
    let data = json!({
        "ImageId": object.text("image_id"), "InstanceType": object.text("instance_type"),
        "KeyName": object.text("key_name"), "UserData": object.text("user_data"),
        "SecurityGroupId": (!groups.is_empty()).then_some(groups),
        "IamInstanceProfile": profile.as_object().filter(|it| !it.is_empty()),
        "BlockDeviceMapping": some(devices), "TagSpecification": some(specifications),
        "MetadataOptions": metadata.as_object().filter(|it| !it.is_empty()),
        "Monitoring": match object.block("monitoring") {
            Value::Null => Value::Null,
            said => json!({"Enabled": said["enabled"]}),
        },
    });
    let input = json!({
        "LaunchTemplateName": object.need("name")?, "LaunchTemplateData": data,
        "TagSpecification": specification("launch-template", object),
    });
    let made = planter.call(Service::Ec2, "CreateLaunchTemplate", input)?;
    planter.rename(&made["launchTemplate"]["launchTemplateId"], id);
    Ok(())
}

pub(super) fn instance(planter: &mut Planter<'_>, object: &Object) -> Result<()> {
    let id = object.id()?;
    let profile = object.text("iam_instance_profile").map(|name| json!({"Name": name}));
    let metadata = words(object.block("metadata_options"), &METADATA);
    let input = json!({
        "ImageId": object.need("ami")?, "InstanceType": object.need("instance_type")?,
        "SubnetId": object.need("subnet_id")?, "MinCount": 1, "MaxCount": 1,
        "SecurityGroupId": object.texts("vpc_security_group_ids"),
        "KeyName": object.text("key_name"), "IamInstanceProfile": profile,
        "UserData": user_data(object), "BlockDeviceMapping": devices(object),
        "Monitoring": {"Enabled": object.attributes["monitoring"] == json!(true)},
        "MetadataOptions": if metadata.as_object().is_some_and(|it| !it.is_empty()) {
            metadata
        } else {
            json!({"HttpTokens": "optional", "HttpPutResponseHopLimit": 1})
        },
        "TagSpecification": specification("instance", object),
    });
    let made = planter.call(Service::Ec2, "RunInstances", input)?;
    planter.rename(&made["instancesSet"][0]["instanceId"], id);
    let said = json!({
        "privateIpAddress": object.attributes["private_ip"],
        "privateDnsName": object.attributes["private_dns"],
        "ipAddress": object.attributes["public_ip"],
        "sourceDestCheck": object.attributes["source_dest_check"],
    });
    planter.set(Service::Ec2, "instance", id, said);
    if let Some(interface) = object.text("primary_network_interface_id") {
        let set = json!({"_interface": interface, "_volume": format!("vol-{}", hex(17))});
        planter.set(Service::Ec2, "instance", id, set);
    }
    Ok(())
}
