//! The verbs of `ecr` over the embedded AWS.

use std::sync::Arc;

use infra_core::provider::{Class, Cx, Lookup as _};
use serde_json::json;

use super::{Image, Repository};
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

#[tokio::test]
async fn the_digest_of_a_tag() {
    let aws = Aws::test().await;
    make(&aws, &want::<Repository>(json!({"name": "shop/app"}))).await;
    let cx = Cx::new(Arc::clone(&aws));
    let image = |repository: &str, tag: &str| Image {
        repository: repository.to_owned(),
        tag: tag.to_owned(),
    };
    let none = Image::look_up(&cx, &image("shop/app", "1.0")).await.unwrap_err();
    assert_eq!(none.class(), Class::NotFound);
    let url = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/app";
    assert!(none.to_string().contains(&format!("docker push {url}:1.0")), "{none}");
    let nowhere = Image::look_up(&cx, &image("shop/web", "1.0")).await.unwrap_err();
    assert!(nowhere.to_string().contains("no repository \"shop/web\""), "{nowhere}");

    let push = async |manifest: &str, tag: &str| {
        let put = aws.ecr().put_image().repository_name("shop/app").image_manifest(manifest);
        put.image_tag(tag)
            .send()
            .await
            .unwrap()
            .image
            .unwrap()
            .image_id
            .unwrap()
            .image_digest
            .unwrap()
    };
    let first = push(r#"{"schemaVersion":2}"#, "1.0").await;
    assert_eq!(push(r#"{"schemaVersion":2}"#, "stable").await, first);
    let found = Image::look_up(&cx, &image("shop/app", "stable")).await.unwrap();
    assert_eq!(found.uri, format!("{url}@{first}"));
    assert_eq!(
        (found.digest.as_str(), found.tags),
        (first.as_str(), vec!["1.0".to_owned(), "stable".to_owned()])
    );
    assert!(found.pushed_at.ends_with('Z'), "{}", found.pushed_at);
    // A tag can be moved.
    let second = push(r#"{"schemaVersion":2,"layers":[]}"#, "stable").await;
    let found = Image::look_up(&cx, &image("shop/app", "stable")).await.unwrap();
    assert!(found.digest == second && second != first);
    let found = Image::look_up(&cx, &image("shop/app", "1.0")).await.unwrap();
    assert_eq!((found.digest, found.tags), (first, vec!["1.0".to_owned()]));
}
