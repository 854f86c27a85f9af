//! SSM, Secrets Manager, DynamoDB, CloudWatch, SNS, ECR, Logs.

use serde_json::json;

use crate::caller::{endless, instant};

#[tokio::test]
async fn parameters_are_sealed_and_public_ones_exist() {
    let aws = instant();
    let put = json!({"Name": "/a", "Value": "v", "Type": "SecureString"});
    aws.json("ssm", "PutParameter", put.clone()).await.ok();
    assert_eq!(aws.json("ssm", "PutParameter", put).await.code(), "ParameterAlreadyExists");
    let sealed = aws.json("ssm", "GetParameter", json!({"Name": "/a"})).await.ok().json();
    assert_ne!(sealed["Parameter"]["Value"], "v");
    let open = json!({"Name": "/a", "WithDecryption": true});
    let open = aws.json("ssm", "GetParameter", open).await.ok().json();
    assert_eq!(open["Parameter"]["Value"], "v");
    let other = json!({"Name": "/a", "Value": "v", "Type": "String", "Overwrite": true});
    assert_eq!(
        aws.json("ssm", "PutParameter", other).await.code(),
        "HierarchyTypeMismatchException"
    );
    let name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64";
    let image = aws.json("ssm", "GetParameter", json!({"Name": name})).await.ok().json();
    assert!(image["Parameter"]["Value"].as_str().unwrap().starts_with("ami-"));
}

#[tokio::test]
async fn a_deleted_secret_keeps_its_name_until_restored() {
    let aws = instant();
    let create = json!({"Name": "s", "SecretString": "x", "ClientRequestToken": "t"});
    let first = aws.json("secretsmanager", "CreateSecret", create.clone()).await.ok().json();
    let again = aws.json("secretsmanager", "CreateSecret", create.clone()).await.ok().json();
    assert_eq!(first["ARN"], again["ARN"]);
    let id = json!({"SecretId": "s"});
    aws.json("secretsmanager", "DeleteSecret", id.clone()).await.ok();
    let refused = aws.json("secretsmanager", "CreateSecret", create).await;
    assert_eq!(refused.code(), "InvalidRequestException");
    aws.json("secretsmanager", "RestoreSecret", id.clone()).await.ok();
    let value = aws.json("secretsmanager", "GetSecretValue", id).await.ok().json();
    assert_eq!(value["SecretString"], "x");
}

#[tokio::test]
async fn tables_take_a_moment_and_are_protected() {
    let table = json!({
        "TableName": "lock", "BillingMode": "PAY_PER_REQUEST", "DeletionProtectionEnabled": true,
        "AttributeDefinitions": [{"AttributeName": "LockID", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "LockID", "KeyType": "HASH"}],
        "Tags": [{"Key": "k", "Value": "v"}],
    });
    let name = json!({"TableName": "lock"});
    let aws = endless();
    aws.json("dynamodb", "CreateTable", table.clone()).await.ok();
    let seen = aws.json("dynamodb", "DescribeTable", name.clone()).await.ok().json();
    assert_eq!(seen["Table"]["TableStatus"], "CREATING");

    let aws = instant();
    let made = aws.json("dynamodb", "CreateTable", table).await.ok().json();
    let item = json!({
        "TableName": "lock", "Item": {"LockID": {"S": "a"}},
        "ConditionExpression": "attribute_not_exists(LockID)",
    });
    aws.json("dynamodb", "PutItem", item.clone()).await.ok();
    let held = aws.json("dynamodb", "PutItem", item).await;
    assert!(held.text.contains("ConditionalCheckFailedException"));
    let arn = json!({"ResourceArn": made["TableDescription"]["TableArn"]});
    let tags = aws.json("dynamodb", "ListTagsOfResource", arn).await.ok().json();
    assert_eq!(tags["Tags"][0]["Key"], "k");
    let refused = aws.json("dynamodb", "DeleteTable", name.clone()).await;
    assert_eq!(refused.code(), "ValidationException");
    let off = json!({"TableName": "lock", "DeletionProtectionEnabled": false});
    aws.json("dynamodb", "UpdateTable", off).await.ok();
    aws.json("dynamodb", "DeleteTable", name.clone()).await.ok();
    let gone = aws.json("dynamodb", "DescribeTable", name).await;
    assert!(gone.text.contains("ResourceNotFoundException"));
}

#[tokio::test]
async fn alarms_speak_cbor() {
    let aws = instant();
    let put = json!({
        "AlarmName": "cpu", "ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 2,
        "Threshold": 80.5, "MetricName": "CPUUtilization", "Namespace": "AWS/RDS", "Period": 60,
    });
    aws.json("monitoring", "PutMetricAlarm", put).await.ok();
    let path = "/service/GraniteServiceVersion20100801/operation/DescribeAlarms";
    let headers = [("smithy-protocol", "rpc-v2-cbor"), ("content-type", "application/cbor")];
    let seen = aws.send("monitoring", "POST", path, &headers, vec![0xa0]).await.ok();
    assert_eq!(seen.headers["content-type"], "application/cbor");
    assert!(seen.text.contains("AlarmName") && seen.text.contains("cpu"));
}

#[tokio::test]
async fn topics_repositories_and_log_groups() {
    let aws = instant();
    let first = aws.query("sns", "CreateTopic", "Name=t").await.ok().get("TopicArn");
    assert_eq!(aws.query("sns", "CreateTopic", "Name=t").await.ok().get("TopicArn"), first);
    let repository = json!({"repositoryName": "app"});
    aws.json("ecr", "CreateRepository", repository.clone()).await.ok();
    let image = json!({"repositoryName": "app", "imageTag": "1", "imageManifest": "{}"});
    aws.json("ecr", "PutImage", image).await.ok();
    let refused = aws.json("ecr", "DeleteRepository", repository).await;
    assert_eq!(refused.code(), "RepositoryNotEmptyException");
    let group = json!({"logGroupName": "/g"});
    aws.json("logs", "CreateLogGroup", group).await.ok();
    let odd = json!({"logGroupName": "/g", "retentionInDays": 31});
    let refused = aws.json("logs", "PutRetentionPolicy", odd).await;
    assert_eq!(refused.code(), "InvalidParameterException");
}
