//! The verbs of `kms` over the embedded AWS.

use aws_sdk_kms::{primitives::Blob, types::KeyState};
use infra_core::provider::{Class, Cx, Managed as _, Readiness};
use serde_json::json;

use super::{Alias, Key, ReplicaKey};
use crate::{
    Aws,
    exercise::{bring, delete, make, operation, owned, read, want},
};

fn policy(action: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": action, "Resource": "*",
        "Principal": {"AWS": "arn:aws:iam::123456789012:root"}}]})
    .to_string()
}

#[tokio::test]
async fn keys_are_restored_rather_than_made_again() {
    let aws = Aws::test().await;
    let key: Key = want(json!({"description": "data", "rotation": true, "tags": {"a": "1"}}));
    let made = make(&aws, &key).await;
    let id = made.id.clone();
    let changed: Key = want(json!({
        "description": "other", "policy": policy("kms:*"), "rotation": true, "rotation_period": 180,
        "tags": {"b": "2"}, "pending_window": 7
    }));
    bring(&aws, &id, &changed).await;
    bring(
        &aws,
        &id,
        &Key { enabled: false, rotation: false, rotation_period: None, ..changed.clone() },
    )
    .await;
    let changed_made = bring(&aws, &id, &changed).await;
    delete(&aws, &changed_made, &changed).await;
    let dying = read(&aws, &id, &changed).await.unwrap();
    assert!(matches!(dying.readiness, Readiness::Restorable(_)));
    let restored = bring(&aws, &id, &changed).await;
    assert!(restored.live.enabled && restored.live.rotation);
    delete(&aws, &restored, &changed).await;
}

#[tokio::test]
async fn a_dying_key_of_somebody_else_is_absent() {
    let aws = Aws::test().await;
    let key: Key = want(json!({}));
    let made = aws.kms().create_key().send().await.unwrap().key_metadata.unwrap();
    assert!(read(&aws, &made.key_id, &key).await.is_some());
    aws.kms().schedule_key_deletion().key_id(&made.key_id).send().await.unwrap();
    assert!(read(&aws, &made.key_id, &key).await.is_none());
    assert!(read(&aws, "00000000-0000-0000-0000-000000000000", &key).await.is_none());
}

#[tokio::test]
async fn aliases_move() {
    let aws = Aws::test().await;
    let key: Key = want(json!({}));
    let (one, two) = (make(&aws, &key).await, make(&aws, &key).await);
    let alias: Alias = want(json!({"key": one.id, "name": "alias/qledger"}));
    let made = make(&aws, &alias).await;
    assert_eq!(made.id, "alias/qledger");
    let moved = Alias { key: two.outputs.unwrap().id, ..alias.clone() };
    let moved_made = bring(&aws, &made.id, &moved).await;
    delete(&aws, &moved_made, &moved).await;
}

#[tokio::test]
async fn a_replica_is_the_same_key_in_another_region() {
    let here = Aws::test().await;
    let there = std::sync::Arc::new(here.in_region("eu-central-1"));
    let key: Key = want(json!({"multi_region": true, "rotation": true, "pending_window": 7}));
    let primary = make(&here, &key).await;
    let arn = primary.outputs.as_ref().unwrap().arn.clone();
    let replica: ReplicaKey =
        want(json!({"primary": arn.as_str(), "description": "there", "tags": {"a": "1"}}));
    let made = make(&there, &replica).await;
    let outputs = made.outputs.as_ref().unwrap();
    assert_eq!(outputs.id.as_str(), primary.id);
    assert_eq!(outputs.arn.region(), "eu-central-1");
    let changed: ReplicaKey = want(json!({
        "primary": arn.as_str(), "policy": policy("kms:*"), "enabled": false, "tags": {"b": "2"},
        "pending_window": 7
    }));
    bring(&there, &made.id, &changed).await;
    bring(&there, &made.id, &replica).await;
    // The primary keeps its own description, tags and policy, and its region has no replica.
    assert_eq!(read(&here, &primary.id, &key).await.unwrap().live.description, None);
    assert!(owned::<ReplicaKey>(&here).await.unwrap().is_empty());
    assert!(owned::<Key>(&there).await.unwrap().is_empty());

    let secret = Blob::new("geheim");
    let encrypt = here.kms().encrypt().key_id(&primary.id).plaintext(secret.clone());
    let sealed = encrypt.send().await.unwrap().ciphertext_blob.unwrap();
    let opened = there.kms().decrypt().ciphertext_blob(sealed).send().await.unwrap();
    assert_eq!(opened.plaintext, Some(secret));
    let rotation = there.kms().get_key_rotation_status().key_id(&made.id).send().await.unwrap();
    assert!(rotation.key_rotation_enabled());
    let rotate = there.kms().disable_key_rotation().key_id(&made.id).send().await;
    assert!(rotate.unwrap_err().into_service_error().is_unsupported_operation_exception());

    // The primary waits with its deletion for the last replica.
    let scheduled = here.kms().schedule_key_deletion().key_id(&primary.id).send().await.unwrap();
    assert_eq!(scheduled.key_state, Some(KeyState::PendingReplicaDeletion));
    assert_eq!(scheduled.deletion_date, None);
    let dying = read(&here, &primary.id, &key).await.unwrap();
    let waits = Readiness::Restorable("KMS deletes it after its last replica".to_owned());
    assert_eq!(dying.readiness, waits);
    bring(&here, &primary.id, &key).await;
    delete(&there, &made, &replica).await;
    delete(&here, &primary, &key).await;
}

#[tokio::test]
async fn a_replica_that_is_wanted_again_is_restored() {
    let here = Aws::test().await;
    let there = std::sync::Arc::new(here.in_region("eu-central-1"));
    let primary = make(&here, &want::<Key>(json!({"multi_region": true}))).await;
    let arn = primary.outputs.as_ref().unwrap().arn.clone();
    let replica: ReplicaKey = want(json!({"primary": arn.as_str()}));
    let made = make(&there, &replica).await;
    delete(&there, &made, &replica).await;
    // KMS has no place for another one; and to make it again is to take the old one back.
    let again = make(&there, &replica).await;
    assert_eq!(again.id, made.id);
    assert!(again.live.enabled && again.owner != made.owner);
    delete(&there, &again, &replica).await;
    // Somebody else's that waits for its deletion stays what it is.
    let other = infra_core::provider::Operation {
        urn: infra_core::state::Urn::new("aws:kms:ReplicaKey", "other").unwrap(),
        ..operation::<ReplicaKey>()
    };
    let cx = Cx::new(std::sync::Arc::clone(&there));
    let refused = ReplicaKey::create(&cx, &replica, &other).await.unwrap_err();
    assert_eq!(refused.class(), Class::Exists, "{refused}");
    let found = read(&there, &again.id, &replica).await.unwrap();
    assert!(matches!(found.readiness, Readiness::Restorable(_)));
}

#[tokio::test]
async fn a_replica_needs_a_multi_region_key_in_another_region() {
    let here = Aws::test().await;
    let there = std::sync::Arc::new(here.in_region("eu-central-1"));
    let primary = make(&here, &want::<Key>(json!({"multi_region": true}))).await;
    let arn = primary.outputs.as_ref().unwrap().arn.clone();
    let replica: ReplicaKey = want(json!({"primary": arn.as_str()}));
    let op = operation::<ReplicaKey>();
    let cx = Cx::new(std::sync::Arc::clone(&here));
    let beside = ReplicaKey::create(&cx, &replica, &op).await.unwrap_err();
    assert!(beside.to_string().contains("a provider of another region"), "{beside}");
    assert!(read(&here, &primary.id, &replica).await.is_none());

    let plain = make(&here, &want::<Key>(json!({}))).await;
    let of_plain = ReplicaKey { primary: plain.outputs.unwrap().arn, ..replica };
    let cx = Cx::new(there);
    let refused = ReplicaKey::create(&cx, &of_plain, &op).await.unwrap_err();
    assert_eq!(refused.class(), Class::Invalid, "{refused}");
    assert!(refused.to_string().contains("not a multi-Region primary key"), "{refused}");
}
