//! The verbs of `secretsmanager` over the embedded AWS.

use infra_core::provider::Readiness;
use serde_json::json;

use super::Secret;
use crate::{
    Aws,
    exercise::{bring, delete, make, read, want},
};

#[tokio::test]
async fn secrets_are_restored_rather_than_made_again() {
    let aws = Aws::test().await;
    let secret: Secret = want(json!({
        "name": "prod/token", "value": "geheim", "description": "d", "tags": {"a": "1"}
    }));
    let made = make(&aws, &secret).await;
    assert!(!format!("{made:?}").contains("geheim"));
    assert!(
        made.id.starts_with("arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/token-")
    );
    let changed: Secret = want(json!({
        "name": "prod/token", "value": "anders", "tags": {"b": "2"}, "recovery_window": 7,
        "kms_key": "1234abcd-12ab-34cd-56ef-1234567890ab"
    }));
    let changed_made = bring(&aws, &made.id, &changed).await;
    delete(&aws, &changed_made, &changed).await;
    let dying = read(&aws, &made.id, &changed).await.unwrap();
    assert!(matches!(dying.readiness, Readiness::Restorable(_)));
    let restored = bring(&aws, &made.id, &changed).await;
    assert_eq!(restored.live.value.unwrap().reveal(), "anders");
}

#[tokio::test]
async fn a_window_of_nothing_deletes_at_once() {
    let aws = Aws::test().await;
    let secret: Secret = want(json!({"name": "s", "recovery_window": 0}));
    let made = make(&aws, &secret).await;
    assert!(made.live.value.is_none());
    delete(&aws, &made, &secret).await;
    assert!(read(&aws, &made.id, &secret).await.is_none());
    make(&aws, &secret).await;
}
