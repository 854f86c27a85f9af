//! The verbs of `kms` over the embedded AWS.

use infra_core::provider::Readiness;
use serde_json::json;

use super::{Alias, Key};
use crate::{
    Aws,
    exercise::{bring, delete, make, read, want},
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
