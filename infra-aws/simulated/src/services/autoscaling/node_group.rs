//! The groups that EKS makes for node groups. Their instances are shown here only: EKS says nothing of them.

use serde_json::{Value, json};

use super::dispatch::TABLE;
use crate::services::access::hex;
use crate::services::{Access, Service};

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
