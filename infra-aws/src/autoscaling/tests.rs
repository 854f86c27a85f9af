//! The verbs of `autoscaling` over the embedded AWS.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use infra_core::provider::{Class, Cx, Find, Managed, Readiness};
use serde_json::{Value, json};

use super::{Group, LaunchConfiguration, TargetGroupAttachment};
use crate::{
    Aws,
    ec2::LaunchTemplate,
    eks::{Cluster, NodeGroup},
    elbv2::TargetGroup,
    embedded::{Cloud, Settings},
    exercise::{Network, bring, delete, make, network, operation, read, role, want},
};

async fn configuration(aws: &Arc<Aws>, net: &Network, name: &str) -> LaunchConfiguration {
    if aws.iam().get_instance_profile().instance_profile_name("nodes").send().await.is_err() {
        role(aws, "nodes", "ec2.amazonaws.com").await;
        let iam = aws.iam();
        iam.create_instance_profile().instance_profile_name("nodes").send().await.unwrap();
        let put = iam.add_role_to_instance_profile().instance_profile_name("nodes");
        put.role_name("nodes").send().await.unwrap();
    }
    want(json!({
        "name": name, "image_id": "ami-0a0b0c0d", "instance_type": "t2.small", "security_groups": [net.group],
        "instance_profile": "nodes", "user_data": "#!/bin/sh\necho hello\n", "public_ip": false,
        "block_devices": [{
            "device_name": "/dev/xvda", "size": 100, "volume_type": "gp2", "encrypted": false,
            "delete_on_termination": true,
        }],
    }))
}

fn group(net: &Network, more: Value) -> Group {
    let mut group = json!({"name": "workers", "min": 1, "max": 3, "subnets": net.subnets});
    let Value::Object(more) = more else { panic!("fields") };
    for (field, value) in more {
        group[field] = value;
    }
    want(group)
}

async fn instances(aws: &Aws) -> Vec<aws_sdk_ec2::types::Instance> {
    let found = aws.ec2().describe_instances().into_paginator().items().send();
    let found = found.collect::<Result<Vec<_>, _>>().await.unwrap();
    let alive = ["pending", "running"];
    let all = found.into_iter().flat_map(|it| it.instances.unwrap_or_default());
    all.filter(|it| alive.contains(&it.state().unwrap().name().unwrap().as_str())).collect()
}

async fn all<R: Managed<Cloud = Aws>>(cx: &Cx<Aws>, ids: &[String]) -> Vec<String> {
    let find: Vec<_> = ids.iter().map(|id| Find::Id { id, recorded: None }).collect();
    R::read(cx, &find).await.into_iter().map(|it| it.unwrap().unwrap().id).collect()
}

#[tokio::test]
async fn a_group_launches_what_its_configuration_says() {
    let aws = Aws::test().await;
    let net = network(&aws).await;
    let old = configuration(&aws, &net, "old").await;
    let old_made = make(&aws, &old).await;
    let workers = group(
        &net,
        json!({
            "launch_configuration": "old", "desired": 2, "suspended_processes": ["AZRebalance"],
            "metrics": ["GroupInServiceInstances"], "tags": {"Name": "worker", "team": "core"},
            "propagate_at_launch": ["Name"],
        }),
    );
    let made = make(&aws, &workers).await;
    let found = instances(&aws).await;
    assert_eq!(found.len(), 2);
    let keys = |it: &aws_sdk_ec2::types::Instance| {
        let mut keys: Vec<_> = it.tags().iter().map(|it| it.key().unwrap().to_owned()).collect();
        keys.sort();
        keys
    };
    assert_eq!(keys(&found[0]), ["Name", "aws:autoscaling:groupName"]);
    assert_ne!(found[0].subnet_id(), found[1].subnet_id(), "they are spread over the subnets");

    // Nobody takes away what it stands on.
    let cx = Cx::new(Arc::clone(&aws));
    let refused =
        LaunchConfiguration::delete(&cx, &old_made, &old, &operation::<LaunchConfiguration>())
            .await;
    assert_eq!(refused.unwrap_err().class(), Class::Dependency);
    let new = configuration(&aws, &net, "new").await;
    make(&aws, &new).await;
    let changed = group(
        &net,
        json!({
            "launch_configuration": "new", "max": 4, "desired": 1, "subnets": [net.subnets[0]], "cooldown": 60,
            "health_check_type": "ELB", "termination_policies": ["OldestInstance"], "warmup": 30,
            "protect_from_scale_in": true, "capacity_rebalance": true, "max_instance_lifetime": 86400,
            "suspended_processes": ["ReplaceUnhealthy"], "tags": {"Name": "worker", "stage": "dev"},
            "propagate_at_launch": ["stage"],
        }),
    );
    bring(&aws, &made.id, &changed).await;
    assert_eq!(instances(&aws).await.len(), 1);
    // What is not said any more is gone; what an autoscaler asks for now is nobody's drift.
    let plain = group(&net, json!({"launch_configuration": "new"}));
    let made = bring(&aws, &made.id, &plain).await;
    delete(&aws, &old_made, &old).await;
    let scale = aws.autoscaling().set_desired_capacity().auto_scaling_group_name("workers");
    scale.desired_capacity(3).send().await.unwrap();
    let scaled = bring(&aws, &made.id, &plain).await;
    assert_eq!((scaled.live.desired, instances(&aws).await.len()), (Some(3), 3));
    delete(&aws, &made, &plain).await;
    assert_eq!(instances(&aws).await.len(), 0);
}

#[tokio::test]
async fn a_group_moves_from_a_template_to_mixed_instances() {
    let aws = Aws::test().await;
    let net = network(&aws).await;
    let template: LaunchTemplate = want(json!({
        "name": "t", "image_id": "ami-0a0b0c0d", "instance_type": "t3.small", "security_group_ids": [net.group]
    }));
    let template = make(&aws, &template).await.id;
    let latest = json!({"id": template, "version": "latest"});
    let workers = group(&net, json!({"launch_template": latest, "desired": 1}));
    let made = make(&aws, &workers).await;
    assert_eq!(instances(&aws).await[0].instance_type().unwrap().as_str(), "t3.small");
    let mixed = json!({
        "template": {"id": template, "version": {"number": 1}},
        "overrides": [{"instance_type": "m7g.large", "weight": 2}, {"instance_type": "m6g.large"}],
        "on_demand_base": 1, "spot_strategy": "price-capacity-optimized",
    });
    let mixed = group(&net, json!({"mixed": mixed, "desired": 2}));
    let made = bring(&aws, &made.id, &mixed).await;
    let kinds: Vec<_> = instances(&aws).await;
    assert!(kinds.iter().any(|it| it.instance_type().unwrap().as_str() == "m7g.large"));
    delete(&aws, &made, &mixed).await;
}

#[tokio::test]
async fn what_cannot_be_launched_says_why() {
    let aws = Aws::test().await;
    let net = network(&aws).await;
    let mut configuration = configuration(&aws, &net, "c").await;
    configuration.instance_profile = Some("somebodys".to_owned());
    make(&aws, &configuration).await;
    let workers = group(&net, json!({"launch_configuration": "c", "desired": 2}));
    let cx = Cx::new(Arc::clone(&aws));
    let id = Group::create(&cx, &workers, &operation::<Group>()).await.unwrap();
    let Readiness::Pending(why) = read(&aws, &id, &workers).await.unwrap().readiness else {
        panic!("nothing can be launched")
    };
    assert!(why.starts_with("0 of 2 instances are in service: "), "{why}");
    assert!(why.contains("Invalid IAM Instance Profile name"), "{why}");
    let patient =
        group(&net, json!({"launch_configuration": "c", "desired": 2, "wait_for_capacity": false}));
    assert_eq!(read(&aws, &id, &patient).await.unwrap().readiness, Readiness::Ready);
}

#[tokio::test]
async fn an_account_that_may_make_no_configuration_is_told_what_to_use() {
    let cloud = Cloud::memory(Settings::default());
    let aws = Aws::test_in(&cloud, &infra_core::provider::Gate::default()).await;
    let net = network(&aws).await;
    let configuration = configuration(&aws, &net, "c").await;
    let said = "The Launch Configuration creation operation is not available in your account. Use launch templates \
                to create configuration templates for your Auto Scaling groups.";
    cloud.faults().refuse("CreateLaunchConfiguration", "UnsupportedOperation", 400, said);
    let cx = Cx::new(Arc::clone(&aws));
    let op = operation::<LaunchConfiguration>();
    let error = LaunchConfiguration::create(&cx, &configuration, &op).await.unwrap_err();
    assert_eq!(error.class(), Class::Invalid);
    assert!(error.to_string().contains("declare an ec2::LaunchTemplate"), "{error}");
}

#[tokio::test]
async fn many_are_read_in_few_calls() {
    let cloud = Cloud::memory(Settings::default());
    let aws = Aws::test_in(&cloud, &infra_core::provider::Gate::default()).await;
    let net = network(&aws).await;
    let cx = Cx::new(Arc::clone(&aws));
    let mut ids = Vec::new();
    for at in 0..101 {
        let mut made = configuration(&aws, &net, &format!("c-{at}")).await;
        made.instance_profile = None;
        LaunchConfiguration::create(&cx, &made, &operation::<Group>()).await.unwrap();
        let workers = json!({"name": format!("c-{at}"), "min": 0, "launch_configuration": "c-0"});
        Group::create(&cx, &group(&net, workers), &operation::<Group>()).await.unwrap();
        ids.push(format!("c-{at}"));
    }
    cloud.clear_calls();
    assert_eq!(all::<Group>(&cx, &ids).await, ids);
    assert_eq!(all::<LaunchConfiguration>(&cx, &ids).await, ids);
    let calls = cloud.calls();
    let count = |name: &str| calls.iter().filter(|call| call.operation == name).count();
    assert_eq!(count("DescribeAutoScalingGroups"), 2);
    assert_eq!(count("DescribeLaunchConfigurations"), 3);
    assert_eq!(calls.len(), 5);
    // By the page, too.
    assert_eq!(crate::exercise::owned::<Group>(&aws).await.unwrap().len(), 101);
}

#[tokio::test]
async fn nodes_get_behind_a_load_balancer() {
    let aws = Aws::test().await;
    let net = network(&aws).await;
    let cluster_role = role(&aws, "cluster", "eks.amazonaws.com").await;
    let node_role = role(&aws, "node", "ec2.amazonaws.com").await;
    let cluster: Cluster = want(
        json!({"name": "prod", "role": cluster_role, "version": "1.35", "subnets": net.subnets}),
    );
    make(&aws, &cluster).await;
    let nodes: NodeGroup = want(json!({
        "cluster": "prod", "node_role": node_role, "scaling": {"min": 1, "max": 3, "desired": 2}, "name": "a",
        "subnets": net.subnets
    }));
    let nodes = make(&aws, &nodes).await.outputs.unwrap();
    let group: TargetGroup =
        want(json!({"protocol": "TCP", "port": 30080, "vpc": net.vpc, "name": "nodes"}));
    let group = make(&aws, &group).await.id;
    let attachment: TargetGroupAttachment =
        want(json!({"auto_scaling_group": nodes.auto_scaling_groups[0], "target_group": group}));
    let made = make(&aws, &attachment).await;
    let targets =
        aws.elbv2().describe_target_health().target_group_arn(&group).send().await.unwrap();
    assert_eq!(targets.target_health_descriptions().len(), 2);
    delete(&aws, &made, &attachment).await;
}
