//! What a stack recovers from in another region: replicas of keys, copies of backups; and the images it runs.

use serde_json::{Value, json};

use crate::caller::{Caller, instant};

/// The same account, elsewhere.
fn there(here: &Caller) -> Caller {
    Caller { region: "eu-central-1", ..here.clone() }
}

#[tokio::test]
async fn a_key_is_replicated_once_a_region() {
    let here = instant();
    let there = there(&here);
    let multi = json!({"MultiRegion": true});
    let key = here.json("kms", "CreateKey", multi).await.ok().json()["KeyMetadata"].clone();
    let of_key = &key["MultiRegionConfiguration"];
    assert_eq!(
        (&of_key["MultiRegionKeyType"], &of_key["ReplicaKeys"]),
        (&json!("PRIMARY"), &json!([]))
    );
    let replicate = |id: &Value, region: &str| {
        json!({
            "KeyId": id, "ReplicaRegion": region, "Tags": [{"TagKey": "a", "TagValue": "1"}],
        })
    };
    let asked = replicate(&key["KeyId"], there.region);
    let made = here.json("kms", "ReplicateKey", asked.clone()).await.ok().json();
    let replica = &made["ReplicaKeyMetadata"];
    assert_eq!(replica["KeyId"], key["KeyId"]);
    assert_eq!(replica["MultiRegionConfiguration"]["MultiRegionKeyType"], "REPLICA");
    assert_eq!(replica["MultiRegionConfiguration"]["PrimaryKey"]["Arn"], key["Arn"]);
    let id = json!({"KeyId": key["KeyId"]});
    let seen = here.json("kms", "DescribeKey", id.clone()).await.ok().json();
    let replicas = &seen["KeyMetadata"]["MultiRegionConfiguration"]["ReplicaKeys"];
    assert_eq!(*replicas, json!([{"Arn": replica["Arn"], "Region": there.region}]));
    let tags = there.json("kms", "ListResourceTags", id.clone()).await.ok().json();
    assert_eq!(tags["Tags"][0]["TagKey"], "a");

    let twice = here.json("kms", "ReplicateKey", asked).await;
    assert!(twice.text.contains("AlreadyExistsException"), "{}", twice.text);
    let of_replica = replicate(&key["KeyId"], "us-east-1");
    let refused = there.json("kms", "ReplicateKey", of_replica.clone()).await;
    assert!(refused.text.contains("not a multi-Region primary key"), "{}", refused.text);
    here.json("kms", "DisableKey", id.clone()).await.ok();
    let refused = here.json("kms", "ReplicateKey", of_replica).await;
    assert!(refused.text.contains("DisabledException"), "{}", refused.text);

    // The replica goes, and stays in the way of another until its window is over.
    there.json("kms", "ScheduleKeyDeletion", id.clone()).await.ok();
    let waits = here.json("kms", "ScheduleKeyDeletion", id).await.ok().json();
    assert_eq!(waits["KeyState"], "PendingReplicaDeletion");
    let plain = here.json("kms", "CreateKey", json!({})).await.ok().json();
    assert_eq!(plain["KeyMetadata"].get("MultiRegionConfiguration"), None);
}

async fn database(aws: &Caller) -> String {
    let (_, ids) = aws.network().await;
    let form = format!(
        "DBSubnetGroupName=g&DBSubnetGroupDescription=d&SubnetIds.SubnetIdentifier.1={}&SubnetIds.SubnetIdentifier.2={}",
        ids[0], ids[1]
    );
    aws.query("rds", "CreateDBSubnetGroup", &form).await.ok();
    let form = "DBInstanceIdentifier=ledger&Engine=postgres&DBInstanceClass=db.t4g.micro\
                &MasterUsername=postgres&MasterUserPassword=correct-horse&DBSubnetGroupName=g\
                &AllocatedStorage=20&StorageEncrypted=true&BackupRetentionPeriod=7";
    aws.query("rds", "CreateDBInstance", form).await.ok().get("DBInstanceArn")
}

#[tokio::test]
async fn backups_are_copied_once_a_region() {
    let here = instant();
    let there = there(&here);
    let arn = database(&here).await;
    let key = there.json("kms", "CreateKey", json!({})).await.ok().json();
    let key = key["KeyMetadata"]["Arn"].as_str().unwrap_or_default().to_owned();
    let start = "StartDBInstanceAutomatedBackupsReplication";
    let source = format!("SourceDBInstanceArn={arn}");
    let with_key = format!("{source}&KmsKeyId={key}");
    let refused = there.query("rds", start, &source).await;
    assert_eq!(refused.code(), "InvalidParameterCombination");
    let foreign = format!("{source}&KmsKeyId={}", key.replace(there.region, "us-east-1"));
    assert_eq!(there.query("rds", start, &foreign).await.code(), "KMSKeyNotAccessibleFault");
    assert_eq!(here.query("rds", start, &with_key).await.code(), "InvalidParameterValue");
    let nobody = with_key.replace(":db:ledger", ":db:nobody");
    assert_eq!(there.query("rds", start, &nobody).await.code(), "DBInstanceNotFound");

    let copies =
        there.query("rds", start, &with_key).await.ok().get("DBInstanceAutomatedBackupsArn");
    assert_eq!(there.query("rds", start, &with_key).await.code(), "InvalidDBInstanceState");
    let database = here.query("rds", "DescribeDBInstances", "").await.ok();
    assert_eq!(database.get("DBInstanceAutomatedBackupsArn"), copies);
    let named = format!("DBInstanceAutomatedBackupsArn={copies}");
    let seen = there.query("rds", "DescribeDBInstanceAutomatedBackups", &named).await.ok();
    assert_eq!(
        (seen.get("Status"), seen.get("BackupRetentionPeriod")),
        ("replicating".into(), "7".into())
    );
    let delete = "DeleteDBInstanceAutomatedBackup";
    let used = there.query("rds", delete, &named).await;
    assert_eq!(used.code(), "InvalidDBInstanceAutomatedBackupState");
    let stop = "StopDBInstanceAutomatedBackupsReplication";
    there.query("rds", stop, &source).await.ok();
    let filter = "Filters.Filter.1.Name=status&Filters.Filter.1.Values.Value.1=retained";
    let kept = there.query("rds", "DescribeDBInstanceAutomatedBackups", filter).await.ok();
    assert_eq!(kept.get("DBInstanceAutomatedBackupsArn"), copies);
    let again = there.query("rds", stop, &source).await;
    assert!(again.text.contains("not replicating to the current region"), "{}", again.text);
    there.query("rds", delete, &named).await.ok();
    let gone = there.query("rds", "DescribeDBInstanceAutomatedBackups", &named).await;
    assert_eq!(gone.code(), "DBInstanceAutomatedBackupNotFound");
}

#[tokio::test]
async fn images_are_told_by_their_manifests() {
    let aws = instant();
    let named = |more: Value| {
        let mut body = json!({"repositoryName": "app"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let fixed = named(json!({"imageTagMutability": "IMMUTABLE"}));
    aws.json("ecr", "CreateRepository", fixed).await.ok();
    let image =
        |tag: &str, manifest: &str| named(json!({"imageTag": tag, "imageManifest": manifest}));
    let put = aws.json("ecr", "PutImage", image("1", "{}")).await.ok().json();
    // What `printf '{}' | sha256sum` says.
    let digest = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    assert_eq!(put["image"]["imageId"]["imageDigest"], digest);
    let twice = aws.json("ecr", "PutImage", image("1", "{}")).await;
    assert_eq!(twice.code(), "ImageAlreadyExistsException");
    let moved = aws.json("ecr", "PutImage", image("1", "{ }")).await;
    assert_eq!(moved.code(), "ImageTagAlreadyExistsException");
    aws.json("ecr", "PutImage", image("2", "{}")).await.ok();
    let mut wrong = image("3", "{ }");
    wrong["imageDigest"] = json!(digest);
    let wrong = aws.json("ecr", "PutImage", wrong).await;
    assert_eq!(wrong.code(), "ImageDigestDoesNotMatchException");
    assert_eq!(
        aws.json("ecr", "PutImage", image("3", "{")).await.code(),
        "InvalidParameterException"
    );

    let ids = |ids: Value| named(json!({"imageIds": ids}));
    let seen = aws.json("ecr", "DescribeImages", ids(json!([{"imageTag": "2"}]))).await.ok().json();
    assert_eq!(seen["imageDetails"][0]["imageTags"], json!(["1", "2"]));
    let none = aws.json("ecr", "DescribeImages", ids(json!([{"imageTag": "9"}]))).await;
    assert_eq!(none.code(), "ImageNotFoundException");
    let listed = aws.json("ecr", "ListImages", named(json!({}))).await.ok().json();
    assert_eq!(listed["imageIds"].as_array().map(Vec::len), Some(2));
    let both = ids(json!([{"imageDigest": digest}, {"imageTag": "9"}]));
    let got = aws.json("ecr", "BatchGetImage", both).await.ok().json();
    assert_eq!(got["images"][0]["imageManifest"], "{}");
    assert_eq!(got["failures"][0]["failureCode"], "ImageNotFound");
    // The last tag takes the image with it.
    for tag in ["1", "2"] {
        aws.json("ecr", "BatchDeleteImage", ids(json!([{"imageTag": tag}]))).await.ok();
    }
    let left = aws.json("ecr", "DescribeImages", named(json!({}))).await.ok().json();
    assert_eq!(left["imageDetails"], json!([]));
}
