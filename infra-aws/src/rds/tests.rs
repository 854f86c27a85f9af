//! The verbs of `rds` over the embedded AWS.

use std::sync::Arc;

use serde_json::json;

use super::{AutomatedBackupReplication, Instance, ParameterGroup, SubnetGroup};
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

#[tokio::test]
async fn backups_are_copied_to_another_region() {
    let here = Aws::test().await;
    let there = Arc::new(here.in_region("eu-central-1"));
    let net = network(&here).await;
    make(&here, &want::<SubnetGroup>(json!({"name": "data", "subnets": net.subnets}))).await;
    let db: Instance = want(database(&net));
    let made_db = make(&here, &db).await;
    let source = made_db.outputs.as_ref().unwrap().arn.clone();
    let key = there.kms().create_key().send().await.unwrap().key_metadata.unwrap().arn.unwrap();

    let copies: AutomatedBackupReplication = want(
        json!({"source": source.as_str(), "kms_key": key, "retention": 14, "tags": {"a": "1"}}),
    );
    let made = make(&there, &copies).await;
    let arn = made.outputs.as_ref().unwrap().arn.clone();
    assert_eq!((arn.region(), made.live.retention), ("eu-central-1", 14));
    assert!(arn.resource().starts_with("auto-backup:ab-"), "{arn}");
    let tagged = AutomatedBackupReplication {
        tags: [("b".to_owned(), "2".to_owned())].into(),
        ..copies.clone()
    };
    bring(&there, &made.id, &tagged).await;

    let (cx, op) = (Cx::new(Arc::clone(&there)), operation::<AutomatedBackupReplication>());
    let twice = AutomatedBackupReplication::create(&cx, &copies, &op).await.unwrap_err();
    assert_eq!(twice.class(), Class::Exists, "{twice}");
    let beside = Cx::new(Arc::clone(&here));
    let beside = AutomatedBackupReplication::create(&beside, &copies, &op).await.unwrap_err();
    assert!(beside.to_string().contains("a provider of another region"), "{beside}");

    // What was copied is kept, and while it is, only its own key will do.
    delete(&there, &made, &tagged).await;
    let describe = there.rds().describe_db_instance_automated_backups();
    let kept = describe.send().await.unwrap().db_instance_automated_backups.unwrap();
    assert_eq!(kept[0].status(), Some("retained"));
    let other = there.kms().create_key().send().await.unwrap().key_metadata.unwrap().arn.unwrap();
    let other = AutomatedBackupReplication {
        kms_key: Some(crate::types::Arn::trusted(other)),
        ..copies.clone()
    };
    let refused = AutomatedBackupReplication::create(&cx, &other, &op).await.unwrap_err();
    assert_eq!(refused.class(), Class::Invalid, "{refused}");
    let again = make(&there, &AutomatedBackupReplication { retention: 7, ..copies }).await;
    assert_eq!((again.id.as_str(), again.live.retention), (made.id.as_str(), 7));

    // The database goes, and with it what is copied; that is kept too.
    delete(&here, &made_db, &db).await;
    assert!(crate::exercise::read(&there, &again.id, &again.live).await.is_none());
}

/// What another region needs to go on: the key, and the backups that are encrypted with it.
#[tokio::test]
async fn a_program_that_can_be_recovered_elsewhere() {
    use infra_core::{
        App,
        command::{self, Confirmed, UpOptions},
        prelude::*,
        testing::TestStack,
    };

    use super::{Engine, gib};
    use crate::{ec2, kms};

    let program = |retention: i32| {
        move |stack: &mut Stack| {
            let there = stack.provider("there", Aws::region("eu-central-1"));
            let key = stack.add("key", kms::Key::new().multi_region(true));
            let zones = stack.lookup("zones", ec2::AvailabilityZones::new());
            let vpc = stack.add("vpc", ec2::Vpc::new(crate::cidr!("10.0.0.0/16")));
            let blocks = [crate::cidr!("10.0.0.0/24"), crate::cidr!("10.0.1.0/24")];
            let subnets = blocks.iter().enumerate().map(|(at, block)| {
                let subnet = ec2::Subnet::new(&vpc.id, *block, zones.names.index(at));
                stack.add(format!("subnet-{at}"), subnet).id.clone()
            });
            let subnets: Vec<_> = subnets.collect();
            let group = stack.add("group", SubnetGroup::new().subnets(subnets));
            let db = Instance::new(Engine::postgres("17"), "db.t4g.micro", gib(20));
            let db = db.subnet_group(&group.name).manage_master_password(true).kms_key(&key.arn);
            let db = stack.add("db", db.skip_final_snapshot(true));
            let replica = kms::ReplicaKey::new(&key.arn).provider(&there);
            let replica = stack.add("replica", replica);
            let copies = AutomatedBackupReplication::new(&db.arn).kms_key(&replica.arn);
            let copies = stack.add("copies", copies.retention(retention).provider(&there));
            stack.export("copies", &copies.arn);
            Ok(())
        }
    };
    let cloud = crate::embedded::Cloud::memory(crate::embedded::Settings::default());
    let app = App::new("shop").cloud("simulated", crate::simulated_in(cloud.clone()));
    let stack = TestStack::of(app).setting("region", "eu-west-1");
    let made = stack.up(program(7)).await.unwrap();
    assert!(made.exports["copies"].as_str().unwrap().starts_with("arn:aws:rds:eu-central-1:"));
    assert!(stack.plan(program(7)).await.unwrap().is_empty());
    let asked = cloud.calls().into_iter().find(|call| call.operation == "ReplicateKey").unwrap();
    assert_eq!(asked.region, "eu-west-1");

    // Both can be there once only: the old one goes first, and the key is the same again.
    let mut options = UpOptions::default();
    for urn in ["aws:kms:ReplicaKey::replica", "aws:rds:AutomatedBackupReplication::copies"] {
        options.plan.replaces.insert(urn.parse().unwrap());
        options.plan.allow_data_loss.insert(urn.parse().unwrap());
    }
    let engine = stack.engine(program(14)).await.unwrap();
    let summary = command::up(&engine, &options, &Confirmed).await.unwrap();
    assert!(summary.failed.is_empty(), "{:?}", summary.failed);
    assert!(stack.plan(program(14)).await.unwrap().is_empty());

    stack.destroy().await.unwrap();
    let aws = Aws::test_in(&cloud, &infra_core::provider::Gate::default()).await;
    let keys = aws.kms().list_keys().send().await.unwrap().keys.unwrap();
    let key = aws.kms().describe_key().key_id(keys[0].key_id.as_ref().unwrap());
    let state = key.send().await.unwrap().key_metadata.unwrap().key_state.unwrap();
    assert_eq!(state, aws_sdk_kms::types::KeyState::PendingReplicaDeletion);
}
