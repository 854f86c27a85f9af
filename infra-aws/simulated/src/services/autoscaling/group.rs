//! A group's life: it launches and ends instances until there are as many as are desired.

use serde_json::{Value, json};

use super::dispatch::{TABLE, named, number};
use super::{activity, create, launch_configuration, node_group, process};
use crate::services::access::hex;
use crate::services::{Access, Service, ec2, neighbour};
use crate::settings::Wait;
use crate::wire::{Failure, Outcome, fail, flags, text, texts};
use crate::world;

pub(super) fn update(access: &mut Access<'_>) -> Outcome {
    let (name, mut group) = named(access)?;
    let input = access.input();
    let size = |field: &str| {
        let asked = number(input, field);
        asked.map_or_else(|| group[field].clone(), |it| json!(it))
    };
    let (min, max, mut desired) = (size("MinSize"), size("MaxSize"), size("DesiredCapacity"));
    if group["_own"] != true {
        let scaling = json!({"minSize": min, "maxSize": max, "desiredSize": desired});
        node_group::resize(access, &name, &scaling);
        return Ok(json!({}));
    }
    if group["Status"].is_string() {
        let message = format!("AutoScalingGroup {name} is being deleted");
        return Err(fail("ScalingActivityInProgress", message));
    }
    let number_of = |value: &Value| value.as_i64().unwrap_or_default();
    if number(input, "DesiredCapacity").is_none() {
        // A number that the new bounds do not allow moves to the nearest that they do.
        let (low, high) = (number_of(&min), number_of(&max));
        desired = json!(number_of(&desired).min(high).max(low));
    }
    create::sizes(number_of(&min), number_of(&max), number_of(&desired))?;
    let asked = [("MinSize", min), ("MaxSize", max), ("DesiredCapacity", desired)];
    for (field, value) in asked {
        group[field] = value;
    }
    if let Some(identifier) = text(input, "VPCZoneIdentifier") {
        group["AvailabilityZones"] = json!(create::zones(access, identifier)?);
        group["VPCZoneIdentifier"] = json!(identifier);
    }
    create::launches(access, &mut group)?;
    settings(input, &mut group);
    access.docs(Service::Autoscaling).put(TABLE, &name, group);
    fill(access, &name);
    Ok(json!({}))
}

fn settings(input: &Value, group: &mut Value) {
    for field in ["DefaultCooldown", "HealthCheckGracePeriod"] {
        if let Some(seconds) = number(input, field) {
            group[field] = json!(seconds);
        }
    }
    for (field, none) in [("MaxInstanceLifetime", 0), ("DefaultInstanceWarmup", -1)] {
        if let Some(seconds) = number(input, field) {
            group[field] = json!(Some(seconds).filter(|it| *it != none));
        }
    }
    for field in ["NewInstancesProtectedFromScaleIn", "CapacityRebalance"] {
        if let Some(on) = flags(input, field) {
            group[field] = json!(on);
        }
    }
    if let Some(kind) = text(input, "HealthCheckType") {
        group["HealthCheckType"] = json!(kind);
    }
    if let Some(placement) = input["PlacementGroup"].as_str() {
        group["PlacementGroup"] = json!(Some(placement).filter(|it| !it.is_empty()));
    }
    if !input["TerminationPolicies"].is_null() {
        let policies = texts(input, "TerminationPolicies");
        group["TerminationPolicies"] =
            if policies.is_empty() { json!(["Default"]) } else { json!(policies) };
    }
}

pub(super) fn delete(access: &mut Access<'_>) -> Outcome {
    let (name, group) = named(access)?;
    let instances = group["Instances"].as_array().cloned().unwrap_or_default();
    if !instances.is_empty() && flags(access.input(), "ForceDelete") != Some(true) {
        return Err(fail(
            "ResourceInUse",
            "You cannot delete an AutoScalingGroup while there are instances or pending Spot \
             instance request(s) still in the group.",
        ));
    }
    end(access, &instances);
    let gone = access.after(Wait::InstanceTerminated);
    if let Some(group) = access.docs(Service::Autoscaling).edit(TABLE, &name) {
        group["Status"] = json!("Delete in progress");
        world::plan(group, &[(gone, Value::Null)]);
    }
    Ok(json!({}))
}

/// Launches what is missing and ends what is too much.
pub(super) fn fill(access: &mut Access<'_>, name: &str) {
    let Some(group) = access.docs(Service::Autoscaling).get(TABLE, name).cloned() else { return };
    if group["_own"] != true || group["Status"].is_string() {
        return;
    }
    let wanted = usize::try_from(group["DesiredCapacity"].as_u64().unwrap_or(0)).unwrap_or(0);
    let mut instances = group["Instances"].as_array().cloned().unwrap_or_default();
    if instances.len() > wanted && !process::is_suspended(&group, "Terminate") {
        end(access, &instances.split_off(wanted));
    }
    while instances.len() < wanted && !process::is_suspended(&group, "Launch") {
        match launch(access, &group, instances.len()) {
            Ok(instance) => {
                let id = instance["InstanceId"].as_str().unwrap_or_default();
                activity::note(access, name, &format!("Launching a new EC2 instance: {id}"), None);
                instances.push(instance);
            }
            Err(failure) => {
                let message = format!("{} Launching EC2 instance failed.", failure.message);
                let what = "Launching a new EC2 instance.  Status Reason: ";
                activity::note(access, name, &format!("{what}{message}"), Some(&message));
                break;
            }
        }
    }
    let ready = access.after(Wait::InstanceRunning);
    let serving: Vec<Value> = instances
        .iter()
        .cloned()
        .map(|mut it| {
            it["LifecycleState"] = json!("InService");
            it
        })
        .collect();
    if let Some(group) = access.docs(Service::Autoscaling).edit(TABLE, name) {
        group["Instances"] = json!(instances);
        world::plan(group, &[(ready, json!({"Instances": serving}))]);
    }
}

/// Ends instances, where EC2 is in this world.
fn end(access: &mut Access<'_>, instances: &[Value]) {
    let ids: Vec<&Value> = instances.iter().map(|it| &it["InstanceId"]).collect();
    if !ids.is_empty() && neighbour::is_here(access, Service::Ec2) {
        for id in ids {
            // What somebody else has ended already is not there any more: nothing to do.
            let input = json!({"InstanceId": [id]});
            access.within(Service::Ec2, "TerminateInstances", input, ec2::answer).ok();
        }
    }
}

/// Launches one instance, in the subnet whose turn it is.
fn launch(access: &mut Access<'_>, group: &Value, at: usize) -> Result<Value, Failure> {
    let subnets: Vec<&str> =
        group["VPCZoneIdentifier"].as_str().unwrap_or_default().split(',').collect();
    let subnet = subnets[at % subnets.len()].trim();
    let tags = group["Tags"].as_array().into_iter().flatten();
    let tags = tags.filter(|tag| tag["PropagateAtLaunch"] == true);
    let tags: Vec<Value> =
        tags.map(|tag| json!({"Key": tag["Key"], "Value": tag["Value"]})).collect();
    let mut input = json!({
        "SubnetId": subnet, "MinCount": "1", "MaxCount": "1",
        "TagSpecification": [{"ResourceType": "instance", "Tag": tags}],
    });
    let mut shown = json!({
        "LifecycleState": "Pending", "HealthStatus": "Healthy",
        "ProtectedFromScaleIn": group["NewInstancesProtectedFromScaleIn"],
    });
    if let Some(name) = group["LaunchConfigurationName"].as_str() {
        let configuration = launch_configuration::find(access, name)?;
        of_configuration(&configuration, subnet, &mut input);
        shown["LaunchConfigurationName"] = json!(name);
        shown["InstanceType"] = configuration["InstanceType"].clone();
    } else {
        let mixed = &group["MixedInstancesPolicy"]["LaunchTemplate"];
        let template = if mixed.is_null() {
            &group["LaunchTemplate"]
        } else {
            &mixed["LaunchTemplateSpecification"]
        };
        input["LaunchTemplate"] = json!({
            "LaunchTemplateId": template["LaunchTemplateId"], "Version": template["Version"],
        });
        shown["LaunchTemplate"] = template.clone();
        if let Some(kind) = mixed["Overrides"][0]["InstanceType"].as_str() {
            input["InstanceType"] = json!(kind);
        }
    }
    if !neighbour::is_here(access, Service::Ec2) {
        shown["InstanceId"] = json!(format!("i-{}", hex(17)));
        shown["AvailabilityZone"] = group["AvailabilityZones"][0].clone();
        return Ok(shown);
    }
    let made = access.within(Service::Ec2, "RunInstances", input, ec2::answer)?;
    let instance = &made["instancesSet"][0];
    shown["InstanceId"] = instance["instanceId"].clone();
    shown["InstanceType"] = instance["instanceType"].clone();
    shown["AvailabilityZone"] = instance["placement"]["availabilityZone"].clone();
    let id = instance["instanceId"].as_str().unwrap_or_default();
    let name = json!({"key": "aws:autoscaling:groupName", "value": group["AutoScalingGroupName"]});
    if let Some(instance) = access.docs(Service::Ec2).edit("instance", id)
        && let Some(tags) = instance["tagSet"].as_array_mut()
    {
        tags.push(name);
    }
    Ok(shown)
}

fn of_configuration(configuration: &Value, subnet: &str, input: &mut Value) {
    for field in ["ImageId", "InstanceType", "KeyName", "UserData"] {
        if let Some(said) = text(configuration, field) {
            input[field] = json!(said);
        }
    }
    if let Some(profile) = text(configuration, "IamInstanceProfile") {
        let field = if profile.starts_with("arn:") { "Arn" } else { "Name" };
        input["IamInstanceProfile"] = json!({field: profile});
    }
    input["SecurityGroupId"] = configuration["SecurityGroups"].clone();
    input["Monitoring"] = configuration["InstanceMonitoring"].clone();
    input["MetadataOptions"] = match &configuration["MetadataOptions"] {
        Value::Null => json!({"HttpTokens": "optional", "HttpPutResponseHopLimit": "1"}),
        said => said.clone(),
    };
    let public = &configuration["AssociatePublicIpAddress"];
    if !public.is_null() {
        input["NetworkInterface"] = json!([{
            "DeviceIndex": "0", "SubnetId": subnet, "AssociatePublicIpAddress": public,
        }]);
    }
}
