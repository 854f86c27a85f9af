//! Auto Scaling groups: those that EKS makes for node groups.

use serde_json::{Value, json};

use super::access::hex;
use super::{Access, Service, neighbour};
use crate::wire::{Failure, Outcome, fail, list, text, texts};

const TABLE: &str = "group";

pub(crate) fn answer(access: &mut Access<'_>) -> Outcome {
    match access.call.operation.as_str() {
        "DescribeAutoScalingGroups" => describe(access),
        "AttachLoadBalancerTargetGroups" => {
            attach(access, &texts(access.input(), "TargetGroupARNs"), true)
        }
        "DetachLoadBalancerTargetGroups" => {
            attach(access, &texts(access.input(), "TargetGroupARNs"), false)
        }
        "AttachTrafficSources" => attach(access, &sources(access.input()), true),
        "DetachTrafficSources" => attach(access, &sources(access.input()), false),
        "DescribeLoadBalancerTargetGroups" => {
            attached(access, "LoadBalancerTargetGroups", "LoadBalancerTargetGroupARN")
        }
        "DescribeTrafficSources" => attached(access, "TrafficSources", "Identifier"),
        "DescribeTags" => tags(access),
        "CreateOrUpdateTags" => tag(access, true),
        "DeleteTags" => tag(access, false),
        "UpdateAutoScalingGroup" | "SetDesiredCapacity" => update(access),
        other => Err(fail("InvalidAction", format!("no Auto Scaling operation {other}"))),
    }
}

fn sources(input: &Value) -> Vec<String> {
    list(input, "TrafficSources")
        .into_iter()
        .filter_map(|source| text(source, "Identifier"))
        .map(str::to_owned)
        .collect()
}

/// The group of a managed node group, with the tags EKS puts on it.
pub(crate) fn put_node_group(access: &mut Access<'_>, name: &str, group: &Value, zones: &[Value]) {
    let cluster = group["clusterName"].as_str().unwrap_or_default();
    let mut tags = vec![
        ("eks:cluster-name".to_owned(), group["clusterName"].clone()),
        ("eks:nodegroup-name".to_owned(), group["nodegroupName"].clone()),
        (format!("kubernetes.io/cluster/{cluster}"), json!("owned")),
        (format!("k8s.io/cluster-autoscaler/{cluster}"), json!("owned")),
        ("k8s.io/cluster-autoscaler/enabled".to_owned(), json!("true")),
    ];
    // EKS does not carry the node group's own tags over.
    let tags: Vec<Value> = tags
        .drain(..)
        .map(|(key, value)| {
            json!({
                "Key": key, "Value": value, "PropagateAtLaunch": true, "ResourceId": name,
                "ResourceType": "auto-scaling-group",
            })
        })
        .collect();
    let subnets: Vec<&str> =
        group["subnets"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let document = json!({
        "AutoScalingGroupName": name,
        "AutoScalingGroupARN": format!(
            "arn:aws:autoscaling:{}:{}:autoScalingGroup:{}:autoScalingGroupName/{name}",
            access.region(), access.account(), uuid::Uuid::new_v4()
        ),
        "AvailabilityZones": zones,
        "VPCZoneIdentifier": subnets.join(","),
        "CreatedTime": access.timestamp(),
        "DefaultCooldown": 300,
        "HealthCheckType": "EC2",
        "HealthCheckGracePeriod": 15,
        "NewInstancesProtectedFromScaleIn": false,
        "LoadBalancerNames": [],
        "TargetGroupARNs": [],
        "TrafficSources": [],
        "TerminationPolicies": ["AllocationStrategy", "OldestLaunchTemplate", "OldestInstance"],
        "ServiceLinkedRoleARN": format!(
            "arn:aws:iam::{}:role/aws-service-role/autoscaling.amazonaws.com/\
             AWSServiceRoleForAutoScaling",
            access.account()
        ),
        "Tags": tags,
        "Instances": [],
        "_launchTemplate": group["launchTemplate"],
    });
    access.docs(Service::Autoscaling).put(TABLE, name, document);
    resize(access, name, &group["scalingConfig"]);
}

/// Sizes as a node group writes them.
pub(crate) fn resize(access: &mut Access<'_>, name: &str, scaling: &Value) {
    let Some(group) = access.docs(Service::Autoscaling).edit(TABLE, name) else { return };
    group["MinSize"] = scaling["minSize"].clone();
    group["MaxSize"] = scaling["maxSize"].clone();
    group["DesiredCapacity"] = scaling["desiredSize"].clone();
    let wanted = usize::try_from(scaling["desiredSize"].as_u64().unwrap_or(0)).unwrap_or(0);
    let mut instances = group["Instances"].as_array().cloned().unwrap_or_default();
    instances.truncate(wanted);
    let zones = group["AvailabilityZones"].as_array().cloned().unwrap_or_default();
    while instances.len() < wanted {
        let zone = zones.get(instances.len() % zones.len().max(1)).cloned();
        instances.push(json!({
            "InstanceId": format!("i-{}", hex(17)), "AvailabilityZone": zone,
            "LifecycleState": "InService", "HealthStatus": "Healthy",
            "ProtectedFromScaleIn": false, "InstanceType": "t3.medium",
        }));
    }
    group["Instances"] = json!(instances);
}

fn describe(access: &mut Access<'_>) -> Outcome {
    let names = texts(access.input(), "AutoScalingGroupNames");
    let filters: Vec<(String, Vec<String>)> = list(access.input(), "Filters")
        .into_iter()
        .filter_map(|it| Some((text(it, "Name")?.to_owned(), texts(it, "Values"))))
        .collect();
    let groups: Vec<Value> = access
        .docs(Service::Autoscaling)
        .all(TABLE)
        .filter(|(name, _)| names.is_empty() || names.iter().any(|it| it == name))
        .filter(|(_, group)| {
            let tags = group["Tags"].as_array().map(Vec::as_slice).unwrap_or_default();
            filters.iter().all(|(name, values)| {
                tags.iter().any(|tag| {
                    let has = |field: &str| values.iter().any(|it| tag[field] == it.as_str());
                    match (name.as_str(), name.strip_prefix("tag:")) {
                        (_, Some(key)) => tag["Key"] == key && has("Value"),
                        ("tag-key", _) => has("Key"),
                        _ => has("Value"),
                    }
                })
            })
        })
        .map(|(_, group)| group.clone())
        .collect();
    Ok(json!({"AutoScalingGroups": groups}))
}

fn named(access: &mut Access<'_>) -> Result<String, Failure> {
    let name = text(access.input(), "AutoScalingGroupName").unwrap_or_default().to_owned();
    if access.docs(Service::Autoscaling).has(TABLE, &name) {
        return Ok(name);
    }
    Err(fail("ValidationError", format!("AutoScalingGroup name not found - {name}")))
}

/// Attaching registers the instances, and is done at once: target groups are asked by health.
fn attach(access: &mut Access<'_>, arns: &[String], on: bool) -> Outcome {
    let name = named(access)?;
    let look = on && neighbour::is_here(access, Service::Elbv2);
    for arn in arns {
        let misshapen = on && !arn.contains(":targetgroup/");
        let unknown = look && !access.docs(Service::Elbv2).has("target-group", arn);
        if misshapen || unknown {
            return Err(fail(
                "ValidationError",
                format!("Provided Target Groups may not be valid: {arn}"),
            ));
        }
    }
    if let Some(group) = access.docs(Service::Autoscaling).edit(TABLE, &name) {
        let mut now: Vec<Value> = group["TargetGroupARNs"].as_array().cloned().unwrap_or_default();
        now.retain(|it| !arns.iter().any(|arn| it == arn.as_str()));
        if on {
            now.extend(arns.iter().map(|arn| json!(arn)));
        }
        group["TrafficSources"] =
            now.iter().map(|arn| json!({"Identifier": arn, "Type": "elbv2"})).collect();
        group["TargetGroupARNs"] = json!(now);
    }
    Ok(json!({}))
}

fn attached(access: &mut Access<'_>, set: &str, field: &str) -> Outcome {
    let name = named(access)?;
    let docs = access.docs(Service::Autoscaling);
    let arns = docs.get(TABLE, &name).map(|group| group["TargetGroupARNs"].clone());
    let rows: Vec<Value> = arns
        .as_ref()
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|arn| json!({field: arn, "State": "InService", "Type": "elbv2"}))
        .collect();
    Ok(json!({set: rows}))
}

fn tags(access: &mut Access<'_>) -> Outcome {
    let all: Vec<Value> = access
        .docs(Service::Autoscaling)
        .values(TABLE)
        .flat_map(|group| group["Tags"].as_array().cloned().unwrap_or_default())
        .collect();
    Ok(json!({"Tags": all}))
}

fn tag(access: &mut Access<'_>, on: bool) -> Outcome {
    for tag in list(access.input(), "Tags") {
        let name = text(tag, "ResourceId").unwrap_or_default();
        let Some(group) = access.docs(Service::Autoscaling).edit(TABLE, name) else {
            return Err(fail(
                "ValidationError",
                format!("AutoScalingGroup name not found - {name}"),
            ));
        };
        if let Some(tags) = group["Tags"].as_array_mut() {
            tags.retain(|old| old["Key"] != tag["Key"]);
            if on {
                tags.push(tag.clone());
            }
        }
    }
    Ok(json!({}))
}

fn update(access: &mut Access<'_>) -> Outcome {
    let name = named(access)?;
    let input = access.input();
    let old = access.docs(Service::Autoscaling).get(TABLE, &name).cloned().unwrap_or_default();
    let size = |field: &str| {
        let asked = text(input, field).and_then(|it| it.parse::<i64>().ok());
        asked.map_or_else(|| old[field].clone(), |it| json!(it))
    };
    let scaling = json!({
        "minSize": size("MinSize"), "maxSize": size("MaxSize"),
        "desiredSize": size("DesiredCapacity"),
    });
    resize(access, &name, &scaling);
    Ok(json!({}))
}
