//! The cloud on disk: everything comes back, several clouds share, nothing is readable.

use infra_aws_simulated::{Cloud, Durations, Error, Settings};
use serde_json::{Value, json};

use crate::caller::{Caller, caller};

const KEY: [u8; 32] = [7; 32];

fn open(dir: &std::path::Path) -> Caller {
    let settings = Settings::default().durations(Durations::Instant);
    caller(Cloud::open(dir, &KEY, settings).unwrap())
}

/// One of everything; what describes it.
async fn everything(aws: &Caller) -> Vec<(&'static str, String, Value)> {
    let (vpc, subnets) = aws.network().await;
    let group = aws.group(&vpc, "needle-group").await;
    let role = aws.role("needle-role").await;
    let profile = "InstanceProfileName=p";
    aws.query("iam", "CreateInstanceProfile", profile).await.ok();
    aws.query("iam", "AddRoleToInstanceProfile", &format!("{profile}&RoleName=needle-role"))
        .await
        .ok();
    let cluster = json!({
        "name": "c", "roleArn": role, "resourcesVpcConfig": {"subnetIds": subnets},
        "encryptionConfig": [{"resources": ["secrets"], "provider": {"keyArn": "k"}}],
    });
    aws.eks("POST", "/clusters", cluster).await.ok();
    let key = aws.json("kms", "CreateKey", json!({"Description": "d"})).await.ok().json();
    let key = json!({"KeyId": key["KeyMetadata"]["KeyId"]});
    aws.json("kms", "EnableKeyRotation", key.clone()).await.ok();
    let secret = json!({"Name": "s", "SecretString": "needle-secret"});
    aws.json("secretsmanager", "CreateSecret", secret).await.ok();
    let table = json!({
        "TableName": "t", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
    });
    aws.json("dynamodb", "CreateTable", table).await.ok();
    let item = json!({"TableName": "t", "Item": {"k": {"S": "needle-item"}}});
    aws.json("dynamodb", "PutItem", item).await.ok();
    let name = json!({"TableName": "t"});
    vec![
        ("ec2", "DescribeVpcs".into(), json!("")),
        ("ec2", "DescribeSubnets".into(), json!("")),
        ("ec2", "DescribeSecurityGroups".into(), json!(format!("GroupId.1={group}"))),
        ("ec2", "DescribeSecurityGroupRules".into(), json!("")),
        ("ec2", "DescribeRouteTables".into(), json!("")),
        ("iam", "GetInstanceProfile".into(), json!(profile)),
        ("iam", "GetRole".into(), json!("RoleName=needle-role")),
        ("eks", "/clusters/c".into(), Value::Null),
        ("kms", "DescribeKey".into(), key.clone()),
        ("kms", "GetKeyRotationStatus".into(), key),
        ("secretsmanager", "DescribeSecret".into(), json!({"SecretId": "s"})),
        ("secretsmanager", "GetSecretValue".into(), json!({"SecretId": "s"})),
        ("dynamodb", "DescribeTable".into(), name.clone()),
        ("dynamodb", "Scan".into(), name),
    ]
}

async fn answers(aws: &Caller, asked: &[(&'static str, String, Value)]) -> Vec<String> {
    let mut answers = Vec::new();
    for (service, operation, input) in asked {
        let answer = match input {
            Value::String(form) => aws.query(service, operation, form).await,
            Value::Null => aws.eks("GET", operation, Value::Null).await,
            input => aws.json(service, operation, input.clone()).await,
        };
        // Everything but the request id, which is new every time.
        let text = answer.ok().text;
        let text = match (text.find("<requestId>"), text.find("</requestId>")) {
            (Some(from), Some(to)) => format!("{}{}", &text[..from], &text[to..]),
            _ => text,
        };
        let text = text.split("<ResponseMetadata>").next().unwrap_or_default().to_owned();
        answers.push(text);
    }
    answers
}

#[tokio::test]
async fn everything_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let aws = open(dir.path());
    let asked = everything(&aws).await;
    let before = answers(&aws, &asked).await;
    let after = answers(&open(dir.path()), &asked).await;
    for ((before, after), (_, operation, _)) in before.iter().zip(&after).zip(&asked) {
        assert_eq!(before, after, "{operation}");
    }
}

#[tokio::test]
async fn nothing_is_readable_without_the_key() {
    let dir = tempfile::tempdir().unwrap();
    everything(&open(dir.path())).await;
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for secret in ["needle", "vpc-", "10.0.0", "123456789012"] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} is readable");
        }
    }
    let error = Cloud::open(dir.path(), &[8; 32], Settings::default()).unwrap_err();
    assert!(matches!(error, Error::Sealed { offset: 0, .. }));
    assert!(error.to_string().contains("world.log"), "{error}");
}

#[tokio::test]
async fn two_clouds_on_one_directory_see_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (open(dir.path()), open(dir.path()));
    let (vpc, _) = one.network().await;
    let by_id = format!("VpcId.1={vpc}");
    two.ec2("DescribeVpcs", &by_id).await.ok();
    // The emulated services too, both ways.
    one.role("a").await;
    two.role("b").await;
    for aws in [&one, &two] {
        aws.query("iam", "GetRole", "RoleName=a").await.ok();
        aws.query("iam", "GetRole", "RoleName=b").await.ok();
    }
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20 {
        let aws = if n % 2 == 0 { one.clone() } else { two.clone() };
        tasks.spawn(async move { aws.role(&format!("many-{n}")).await });
    }
    tasks.join_all().await;
    let third = open(dir.path());
    for n in 0..20 {
        let name = format!("RoleName=many-{n}");
        third.query("iam", "GetRole", &name).await.ok();
    }
}

#[tokio::test]
async fn a_torn_end_is_cut_off_and_damage_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let aws = open(dir.path());
    let (vpc, _) = aws.network().await;
    let log = dir.path().join("world.log");
    let whole = std::fs::read(&log).unwrap();
    // A writer that died in the middle of a frame, at every length of it.
    aws.ec2("CreateInternetGateway", "").await.ok();
    let longer = std::fs::read(&log).unwrap();
    for cut in [whole.len() + 1, whole.len() + 5, longer.len() - 1] {
        std::fs::write(&log, &longer[..cut]).unwrap();
        let aws = open(dir.path());
        aws.ec2("DescribeVpcs", &format!("VpcId.1={vpc}")).await.ok();
        assert!(!aws.ec2("DescribeInternetGateways", "").await.text.contains("igw-"));
        assert_eq!(std::fs::metadata(&log).unwrap().len(), whole.len() as u64);
    }
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    std::fs::write(&log, damaged).unwrap();
    let error = Cloud::open(dir.path(), &KEY, Settings::default()).unwrap_err();
    assert!(matches!(error, Error::Sealed { offset, .. } if offset > 0), "{error}");
}

#[tokio::test]
async fn a_refused_call_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let aws = open(dir.path());
    aws.network().await;
    // What time did in between (subnets became available) goes along with the next commit.
    aws.ec2("DeleteVpc", "VpcId=vpc-0").await.code();
    let log = dir.path().join("world.log");
    let before = std::fs::metadata(&log).unwrap().len();
    aws.ec2("DeleteVpc", "VpcId=vpc-0").await.code();
    aws.ec2("DescribeVpcs", "").await.ok();
    assert_eq!(std::fs::metadata(&log).unwrap().len(), before);
}
