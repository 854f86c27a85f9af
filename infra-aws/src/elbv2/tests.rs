//! The verbs of `elbv2` over the embedded AWS.

use std::sync::Arc;

use serde_json::json;

use super::{Listener, LoadBalancer, TargetAttachment, TargetGroup};
use crate::{
    Aws,
    exercise::{bring, delete, make, network, operation, read, want},
};
use infra_core::provider::{Cx, Managed as _};

#[tokio::test]
async fn a_network_load_balancer_with_all_that_hangs_on_it() {
    let aws = Aws::test().await;
    let net = network(&aws).await;
    let lb: LoadBalancer = want(json!({
        "name": "front", "subnets": net.subnets, "security_groups": [net.group], "cross_zone": true,
        "tags": {"a": "1"}
    }));
    let lb_made = make(&aws, &lb).await;
    let lb_outputs = lb_made.outputs.clone().unwrap();
    assert!(lb_outputs.full_name.starts_with("net/front/"), "{}", lb_outputs.full_name);
    let changed: LoadBalancer = want(json!({
        "name": "front", "subnets": net.subnets, "security_groups": [net.group], "cross_zone": false,
        "deletion_protection": true, "attributes": {"access_logs.s3.enabled": "false"}, "tags": {"b": "2"}
    }));
    let protected = bring(&aws, &lb_made.id, &changed).await;
    let refused = LoadBalancer::delete(
        &Cx::new(Arc::clone(&aws)),
        &protected,
        &changed,
        &operation::<LoadBalancer>(),
    )
    .await;
    assert!(refused.unwrap_err().to_string().contains("deletion_protection(false)"));

    let check = json!({
        "protocol": "HTTP", "port": "7000", "path": "/ping", "matcher": "200-299", "interval": 10, "timeout": 6,
        "healthy": 2, "unhealthy": 2
    });
    let group: TargetGroup = want(json!({
        "protocol": "TCP", "port": 30080, "vpc": net.vpc, "name": "targets", "health_check": check,
        "deregistration_delay": 30, "preserve_client_ip": false, "target_type": "ip"
    }));
    let group_made = make(&aws, &group).await;
    let mut other = group.clone();
    other.health_check.as_mut().unwrap().path = Some("/health".to_owned());
    other.deregistration_delay = Some(10);
    other.tags = [("a".to_owned(), "1".to_owned())].into();
    let group_made = bring(&aws, &group_made.id, &other).await;

    let listener: Listener = want(json!({
        "load_balancer": lb_made.id, "protocol": "TCP", "port": 443, "action": {"forward": group_made.id}
    }));
    let listener_made = make(&aws, &listener).await;
    let moved =
        Listener { port: 8443, tags: [("a".to_owned(), "1".to_owned())].into(), ..listener };
    let listener_made = bring(&aws, &listener_made.id, &moved).await;
    // What a listener forwards to stays.
    let cx = Cx::new(Arc::clone(&aws));
    let refused = TargetGroup::delete(&cx, &group_made, &other, &operation::<TargetGroup>()).await;
    assert!(refused.unwrap_err().class().is_retryable());

    let target: TargetAttachment =
        want(json!({"target_group": group_made.id, "target": "10.0.0.7", "port": 7000}));
    let target_made = make(&aws, &target).await;
    let default: TargetAttachment =
        want(json!({"target_group": group_made.id, "target": "10.0.0.8"}));
    let default_made = make(&aws, &default).await;
    assert_eq!(default_made.live.port, Some(30080));
    delete(&aws, &target_made, &target).await;
    delete(&aws, &default_made, &default).await;

    delete(&aws, &listener_made, &moved).await;
    delete(&aws, &group_made, &other).await;
    let open = bring(&aws, &lb_made.id, &lb).await;
    delete(&aws, &open, &lb).await;
    assert!(read(&aws, &listener_made.id, &moved).await.is_none());
}

#[tokio::test]
async fn an_application_load_balancer() {
    let aws = Aws::test().await;
    let net = network(&aws).await;
    let lb: LoadBalancer = want(json!({
        "name": "web", "kind": "application", "subnets": net.subnets, "security_groups": [net.group],
        "attributes": {"idle_timeout.timeout_seconds": "30"}
    }));
    let lb_made = make(&aws, &lb).await;
    let mut groups = Vec::new();
    for name in ["blue", "green"] {
        let group: TargetGroup =
            want(json!({"protocol": "HTTP", "port": 80, "vpc": net.vpc, "name": name}));
        groups.push(make(&aws, &group).await.id);
    }
    let listener = |action: serde_json::Value| -> Listener {
        want(json!({"load_balancer": lb_made.id, "protocol": "HTTP", "port": 80, "action": action}))
    };
    let made = make(&aws, &listener(json!({"forward": groups[0]}))).await;
    let weighted = |group: &String, weight: i32| json!({"target_group": group, "weight": weight});
    for action in [
        json!({"weighted": [weighted(&groups[0], 9), weighted(&groups[1], 1)]}),
        json!({"redirect": {"protocol": "HTTPS", "port": "443"}}),
        json!({"fixed_response": {"status": "503", "body": "later"}}),
    ] {
        bring(&aws, &made.id, &listener(action)).await;
    }
}
