//! What AWS refuses is an error that says what to do, and only what may pass is tried again.

use infra_aws::embedded::Cloud;
use infra_state::{
    Backend, Error, ErrorKind, Holder,
    backend::{Claim, Put, Taken},
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::lab::{BUCKET, Clients, REGION, TABLE, cloud, patient, prepared};

fn claim(who: u128) -> Claim {
    Claim {
        holder: Holder { who: format!("user-{who}@host"), command: "up".to_owned(), pid: 7 },
        nonce: Uuid::from_u128(who),
        beat: Uuid::from_u128(1000 + who),
        at: Timestamp::UNIX_EPOCH,
    }
}

fn says(error: &Error, kind: ErrorKind, words: &[&str]) {
    assert_eq!(error.kind(), kind, "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "{word:?} is not in: {error}");
    }
}

fn calls(cloud: &Cloud, operation: &str) -> usize {
    cloud.calls().iter().filter(|call| call.operation == operation).count()
}

#[tokio::test]
async fn a_place_that_was_not_made_says_how_to_make_it() {
    let cloud = cloud();
    let place = Clients::of(&cloud, REGION).place("team");
    for error in [
        place.get("p/s/head.json").await.unwrap_err(),
        place.list("", "").await.unwrap_err(),
        place.put_if_absent("p/s/x", b"x").await.unwrap_err(),
        place.lease_take("p/s", &claim(1), None).await.unwrap_err(),
    ] {
        says(&error, ErrorKind::Refused, &["no bucket acme-state", "bootstrap"]);
    }
    let elsewhere = prepared(&cloud, "team").await;
    drop(elsewhere);
    let no_table = Clients::of(&cloud, REGION).at(&format!("s3://{BUCKET}/team?lock=nothing"));
    let error = no_table.lease_take("p/s", &claim(1), None).await.unwrap_err();
    says(&error, ErrorKind::Refused, &["no table nothing", "bootstrap", "nothing is lost"]);
    // To read a state no table is needed.
    assert_eq!(no_table.lease_holder("p/s").await.unwrap(), None);
}

#[tokio::test]
async fn another_region_is_named() {
    let cloud = cloud();
    prepared(&cloud, "team").await;
    let elsewhere = Clients::of(&cloud, "us-west-2").place("team");
    let error = elsewhere.get("p/s/head.json").await.unwrap_err();
    says(&error, ErrorKind::Refused, &["another region", "in eu-west-1", "region=eu-west-1"]);
    let found = elsewhere.examine().await.unwrap();
    assert!(found[0].what.contains("region=eu-west-1"), "{}", found[0]);
}

#[tokio::test]
async fn what_is_denied_is_named_and_not_repeated() {
    let cloud = cloud();
    let place = patient(prepared(&cloud, "team").await);
    cloud.faults().refuse("PutObject", "AccessDenied", 403, "User: ann is not authorized");
    cloud.faults().refuse("UpdateItem", "AccessDeniedException", 400, "not authorized");
    cloud.faults().refuse("DeleteObject", "ExpiredToken", 400, "The provided token has expired.");
    cloud.faults().refuse("ListObjectsV2", "InvalidAccessKeyId", 403, "no such key");
    cloud.clear_calls();
    let error = place.put_if_absent("p/s/x", b"x").await.unwrap_err();
    let words = ["`s3:PutObject`", "arn:aws:s3:::acme-state/team/*", "ann is not authorized"];
    says(&error, ErrorKind::Refused, &words);
    let error = place.lease_take("p/s", &claim(1), None).await.unwrap_err();
    says(&error, ErrorKind::Refused, &["`dynamodb:UpdateItem`", "table/acme-locks"]);
    let error = place.delete("p/s/x").await.unwrap_err();
    says(&error, ErrorKind::Refused, &["have expired", "log in"]);
    let error = place.list("p", "").await.unwrap_err();
    says(&error, ErrorKind::Refused, &["does not accept the credentials", "AWS_PROFILE"]);
    for operation in ["PutObject", "UpdateItem", "DeleteObject", "ListObjectsV2"] {
        assert_eq!(calls(&cloud, operation), 1, "{operation}");
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let cloud = cloud();
    let place = patient(prepared(&cloud, "team").await);
    let busy = cloud.faults();
    busy.refuse_next(2, "PutObject", "ConditionalRequestConflict", 409, "at the same time");
    assert!(matches!(place.put_if_absent("p/s/x", b"x").await.unwrap(), Put::Stored(_)));
    busy.throttle_next(2, "GetObject");
    assert_eq!(place.get("p/s/x").await.unwrap().unwrap().body, b"x");
    busy.refuse_next(1, "UpdateItem", "ProvisionedThroughputExceededException", 400, "slow");
    busy.refuse_next(1, "UpdateItem", "InternalServerError", 500, "oh");
    busy.drop_request(1, "UpdateItem");
    let taken = place.lease_take("p/s", &claim(1), None).await.unwrap();
    assert!(matches!(taken, Taken::Granted(_)));
    busy.outage(true);
    let bare = prepared_in_outage(&cloud);
    let error = bare.get("p/s/x").await.unwrap_err();
    says(&error, ErrorKind::Unavailable, &["s3:GetObject"]);
}

fn prepared_in_outage(cloud: &Cloud) -> infra_state::backend::S3 {
    Clients::of(cloud, REGION).place("team")
}

#[tokio::test]
async fn a_lost_reply_is_told_from_a_lost_lock() {
    let cloud = cloud();
    let place = patient(prepared(&cloud, "team").await);
    cloud.faults().lose_reply(1, "UpdateItem");
    let Taken::Granted(first) = place.lease_take("p/s", &claim(1), None).await.unwrap() else {
        panic!("held by its own first attempt");
    };
    let Taken::Held(by) = place.lease_take("p/s", &claim(2), None).await.unwrap() else {
        panic!("granted twice");
    };
    assert_eq!(by.nonce, claim(1).nonce);
    cloud.faults().lose_reply(1, "UpdateItem");
    assert!(place.lease_renew("p/s", claim(1).nonce, Uuid::from_u128(5)).await.unwrap());
    assert!(place.lease_free("p/s", claim(1).nonce).await.unwrap());
    let Taken::Granted(second) = place.lease_take("p/s", &claim(2), None).await.unwrap() else {
        panic!("it was freed");
    };
    assert!(second.epoch > first.epoch);
}

#[tokio::test]
async fn terraforms_items_are_neither_touched_nor_misread() {
    use aws_sdk_dynamodb::types::AttributeValue;

    let cloud = cloud();
    let place = prepared(&cloud, "team").await;
    let clients = Clients::of(&cloud, REGION);
    let text = |text: &str| AttributeValue::S(text.to_owned());
    // A lock that Terraform holds, under the very key of one of our stacks; and a digest beside it.
    let lock = format!("{BUCKET}/team/p/s");
    let digest = format!("{BUCKET}/team/p/s-md5");
    let put = |id: &str, name: &str, value: &str| {
        let put = clients.dynamodb.put_item().table_name(TABLE).item("LockID", text(id));
        put.item(name, text(value)).send()
    };
    put(&lock, "Info", "{\"ID\":\"1\",\"Who\":\"tf@host\"}").await.unwrap();
    put(&digest, "Digest", "0123").await.unwrap();
    let items = async || {
        let mut all =
            clients.dynamodb.scan().table_name(TABLE).send().await.unwrap().items.unwrap();
        all.sort_by_key(|item| format!("{:?}", item["LockID"]));
        all
    };
    let before = items().await;
    for over in [None, Some(Uuid::from_u128(1))] {
        let error = place.lease_take("p/s", &claim(1), over).await.unwrap_err();
        says(&error, ErrorKind::Refused, &["Terraform", "another prefix"]);
    }
    assert_eq!(place.lease_holder("p/s").await.unwrap_err().kind(), ErrorKind::Refused);
    assert!(!place.lease_renew("p/s", claim(1).nonce, Uuid::from_u128(5)).await.unwrap());
    assert!(!place.lease_free("p/s", claim(1).nonce).await.unwrap());
    assert_eq!(items().await, before);
    let taken = place.lease_take("p/other", &claim(1), None).await.unwrap();
    assert!(matches!(taken, Taken::Granted(_)));
    assert_eq!(items().await.len(), 3);
}
