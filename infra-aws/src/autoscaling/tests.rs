//! The verbs of `autoscaling` over the embedded AWS.

use serde_json::json;

use super::TargetGroupAttachment;
use crate::{
    Aws,
    eks::{Cluster, NodeGroup},
    elbv2::TargetGroup,
    exercise::{delete, make, network, role, want},
};

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
