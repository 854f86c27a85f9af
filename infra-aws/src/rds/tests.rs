//! The verbs of `rds` over the embedded AWS.

use std::sync::Arc;

use serde_json::json;

use super::{Instance, ParameterGroup, SubnetGroup};
use crate::{
    Aws,
    exercise::{bring, delete, differing, make, network, operation, want},
};
use infra_core::provider::{Change, Class, Cx, Managed as _, Readiness};

#[tokio::test]
async fn subnet_groups() {
    let aws = Aws::test().await;
    let net = network(&aws).await;
    let group: SubnetGroup =
        want(json!({"name": "Data", "subnets": net.subnets, "tags": {"a": "1"}}));
    let group = SubnetGroup { name: Some("data".to_owned()), ..group };
    let made = make(&aws, &group).await;
    assert_eq!(
        (made.id.as_str(), made.outputs.as_ref().unwrap().vpc_id.as_str()),
        ("data", net.vpc.as_str())
    );
    let changed: SubnetGroup = want(json!({
        "name": "data", "subnets": [net.subnets[1], net.subnets[0]], "description": "d", "tags": {"b": "2"}
    }));
    let made = bring(&aws, "data", &changed).await;
    delete(&aws, &made, &changed).await;
}

#[tokio::test]
async fn parameter_groups_change_in_batches_and_reset() {
    let aws = Aws::test().await;
    let names = [
        "log_min_duration_statement",
        "log_connections",
        "log_disconnections",
        "max_connections",
        "shared_buffers",
        "work_mem",
        "rds.force_ssl",
    ];
    let parameters: std::collections::BTreeMap<_, _> =
        names.iter().map(|name| (*name, "1")).collect();
    let group: ParameterGroup = want(
        json!({"name": "pg", "family": "postgres17", "parameters": parameters, "tags": {"a": "1"}}),
    );
    let made = make(&aws, &group).await;
    assert_eq!(made.live.parameters.len(), names.len());
    let fewer: ParameterGroup =
        want(json!({"name": "pg", "family": "postgres17", "parameters": {"rds.force_ssl": "0"}}));
    let made = bring(&aws, "pg", &fewer).await;
    delete(&aws, &made, &fewer).await;
}

fn database(net: &crate::exercise::Network) -> serde_json::Value {
    json!({
        "engine": {"postgres": "17"}, "class": "db.t4g.micro", "storage": 100, "identifier": "ledger",
        "database": "ledger", "password": "correct-horse", "subnet_group": "data",
        "security_groups": [net.group], "skip_final_snapshot": true, "tags": {"a": "1"}
    })
}

#[tokio::test]
async fn databases() {
    let aws = Aws::test().await;
    let net = network(&aws).await;
    make(&aws, &want::<SubnetGroup>(json!({"name": "data", "subnets": net.subnets}))).await;
    make(&aws, &want::<ParameterGroup>(json!({"name": "pg", "family": "postgres17"}))).await;
    let db: Instance = want(database(&net));
    let made = make(&aws, &db).await;
    let outputs = made.outputs.clone().unwrap();
    assert_eq!(outputs.endpoint, format!("{}:5432", outputs.address));
    assert!(made.live.encrypted && outputs.master_secret_arn.is_none());

    for changes in [
        json!({"class": "db.m7g.large", "multi_az": true, "storage": 200, "max_storage": 1000}),
        json!({"storage_type": "io1", "iops": 3000, "storage": 200, "backup_retention": 14}),
        json!({"parameter_group": "pg", "port": 5433, "storage": 200}),
        json!({
            "log_exports": ["postgresql", "upgrade"], "performance_insights": true, "storage": 200,
            "maintenance_window": "Sun:04:00-Sun:05:00", "backup_window": "02:00-03:00"
        }),
        json!({
            "log_exports": ["upgrade"], "copy_tags_to_snapshot": false, "auto_minor_version_upgrade": false,
            "iam_authentication": true, "storage": 200, "tags": {"b": "2"}
        }),
        json!({"engine": {"postgres": "18"}, "storage": 200}),
    ] {
        let mut json = database(&net);
        json.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        bring(&aws, "ledger", &want::<Instance>(json)).await;
    }
    let mut json = database(&net);
    let managed = json!({"manage_master_password": true, "deletion_protection": true, "storage": 200,
        "engine": {"postgres": "18"}});
    json.as_object_mut().unwrap().extend(managed.as_object().unwrap().clone());
    json.as_object_mut().unwrap().remove("password");
    let managed: Instance = want(json);
    let protected = bring(&aws, "ledger", &managed).await;
    assert!(protected.outputs.as_ref().unwrap().master_secret_arn.is_some());
    let refused = Instance::delete(
        &Cx::new(Arc::clone(&aws)),
        &protected,
        &managed,
        &operation::<Instance>(),
    )
    .await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.class(), Class::Invalid);
    assert!(refused.to_string().contains("deletion_protection(false)"), "{refused}");
    let open = Instance { deletion_protection: false, ..managed };
    let open_made = bring(&aws, "ledger", &open).await;
    // With a final snapshot this time.
    delete(&aws, &open_made, &Instance { skip_final_snapshot: false, ..open }).await;
    let snapshots = aws.rds().describe_db_snapshots().send().await.unwrap();
    let snapshot = snapshots.db_snapshots()[0].db_snapshot_identifier().unwrap();
    assert!(snapshot.starts_with("ledger-final-"), "{snapshot}");
}

#[tokio::test]
async fn what_waits_for_the_window_is_no_drift() {
    let aws = Aws::test().await;
    let net = network(&aws).await;
    make(&aws, &want::<SubnetGroup>(json!({"name": "data", "subnets": net.subnets}))).await;
    let db: Instance = want(database(&net));
    make(&aws, &db).await;
    let later = Instance { class: "db.m7g.large".to_owned(), apply_immediately: false, ..db };
    let found = bring(&aws, "ledger", &later).await;
    assert_eq!(found.readiness, Readiness::Ready);
    let raw = aws.rds().describe_db_instances().send().await.unwrap();
    assert_eq!(raw.db_instances()[0].db_instance_class(), Some("db.t4g.micro"));
    // The next change that is made at once takes it along.
    let now = Instance { apply_immediately: true, multi_az: true, ..later };
    let have = crate::exercise::read(&aws, "ledger", &now).await.unwrap();
    let paths = differing(&now, &have.live);
    let change =
        Change { have: Some(&have), recorded: Some(&now), want: Some(&now), paths: &paths };
    Instance::update(&Cx::new(Arc::clone(&aws)), &change, &operation::<Instance>()).await.unwrap();
    bring(&aws, "ledger", &now).await;
    let raw = aws.rds().describe_db_instances().send().await.unwrap();
    assert_eq!(raw.db_instances()[0].db_instance_class(), Some("db.m7g.large"));
}
