//! The verbs of `cloudwatch` over the embedded AWS.

use std::sync::Arc;

use infra_core::provider::{Class, Cx, Managed as _};
use serde_json::json;

use super::Alarm;
use crate::{
    Aws,
    exercise::{bring, delete, make, operation, want},
};

#[tokio::test]
async fn alarms() {
    let aws = Aws::test().await;
    let alarm: Alarm = want(json!({
        "name": "storage", "description": "full soon", "comparison": "LessThanThreshold", "threshold": 1e9,
        "metric": {
            "namespace": "AWS/RDS", "name": "FreeStorageSpace", "dimensions": {"DBInstanceIdentifier": "db"},
            "statistic": "minimum", "period": 300
        },
        "alarm_actions": ["arn:aws:sns:eu-west-1:123456789012:t"], "tags": {"a": "1"}
    }));
    let made = make(&aws, &alarm).await;
    let changed: Alarm = want(json!({
        "name": "storage", "comparison": "GreaterThanOrEqualToThreshold", "threshold": 0.5,
        "metric": {
            "namespace": "AWS/NetworkELB", "name": "UnHealthyHostCount",
            "dimensions": {"LoadBalancer": "net/a/1", "TargetGroup": "targetgroup/a/1"},
            "statistic": {"extended": "p99"}
        },
        "evaluation_periods": 3, "datapoints_to_alarm": 2, "missing_data": "breaching",
        "ok_actions": ["arn:aws:sns:eu-west-1:123456789012:t"], "actions_enabled": false, "tags": {"b": "2"}
    }));
    let changed_made = bring(&aws, &made.id, &changed).await;
    let foreign = Alarm::create(&Cx::new(Arc::clone(&aws)), &alarm, &operation::<Alarm>()).await;
    assert_eq!(foreign.unwrap_err().class(), Class::Exists);
    delete(&aws, &changed_made, &changed).await;
}

/// What tells that nodes of a managed node group fail: EC2's own checks of the instances in the group behind it, and,
/// with the add-on `amazon-cloudwatch-observability`, what Container Insights sees of the cluster.
#[tokio::test]
async fn alarms_on_nodes() {
    let aws = Aws::test().await;
    let metrics = [
        json!({
            "namespace": "AWS/EC2", "name": "StatusCheckFailed", "statistic": "maximum",
            "dimensions": {"AutoScalingGroupName": "eks-nodes-1234"}
        }),
        json!({
            "namespace": "ContainerInsights", "name": "cluster_failed_node_count",
            "statistic": "maximum", "dimensions": {"ClusterName": "shop"}
        }),
        json!({
            "namespace": "ContainerInsights", "name": "node_cpu_utilization", "period": 300,
            "dimensions": {"ClusterName": "shop"}
        }),
    ];
    for (at, metric) in metrics.into_iter().enumerate() {
        let alarm: Alarm = want(json!({
            "name": format!("nodes-{at}"), "comparison": "GreaterThanThreshold", "threshold": 0.0,
            "metric": metric, "evaluation_periods": 2, "missing_data": "notBreaching"
        }));
        let made = make(&aws, &alarm).await;
        assert_eq!(made.live.metric, alarm.metric);
        delete(&aws, &made, &alarm).await;
    }
}
