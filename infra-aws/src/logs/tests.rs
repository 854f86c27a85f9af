//! The verbs of `logs` over the embedded AWS.

use serde_json::json;

use super::LogGroup;
use crate::{
    Aws,
    exercise::{bring, delete, make, want},
};

#[tokio::test]
async fn log_groups() {
    let aws = Aws::test().await;
    let group: LogGroup = want(json!({
        "name": "/aws/eks/prod/cluster", "retention_days": 30, "tags": {"a": "1"}
    }));
    let made = make(&aws, &group).await;
    assert_eq!(
        made.outputs.as_ref().unwrap().arn.as_str(),
        "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/eks/prod/cluster"
    );
    // A name that is the beginning of another is not the other.
    make(&aws, &want::<LogGroup>(json!({"name": "/aws/eks/prod", "class": "INFREQUENT_ACCESS"})))
        .await;
    let changed: LogGroup = want(json!({
        "name": "/aws/eks/prod/cluster", "deletion_protection": true, "tags": {"b": "2"},
        "kms_key": "arn:aws:kms:eu-west-1:123456789012:key/k"
    }));
    bring(&aws, &made.id, &changed).await;
    let back = bring(&aws, &made.id, &group).await;
    delete(&aws, &back, &group).await;
}
