//! The verbs of `ecr` over the embedded AWS.

use std::sync::Arc;

use serde_json::json;

use super::Repository;
use crate::{
    Aws,
    exercise::{bring, delete, make, want},
};

#[tokio::test]
async fn repositories() {
    let aws = Aws::test().await;
    let repository: Repository =
        want(json!({"name": "qledger/app", "scan_on_push": true, "tags": {"a": "1"}}));
    let made = make(&aws, &repository).await;
    let outputs = made.outputs.as_ref().unwrap();
    assert_eq!(outputs.url, "123456789012.dkr.ecr.eu-west-1.amazonaws.com/qledger/app");
    let lifecycle = json!({"rules": [{
        "rulePriority": 1, "action": {"type": "expire"},
        "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 10}}]});
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "Pull", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Action": ["ecr:BatchGetImage"]}]});
    let changed: Repository = want(json!({
        "name": "qledger/app", "tag_mutability": "IMMUTABLE", "lifecycle_policy": lifecycle.to_string(),
        "policy": policy.to_string(), "tags": {"b": "2"}
    }));
    bring(&aws, &made.id, &changed).await;
    let back = bring(&aws, &made.id, &repository).await;
    delete(&aws, &back, &repository).await;
}

#[tokio::test]
async fn a_missing_one_does_not_hide_the_others() {
    use infra_core::provider::{Cx, Find, Managed as _};
    let aws = Aws::test().await;
    make(&aws, &want::<Repository>(json!({"name": "here"}))).await;
    let find = ["none", "here"].map(|id| Find::Id { id, recorded: None::<&Repository> });
    let found = Repository::read(&Cx::new(Arc::clone(&aws)), &find).await;
    let there: Vec<_> = found.into_iter().map(|found| found.unwrap().is_some()).collect();
    assert_eq!(there, [false, true]);
}
