//! IAM and KMS: the emulators, and what is added to them.

use serde_json::json;

use crate::caller::instant;

#[tokio::test]
async fn policies_of_aws_exist() {
    let aws = instant();
    aws.role("node").await;
    let input = "RoleName=node&PolicyArn=arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy";
    aws.query("iam", "AttachRolePolicy", input).await.ok();
    let seen = aws.query("iam", "ListAttachedRolePolicies", "RoleName=node").await.ok();
    assert_eq!(seen.get("PolicyName"), "AmazonEKSWorkerNodePolicy");
    let input = "PolicyName=own&PolicyDocument=%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D";
    aws.query("iam", "CreatePolicy", input).await.ok();
    let local = aws.query("iam", "ListPolicies", "Scope=Local").await.ok();
    assert_eq!(local.get("PolicyName"), "own");
    assert!(!local.text.contains("AmazonEKSWorkerNodePolicy"), "{}", local.text);
    assert_eq!(aws.query("iam", "DeleteRole", "RoleName=node").await.code(), "DeleteConflict");
}

#[tokio::test]
async fn a_role_is_described_completely() {
    let aws = instant();
    aws.role("r").await;
    let seen = aws.query("iam", "GetRole", "RoleName=r").await.ok();
    assert_eq!((seen.get("Description"), seen.get("Key")), ("why".to_owned(), "k".to_owned()));
}

#[tokio::test]
async fn a_key_remembers_how_often_it_is_rotated() {
    let aws = instant();
    let made = aws.json("kms", "CreateKey", json!({})).await.ok().json();
    let id = made["KeyMetadata"]["KeyId"].clone();
    let input = json!({"KeyId": id, "RotationPeriodInDays": 180});
    aws.json("kms", "EnableKeyRotation", input).await.ok();
    let seen = aws.json("kms", "GetKeyRotationStatus", json!({"KeyId": id})).await.ok().json();
    assert_eq!(seen["RotationPeriodInDays"], 180);
}
