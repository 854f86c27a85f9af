//! The verbs of `dynamodb` over the embedded AWS.

use serde_json::{Value, json};

use super::Table;
use crate::{
    Aws,
    exercise::{bring, delete, make, want},
};

fn attribute(name: &str) -> Value {
    json!({"name": name, "kind": "S"})
}

#[tokio::test]
async fn tables() {
    let aws = Aws::test().await;
    let table: Table = want(json!({
        "name": "locks", "hash_key": attribute("LockID"), "deletion_protection": true,
        "point_in_time_recovery": true, "ttl": "expires", "tags": {"a": "1"}
    }));
    let made = make(&aws, &table).await;
    let changed: Table = want(json!({
        "name": "locks", "hash_key": attribute("LockID"), "billing": {"provisioned": {"read": 5, "write": 6}},
        "stream": "NEW_IMAGE", "class": "STANDARD_INFREQUENT_ACCESS", "tags": {"b": "2"},
        "kms_key": "arn:aws:kms:eu-west-1:123456789012:key/k"
    }));
    let changed_made = bring(&aws, &made.id, &changed).await;
    assert!(changed_made.outputs.as_ref().unwrap().stream_arn.is_some());
    let other: Table = want(json!({
        "name": "locks", "hash_key": attribute("LockID"), "stream": "NEW_AND_OLD_IMAGES", "ttl": "other"
    }));
    let other_made = bring(&aws, &made.id, &other).await;
    delete(&aws, &other_made, &other).await;
}

#[tokio::test]
async fn indexes_come_and_go_one_at_a_time() {
    let aws = Aws::test().await;
    let with = |indexes: Value| -> Table {
        want(json!({
            "name": "t", "hash_key": attribute("a"), "range_key": {"name": "n", "kind": "N"}, "indexes": indexes
        }))
    };
    let table = with(json!([{"name": "by-b", "hash_key": attribute("b")}]));
    let made = make(&aws, &table).await;
    let changed = with(json!([
        {"name": "by-b", "hash_key": attribute("c"), "projection": "keys_only"},
        {"name": "by-d", "hash_key": attribute("d"), "range_key": attribute("a"), "projection": {"include": ["x"]}}
    ]));
    bring(&aws, &made.id, &changed).await;
    let none = with(json!([]));
    let none_made = bring(&aws, &made.id, &none).await;
    delete(&aws, &none_made, &none).await;
}
