//! `prepare` makes what a state needs, `examine` says how it is.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ProvisionedThroughput,
    ScalarAttributeType,
};
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule,
    LifecycleRuleFilter,
};
use infra_aws::embedded::{Cloud, Settings};
use infra_state::{Backend, ErrorKind, Finding, Grade};

use crate::lab::{BUCKET, Clients, REGION, TABLE, cloud, prepared};

fn grades(findings: &[Finding], grade: Grade) -> Vec<&str> {
    let of = findings.iter().filter(|finding| finding.grade == grade);
    of.map(|finding| finding.what.as_str()).collect()
}

fn says(findings: &[Finding], grade: Grade, what: &str) {
    let of = grades(findings, grade);
    assert!(of.iter().any(|finding| finding.contains(what)), "{what:?} is not in {of:#?}");
}

async fn make_table(clients: &Clients, key: &str, billing: BillingMode) {
    let element = KeySchemaElement::builder().attribute_name(key).key_type(KeyType::Hash);
    let attribute = AttributeDefinition::builder().attribute_name(key);
    let attribute = attribute.attribute_type(ScalarAttributeType::S);
    let capacity = ProvisionedThroughput::builder().read_capacity_units(1).write_capacity_units(1);
    let provisioned = billing == BillingMode::Provisioned;
    clients
        .dynamodb
        .create_table()
        .table_name(TABLE)
        .key_schema(element.build().unwrap())
        .attribute_definitions(attribute.build().unwrap())
        .billing_mode(billing)
        .set_provisioned_throughput(provisioned.then(|| capacity.build().unwrap()))
        .send()
        .await
        .unwrap();
}

async fn make_bucket(clients: &Clients) {
    use aws_sdk_s3::types::CreateBucketConfiguration;

    let here = CreateBucketConfiguration::builder().location_constraint(REGION.into()).build();
    let create = clients.s3.create_bucket().bucket(BUCKET).create_bucket_configuration(here);
    create.send().await.unwrap();
}

#[tokio::test]
async fn nothing_becomes_everything_once() {
    // Tables and buckets take their time here.
    let cloud = Cloud::memory(Settings::default());
    for region in [REGION, "us-east-1"] {
        let clients = Clients::of(&cloud, region);
        let place = clients.at(&format!("s3://acme-{region}/team?lock={TABLE}"));
        let before = place.examine().await.unwrap();
        says(&before, Grade::Wrong, &format!("there is no bucket acme-{region}"));
        says(&before, Grade::Wrong, &format!("there is no table {TABLE}"));

        let made = place.prepare().await.unwrap();
        says(&made, Grade::Notice, &format!("the bucket acme-{region} was made"));
        says(&made, Grade::Notice, &format!("the table {TABLE} was made"));
        for finding in place.examine().await.unwrap() {
            assert_eq!(finding.grade, Grade::Good, "{finding}");
        }
        for finding in place.prepare().await.unwrap() {
            assert_eq!(finding.grade, Grade::Good, "{finding}");
        }
        let table = clients.dynamodb.describe_table().table_name(TABLE).send().await.unwrap();
        assert_eq!(table.table.unwrap().deletion_protection_enabled, Some(true));
    }
}

#[tokio::test]
async fn what_is_there_is_adopted_with_what_others_put_there() {
    let cloud = cloud();
    let clients = Clients::of(&cloud, REGION);
    make_bucket(&clients).await;
    clients.s3.delete_public_access_block().bucket(BUCKET).send().await.unwrap();
    let foreign = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Theirs","Effect":"Allow",
        "Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"s3:GetObject",
        "Resource":"arn:aws:s3:::acme-state/logs/*"}]}"#;
    clients.s3.put_bucket_policy().bucket(BUCKET).policy(foreign).send().await.unwrap();
    let logs = LifecycleRule::builder()
        .id("logs")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("logs/").build())
        .expiration(LifecycleExpiration::builder().days(7).build())
        .build()
        .unwrap();
    let rules = BucketLifecycleConfiguration::builder().rules(logs.clone()).build().unwrap();
    let put = clients.s3.put_bucket_lifecycle_configuration().bucket(BUCKET);
    put.lifecycle_configuration(rules).send().await.unwrap();
    make_table(&clients, "LockID", BillingMode::Provisioned).await;

    let place = clients.place("team");
    let before = place.examine().await.unwrap();
    says(&before, Grade::Wrong, "public access to the bucket");
    for what in [
        "versioning of the bucket: off",
        "policy of the bucket: calls without TLS",
        "lifecycle of the bucket",
        "capacity of the table",
        "deletion protection of the table: off",
        "backups of the table: no",
    ] {
        says(&before, Grade::Notice, what);
    }
    let changed = place.prepare().await.unwrap();
    assert_eq!(grades(&changed, Grade::Notice).len(), 7, "{changed:#?}");
    for finding in place.examine().await.unwrap() {
        assert_eq!(finding.grade, Grade::Good, "{finding}");
    }
    let policy = clients.s3.get_bucket_policy().bucket(BUCKET).send().await.unwrap();
    let policy = policy.policy.unwrap();
    assert!(policy.contains("\"Theirs\"") && policy.contains("aws:SecureTransport"), "{policy}");
    let rules = clients.s3.get_bucket_lifecycle_configuration().bucket(BUCKET).send().await;
    let rules = rules.unwrap().rules.unwrap();
    assert_eq!((rules.len(), &rules[0]), (2, &logs));
    let own = rules[1].filter().and_then(LifecycleRuleFilter::prefix);
    assert_eq!(own, Some("team/"));
    assert_eq!(rules[1].noncurrent_version_expiration().unwrap().noncurrent_days(), Some(90));
    let uploads = rules[1].abort_incomplete_multipart_upload().unwrap();
    assert_eq!(uploads.days_after_initiation(), Some(7));
}

#[tokio::test]
async fn a_table_with_another_key_is_neither_used_nor_changed() {
    let cloud = cloud();
    let clients = Clients::of(&cloud, REGION);
    make_bucket(&clients).await;
    make_table(&clients, "id", BillingMode::PayPerRequest).await;
    let place = clients.place("team");
    says(&place.examine().await.unwrap(), Grade::Wrong, "has the key id");
    let error = place.prepare().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("hash key `LockID`"), "{error}");
    let table = clients.dynamodb.describe_table().table_name(TABLE).send().await.unwrap();
    assert_ne!(table.table.unwrap().deletion_protection_enabled, Some(true));
}

#[tokio::test]
async fn two_that_prepare_at_once_make_one_place() {
    let cloud = cloud();
    let clients = Clients::of(&cloud, REGION);
    let (a, b) = (clients.place("team"), clients.place("team"));
    let (a, b) = tokio::join!(a.prepare(), b.prepare());
    a.unwrap();
    b.unwrap();
    for finding in clients.place("team").examine().await.unwrap() {
        assert_eq!(finding.grade, Grade::Good, "{finding}");
    }
}

#[tokio::test]
async fn what_may_not_be_looked_at_is_said_and_the_rest_is_looked_at() {
    let cloud = cloud();
    let place = prepared(&cloud, "team").await;
    cloud.faults().refuse("GetBucketPolicy", "AccessDenied", 403, "Access Denied");
    cloud.faults().refuse("DescribeContinuousBackups", "AccessDeniedException", 400, "no");
    let findings = place.examine().await.unwrap();
    says(&findings, Grade::Notice, "`s3:GetBucketPolicy`");
    says(&findings, Grade::Notice, "`dynamodb:DescribeContinuousBackups`");
    assert_eq!(grades(&findings, Grade::Notice).len(), 2, "{findings:#?}");
    assert!(grades(&findings, Grade::Wrong).is_empty(), "{findings:#?}");
}

#[tokio::test]
async fn a_rule_that_came_later_is_found() {
    let cloud = cloud();
    let place = prepared(&cloud, "team").await;
    let clients = Clients::of(&cloud, REGION);
    let rule = LifecycleRule::builder()
        .id("all")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .expiration(LifecycleExpiration::builder().days(30).build());
    let rules = BucketLifecycleConfiguration::builder().rules(rule.build().unwrap());
    let put = clients.s3.put_bucket_lifecycle_configuration().bucket(BUCKET);
    put.lifecycle_configuration(rules.build().unwrap()).send().await.unwrap();
    says(&place.examine().await.unwrap(), Grade::Wrong, "the lifecycle rule \"all\"");
}
