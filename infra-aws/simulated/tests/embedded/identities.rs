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
async fn everything_is_described_in_one_call_by_filters_and_pages() {
    let aws = instant();
    for name in ["a", "b", "c"] {
        aws.role(name).await;
    }
    aws.query("iam", "CreateUser", "UserName=u&Tags.member.1.Key=t&Tags.member.1.Value=v")
        .await
        .ok();
    let input = "RoleName=b&PolicyName=p&PolicyDocument=%7B%22Statement%22%3A%5B%5D%7D";
    aws.query("iam", "PutRolePolicy", input).await.ok();
    let details =
        async |input: &str| aws.query("iam", "GetAccountAuthorizationDetails", input).await.ok();
    let all = details("").await;
    assert_eq!(all.text.matches("<RoleName>").count(), 3);
    assert_eq!((all.get("UserName"), all.get("PolicyName")), ("u".to_owned(), "p".to_owned()));
    let user = details("Filter.member.1=User").await;
    assert!(!user.text.contains("<RoleName>"), "{}", user.text);
    assert_eq!((user.get("Key"), user.get("Value")), ("t".to_owned(), "v".to_owned()));
    let first = details("Filter.member.1=Role&MaxItems=2").await;
    assert_eq!(first.text.matches("<RoleName>").count(), 2);
    assert_eq!((first.get("IsTruncated"), first.get("Key")), ("true".to_owned(), "k".to_owned()));
    let next = format!("Filter.member.1=Role&Marker={}", first.get("Marker"));
    let next = details(&next).await;
    assert_eq!(
        (next.get("RoleName"), next.get("IsTruncated")),
        ("c".to_owned(), "false".to_owned())
    );
    let wrong = aws.query("iam", "GetAccountAuthorizationDetails", "Filter.member.1=x").await;
    assert_eq!(wrong.code(), "ValidationError");
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
