//! RDS.

use serde_json::json;

use crate::caller::{Caller, endless, instant};

async fn database(aws: &Caller, extra: &str) -> (String, Vec<String>) {
    let (vpc, subnets) = aws.network().await;
    let input = format!(
        "DBSubnetGroupName=Group&DBSubnetGroupDescription=d&\
         SubnetIds.SubnetIdentifier.1={}&SubnetIds.SubnetIdentifier.2={}",
        subnets[0], subnets[1]
    );
    aws.query("rds", "CreateDBSubnetGroup", &input).await.ok();
    let input = format!(
        "DBInstanceIdentifier=DB&DBInstanceClass=db.t4g.micro&Engine=postgres&EngineVersion=17&\
         AllocatedStorage=20&MasterUsername=m&DBSubnetGroupName=group&{extra}"
    );
    aws.query("rds", "CreateDBInstance", &input).await.ok();
    (vpc, subnets)
}

const BY_ID: &str = "DBInstanceIdentifier=db";

#[tokio::test]
async fn the_endpoint_is_known_only_when_it_is_there() {
    let aws = endless();
    database(&aws, "MasterUserPassword=secret123").await;
    let seen = aws.query("rds", "DescribeDBInstances", BY_ID).await.ok();
    assert_eq!(seen.get("DBInstanceStatus"), "creating");
    assert_eq!(seen.find("Endpoint"), None);

    let aws = instant();
    database(&aws, "MasterUserPassword=secret123").await;
    let seen = aws.query("rds", "DescribeDBInstances", BY_ID).await.ok();
    assert_eq!(seen.get("DBInstanceStatus"), "available");
    assert!(seen.get("Address").ends_with(".simulated.invalid"));
    assert!(seen.get("EngineVersion").starts_with("17."));
}

#[tokio::test]
async fn a_managed_password_is_a_real_secret() {
    let aws = instant();
    database(&aws, "ManageMasterUserPassword=true").await;
    let seen = aws.query("rds", "DescribeDBInstances", BY_ID).await.ok();
    let arn = seen.get("SecretArn");
    let secret = json!({"SecretId": arn});
    let value = aws.json("secretsmanager", "GetSecretValue", secret.clone()).await.ok().json();
    assert!(value["SecretString"].as_str().unwrap().contains("password"));
    let input = format!("{BY_ID}&SkipFinalSnapshot=true");
    aws.query("rds", "DeleteDBInstance", &input).await.ok();
    let gone = aws.json("secretsmanager", "DescribeSecret", secret).await;
    assert_eq!(gone.code(), "ResourceNotFoundException");
}

#[tokio::test]
async fn changes_are_pending_until_applied() {
    let aws = instant();
    database(&aws, "MasterUserPassword=secret123").await;
    let later = format!("{BY_ID}&AllocatedStorage=40&ApplyImmediately=false");
    aws.query("rds", "ModifyDBInstance", &later).await.ok();
    let seen = aws.query("rds", "DescribeDBInstances", BY_ID).await.ok();
    assert_eq!(seen.get("PendingModifiedValues"), "<AllocatedStorage>40</AllocatedStorage>");
    let now = format!("{BY_ID}&AllocatedStorage=40&ApplyImmediately=true");
    aws.query("rds", "ModifyDBInstance", &now).await.ok();
    let seen = aws.query("rds", "DescribeDBInstances", BY_ID).await.ok();
    assert_eq!(seen.get("AllocatedStorage"), "40");
    assert_eq!(seen.find("PendingModifiedValues"), None);
}

#[tokio::test]
async fn protection_groups_and_subnets_hold() {
    let aws = instant();
    let (_, subnets) = database(&aws, "MasterUserPassword=secret123&DeletionProtection=true").await;
    let delete = format!("{BY_ID}&SkipFinalSnapshot=true");
    let refused = aws.query("rds", "DeleteDBInstance", &delete).await;
    assert_eq!(refused.code(), "InvalidParameterCombination");
    let group = aws.query("rds", "DeleteDBSubnetGroup", "DBSubnetGroupName=group").await;
    assert_eq!(group.code(), "InvalidDBSubnetGroupStateFault");
    let subnet = aws.ec2("DeleteSubnet", &format!("SubnetId={}", subnets[0])).await;
    assert_eq!(subnet.code(), "DependencyViolation");
    let off = format!("{BY_ID}&DeletionProtection=false&ApplyImmediately=true");
    aws.query("rds", "ModifyDBInstance", &off).await.ok();
    let with_snapshot = format!("{BY_ID}&FinalDBSnapshotIdentifier=last");
    aws.query("rds", "DeleteDBInstance", &with_snapshot).await.ok();
    let seen = aws.query("rds", "DescribeDBInstances", BY_ID).await;
    assert_eq!(seen.code(), "DBInstanceNotFound");
    let snapshot = aws.query("rds", "DescribeDBSnapshots", "DBSnapshotIdentifier=last").await.ok();
    assert_eq!(snapshot.get("Status"), "available");
}
