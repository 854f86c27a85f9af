//! A place is checked before anything is written there.

use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule,
    LifecycleRuleFilter,
};
use infra_aws::embedded::Cloud;
use infra_state::{
    Backend, ErrorKind, Holder,
    backend::{Claim, Put},
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::lab::{BUCKET, Clients, REGION, cloud, prepared};

async fn expire(clients: &Clients, prefix: &str) {
    let rule = LifecycleRule::builder()
        .id("thirty days")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix(prefix).build())
        .expiration(LifecycleExpiration::builder().days(30).build());
    let rules = BucketLifecycleConfiguration::builder().rules(rule.build().unwrap());
    let put = clients.s3.put_bucket_lifecycle_configuration().bucket(BUCKET);
    put.lifecycle_configuration(rules.build().unwrap()).send().await.unwrap();
}

async fn keys(clients: &Clients) -> Vec<String> {
    let listed = clients.s3.list_objects_v2().bucket(BUCKET).send().await.unwrap();
    listed.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect()
}

fn count(cloud: &Cloud, operation: &str) -> usize {
    cloud.calls().iter().filter(|call| call.operation == operation).count()
}

/// A bucket and a table, and a place in them that was never used.
async fn unused(cloud: &Cloud) -> Clients {
    prepared(cloud, "elsewhere").await;
    Clients::of(cloud, REGION)
}

#[tokio::test]
async fn a_place_whose_objects_would_expire_is_refused_and_nothing_is_written() {
    let cloud = cloud();
    let clients = unused(&cloud).await;
    let before = keys(&clients).await;
    for prefix in ["", "teams/"] {
        expire(&clients, prefix).await;
        let place = clients.place("teams/a");
        let error = place.put_if_absent("p/s/head.json", b"x").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.to_string().contains("\"thirty days\""), "{error}");
        assert!(error.to_string().contains("after 30 days"), "{error}");
        let claim = Claim {
            holder: Holder { who: "ann@host".to_owned(), command: "up".to_owned(), pid: 1 },
            nonce: Uuid::from_u128(1),
            beat: Uuid::from_u128(2),
            at: Timestamp::UNIX_EPOCH,
        };
        assert!(place.lease_take("p/s", &claim, None).await.is_err());
        assert_eq!(place.lease_holder("p/s").await.unwrap(), None);
        assert_eq!(keys(&clients).await, before);
    }
    // Of somebody else's objects it may say what it likes.
    expire(&clients, "logs/").await;
    let put = clients.place("teams/a").put_if_absent("p/s/head.json", b"x").await.unwrap();
    assert!(matches!(put, Put::Stored(_)));
}

#[tokio::test]
async fn a_checked_place_costs_one_read_a_run() {
    let cloud = cloud();
    let clients = unused(&cloud).await;
    let place = clients.place("team");
    let _ = place.put_if_absent("p/s/a", b"x").await.unwrap();
    assert!(count(&cloud, "GetBucketLifecycleConfiguration") > 0);
    cloud.clear_calls();
    let again = clients.place("team");
    for key in ["p/s/b", "p/s/c"] {
        let _ = again.put_if_absent(key, b"x").await.unwrap();
    }
    assert_eq!((count(&cloud, "GetObject"), count(&cloud, "PutObject")), (1, 2));
    assert_eq!(cloud.calls().len(), 3);
    // What the check wrote is neither seen nor left.
    assert_eq!(again.list("", "").await.unwrap(), ["p/"]);
    let all = keys(&clients).await;
    assert!(all.contains(&"team/.place.json".to_owned()), "{all:?}");
    assert!(!all.iter().any(|key| key.contains(".probe")), "{all:?}");
}

#[tokio::test]
async fn reading_writes_nothing() {
    let cloud = cloud();
    let clients = unused(&cloud).await;
    let before = keys(&clients).await;
    let place = clients.place("team");
    assert_eq!(place.get("p/s/head.json").await.unwrap(), None);
    assert!(place.list("", "").await.unwrap().is_empty());
    assert_eq!(place.lease_holder("p/s").await.unwrap(), None);
    assert_eq!(keys(&clients).await, before);
}

#[tokio::test]
async fn a_check_that_is_cut_off_is_made_again() {
    let cloud = cloud();
    let clients = unused(&cloud).await;
    let place = clients.place("team");
    for _ in 0..3 {
        cloud.faults().lose_reply(1, "PutObject");
        let error = place.put_if_absent("p/s/a", b"x").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    }
    let _ = place.put_if_absent("p/s/a", b"x").await.unwrap();
    assert_eq!(place.list("p/s", "").await.unwrap(), ["a"]);
}
