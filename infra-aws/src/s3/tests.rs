//! The verbs of `s3` over the embedded AWS.

use std::sync::Arc;

use aws_sdk_s3::primitives::ByteStream;
use infra_core::provider::{Class, Cx, Managed as _};
use serde_json::json;

use super::Bucket;
use crate::{
    Aws,
    exercise::{bring, delete, make, operation, read, want},
};

fn policy(bucket: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "OnlyTls", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]})
    .to_string()
}

#[tokio::test]
async fn every_setting_changes_in_place() {
    let aws = Aws::test().await;
    let bucket: Bucket = want(json!({"name": "qledger-plain"}));
    let made = make(&aws, &bucket).await;
    assert_eq!(made.outputs.as_ref().unwrap().arn.as_str(), "arn:aws:s3:::qledger-plain");
    let changed: Bucket = want(json!({
        "name": "qledger-plain", "versioning": true, "policy": policy("qledger-plain"),
        "encryption": {"kms": "arn:aws:kms:eu-west-1:123456789012:key/k"},
        "public_access_block": {"block_public_policy": false}, "ownership": "BucketOwnerPreferred",
        "lifecycle": [
            {"id": "old", "expire_noncurrent_after": 30, "abort_uploads_after": 7},
            {"id": "logs", "prefix": "logs/", "expire_after": 90,
             "transitions": [{"days": 30, "storage_class": "STANDARD_IA"}]}
        ],
        "tags": {"a": "1"}
    }));
    bring(&aws, "qledger-plain", &changed).await;
    let all = aws.s3().get_bucket_tagging().bucket("qledger-plain").send().await.unwrap();
    assert!(all.tag_set().iter().any(|tag| tag.key() == "infra:urn"), "owner tags stay");
    let other: Bucket = want(json!({
        "name": "qledger-plain", "encryption": "aws_kms", "bucket_key": false, "tags": {"b": "2"}
    }));
    bring(&aws, "qledger-plain", &other).await;
    let back = bring(&aws, "qledger-plain", &bucket).await;
    delete(&aws, &back, &bucket).await;
}

#[tokio::test]
async fn what_holds_objects_only_goes_by_force() {
    let aws = Aws::test().await;
    let bucket: Bucket = want(json!({"name": "qledger-full", "versioning": true}));
    let made = make(&aws, &bucket).await;
    for n in 0..3 {
        let body = ByteStream::from_static(b"x");
        aws.s3()
            .put_object()
            .bucket("qledger-full")
            .key(format!("k{}", n % 2))
            .body(body)
            .send()
            .await
            .unwrap();
    }
    aws.s3().delete_object().bucket("qledger-full").key("k0").send().await.unwrap();
    let cx = Cx::new(Arc::clone(&aws));
    let refused = Bucket::delete(&cx, &made, &bucket, &operation::<Bucket>()).await.unwrap_err();
    assert_eq!(refused.class(), Class::Invalid);
    assert!(refused.to_string().contains("force_destroy"));
    assert!(read(&aws, "qledger-full", &bucket).await.is_some());
    delete(&aws, &made, &Bucket { force_destroy: true, ..bucket }).await;
}

#[tokio::test]
async fn a_bucket_of_another_operation_is_not_taken_over() {
    let aws = Aws::test().await;
    let bucket: Bucket = want(json!({"name": "qledger-taken"}));
    make(&aws, &bucket).await;
    let again = Bucket::create(&Cx::new(Arc::clone(&aws)), &bucket, &operation::<Bucket>()).await;
    assert_eq!(again.unwrap_err().class(), Class::Exists);
}
