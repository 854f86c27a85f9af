//! Making a group.

use serde_json::{Value, json};

use super::dispatch::{TABLE, invalid, number};
use super::{group, launch_configuration, tag, target};
use crate::services::{Access, Service, neighbour};
use crate::wire::{Failure, Outcome, fail, flags, list, text, texts};

/// The three ways to say what is launched.
const LAUNCHES: [&str; 3] = ["LaunchConfigurationName", "LaunchTemplate", "MixedInstancesPolicy"];

pub(super) fn create(access: &mut Access<'_>) -> Outcome {
    let input = access.input();
    let name = text(input, "AutoScalingGroupName")
        .ok_or_else(|| invalid("AutoScalingGroupName is required"))?;
    if access.docs(Service::Autoscaling).has(TABLE, name) {
        let message = format!(
            "AutoScalingGroup by this name already exists - A group with the name {name} already \
             exists"
        );
        return Err(fail("AlreadyExists", message));
    }
    let (Some(min), Some(max)) = (number(input, "MinSize"), number(input, "MaxSize")) else {
        return Err(invalid("MinSize and MaxSize are required"));
    };
    let desired = number(input, "DesiredCapacity").unwrap_or(min);
    sizes(min, max, desired)?;
    if LAUNCHES.into_iter().filter(|field| !input[*field].is_null()).count() != 1 {
        return Err(invalid(
            "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, \
             InstanceId or MixedInstancesPolicy parameter.",
        ));
    }
    let zones = zones(access, text(input, "VPCZoneIdentifier").unwrap_or_default())?;
    let targets = texts(input, "TargetGroupARNs");
    target::check(access, &targets)?;
    let policies = texts(input, "TerminationPolicies");
    let linked = format!(
        "arn:aws:iam::{}:role/aws-service-role/autoscaling.amazonaws.com/\
         AWSServiceRoleForAutoScaling",
        access.account()
    );
    let tags: Vec<Value> =
        list(input, "Tags").into_iter().map(|given| tag::kept(given, name)).collect();
    let mut document = json!({
        "AutoScalingGroupName": name,
        "AutoScalingGroupARN": format!(
            "arn:aws:autoscaling:{}:{}:autoScalingGroup:{}:autoScalingGroupName/{name}",
            access.region(), access.account(), uuid::Uuid::new_v4()
        ),
        "MinSize": min, "MaxSize": max, "DesiredCapacity": desired,
        "AvailabilityZones": zones,
        "VPCZoneIdentifier": text(input, "VPCZoneIdentifier").unwrap_or_default(),
        "CreatedTime": access.timestamp(),
        "DefaultCooldown": number(input, "DefaultCooldown").unwrap_or(300),
        "HealthCheckType": text(input, "HealthCheckType").unwrap_or("EC2"),
        "HealthCheckGracePeriod": number(input, "HealthCheckGracePeriod").unwrap_or(0),
        "NewInstancesProtectedFromScaleIn":
            flags(input, "NewInstancesProtectedFromScaleIn").unwrap_or(false),
        "CapacityRebalance": flags(input, "CapacityRebalance"),
        "LoadBalancerNames": texts(input, "LoadBalancerNames"),
        "TrafficSources": targets.iter()
            .map(|arn| json!({"Identifier": arn, "Type": "elbv2"})).collect::<Vec<_>>(),
        "TargetGroupARNs": targets,
        "TerminationPolicies": if policies.is_empty() { json!(["Default"]) } else { json!(policies) },
        "ServiceLinkedRoleARN": text(input, "ServiceLinkedRoleARN").unwrap_or(&linked),
        "MaxInstanceLifetime": number(input, "MaxInstanceLifetime").filter(|it| *it != 0),
        "DefaultInstanceWarmup": number(input, "DefaultInstanceWarmup"),
        "PlacementGroup": text(input, "PlacementGroup"),
        "SuspendedProcesses": [], "EnabledMetrics": [], "Instances": [],
        "Tags": tags,
        "_own": true,
    });
    launches(access, &mut document)?;
    access.docs(Service::Autoscaling).put(TABLE, name, document);
    group::fill(access, name);
    Ok(json!({}))
}

pub(super) fn sizes(min: i64, max: i64, desired: i64) -> Result<(), Failure> {
    if !(0 <= min && min <= max) {
        return Err(invalid(format!(
            "Max bound, {max}, must be greater than or equal to min bound, {min}"
        )));
    }
    if !(min..=max).contains(&desired) {
        let message = format!(
            "Desired capacity:{desired} must be between the specified min size:{min} and max size:{max}"
        );
        return Err(invalid(message));
    }
    Ok(())
}

/// The zones of the subnets.
pub(super) fn zones(access: &mut Access<'_>, identifier: &str) -> Result<Vec<Value>, Failure> {
    let subnets: Vec<&str> =
        identifier.split(',').map(str::trim).filter(|id| !id.is_empty()).collect();
    if subnets.is_empty() {
        return Err(invalid("At least one Availability Zone or VPC Subnet is required."));
    }
    let look = neighbour::is_here(access, Service::Ec2);
    let region = access.region();
    let docs = access.docs(Service::Ec2);
    let mut zones: Vec<Value> = Vec::new();
    for subnet in subnets {
        let zone = match docs.get("subnet", subnet) {
            Some(found) => found["availabilityZone"].clone(),
            None if look => {
                let message = format!("The subnet ID '{subnet}' does not exist");
                return Err(invalid(message));
            }
            None => json!(format!("{region}a")),
        };
        if !zones.contains(&zone) {
            zones.push(zone);
        }
    }
    Ok(zones)
}

/// Takes over what the call says is launched, if it says so, with what AWS fills in.
pub(super) fn launches(access: &mut Access<'_>, group: &mut Value) -> Result<(), Failure> {
    let input = access.input();
    let Some(said) = LAUNCHES.into_iter().find(|field| !input[*field].is_null()) else {
        return Ok(());
    };
    let mut chosen = input[said].clone();
    match said {
        "LaunchConfigurationName" => {
            launch_configuration::find(access, chosen.as_str().unwrap_or_default())?;
        }
        "LaunchTemplate" => template(access, &mut chosen)?,
        _ => {
            template(access, &mut chosen["LaunchTemplate"]["LaunchTemplateSpecification"])?;
            let overrides: Vec<Value> =
                list(&chosen["LaunchTemplate"], "Overrides").into_iter().cloned().collect();
            chosen["LaunchTemplate"]["Overrides"] = json!(overrides);
            let defaults = [
                ("OnDemandAllocationStrategy", json!("prioritized")),
                ("OnDemandBaseCapacity", json!(0)),
                ("OnDemandPercentageAboveBaseCapacity", json!(100)),
                ("SpotAllocationStrategy", json!("lowest-price")),
            ];
            for (field, value) in defaults {
                let distribution = &mut chosen["InstancesDistribution"];
                if distribution[field].is_null() {
                    distribution[field] = value;
                }
            }
        }
    }
    for field in LAUNCHES {
        group[field] = if field == said { chosen.clone() } else { Value::Null };
    }
    Ok(())
}

fn template(access: &mut Access<'_>, specification: &mut Value) -> Result<(), Failure> {
    if text(specification, "Version").is_none() {
        specification["Version"] = json!("$Default");
    }
    if !neighbour::is_here(access, Service::Ec2) {
        return Ok(());
    }
    let asked = specification.clone();
    let is_it = |it: &Value| {
        let by =
            |field: &str, kept: &str| text(&asked, field).is_some_and(|it_is| it[kept] == it_is);
        by("LaunchTemplateId", "launchTemplateId") || by("LaunchTemplateName", "launchTemplateName")
    };
    let found = access.docs(Service::Ec2).values("launch-template").find(|it| is_it(it)).cloned();
    let found = found.ok_or_else(|| {
        invalid("You must use a valid fully-formed launch template. The specified launch template does not exist.")
    })?;
    specification["LaunchTemplateId"] = found["launchTemplateId"].clone();
    specification["LaunchTemplateName"] = found["launchTemplateName"].clone();
    Ok(())
}
