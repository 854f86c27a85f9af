//! The table is only the lock: what becomes of it costs nothing that was remembered.

use std::{collections::HashMap, sync::Arc, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use infra_aws::embedded::Cloud;
use infra_state::{
    Backend, Change, Deployment, ErrorKind, Holder, LocalKey, Session, StackName, State,
    backend::S3,
};
use jiff::Timestamp;

use crate::lab::{Clients, REGION, TABLE, cloud, patient, prepared};

/// Long enough to work in, short enough to wait for.
const LEASE: Duration = Duration::from_millis(1500);

fn who(name: &str) -> Holder {
    Holder { who: format!("{name}@host"), command: "up".to_owned(), pid: 7 }
}

fn state(place: S3) -> State {
    let backend = patient(place.with_lease(LEASE));
    let key = Arc::new(LocalKey::from_bytes([7; 32]));
    State::new(backend, key, StackName::new("p", "s").unwrap())
}

async fn lab() -> (Cloud, Clients, State) {
    let cloud = cloud();
    let place = prepared(&cloud, "team").await;
    let clients = Clients::of(&cloud, REGION);
    (cloud, clients, state(place))
}

async fn begin(session: &Session, number: u64) -> infra_state::Result<()> {
    let deployment = Deployment {
        number,
        command: "up".to_owned(),
        by: "ann@host".to_owned(),
        revision: String::new(),
        at: Timestamp::UNIX_EPOCH,
        cloud: None,
    };
    session.commit(vec![Change::Begun(deployment)]).await
}

async fn delete_table(clients: &Clients) {
    let update = clients.dynamodb.update_table().table_name(TABLE);
    update.deletion_protection_enabled(false).send().await.unwrap();
    // It is being changed for a moment.
    while clients.dynamodb.delete_table().table_name(TABLE).send().await.is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until a holder stops by itself.
async fn fenced(session: &Session) {
    for _ in 0..100 {
        match session.check() {
            Ok(()) => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(e) => return assert_eq!(e.kind(), ErrorKind::Fenced),
        }
    }
    panic!("it still believes that it has the lock");
}

async fn number(state: &State) -> u64 {
    state.read().await.unwrap().unwrap().snapshot.deployment.unwrap().number
}

#[tokio::test]
async fn a_table_deleted_in_mid_run_stops_its_holder_and_loses_nothing() {
    let (_cloud, clients, state) = lab().await;
    let first = state.acquire(who("first"), Duration::ZERO).await.unwrap();
    begin(&first, 1).await.unwrap();
    delete_table(&clients).await;
    fenced(&first).await;
    assert_eq!(begin(&first, 2).await.unwrap_err().kind(), ErrorKind::Fenced);
    // Everything can be read; nobody can begin.
    assert_eq!(number(&state).await, 1);
    let error = state.acquire(who("second"), Duration::ZERO).await.unwrap_err();
    assert!(error.to_string().contains("bootstrap"), "{error}");

    state.backend().prepare().await.unwrap();
    let second = state.acquire(who("second"), Duration::ZERO).await.unwrap();
    assert!(second.epoch() > first.epoch(), "the state counts on, whatever the table says");
    begin(&second, 2).await.unwrap();
    assert!(begin(&first, 3).await.is_err());
    assert_eq!(number(&state).await, 2);
}

/// A new holder may even come while the earlier one has not yet noticed: the journal is fenced.
#[tokio::test]
async fn a_new_table_beside_a_holder_that_did_not_notice() {
    let (_cloud, clients, state) = lab().await;
    let first = state.acquire(who("first"), Duration::ZERO).await.unwrap();
    begin(&first, 1).await.unwrap();
    delete_table(&clients).await;
    state.backend().prepare().await.unwrap();
    let second = state.acquire(who("second"), Duration::ZERO).await.unwrap();
    assert!(second.epoch() > first.epoch());
    begin(&second, 2).await.unwrap();
    assert_eq!(begin(&first, 3).await.unwrap_err().kind(), ErrorKind::Fenced);
    assert_eq!(first.check().unwrap_err().kind(), ErrorKind::Fenced);
    assert_eq!(number(&state).await, 2);
}

async fn items(clients: &Clients) -> Vec<HashMap<String, AttributeValue>> {
    clients.dynamodb.scan().table_name(TABLE).send().await.unwrap().items.unwrap()
}

/// Point-in-time recovery brings back who held the lock then, and a smaller epoch.
#[tokio::test]
async fn a_table_put_back_to_an_earlier_time_gives_no_epoch_twice() {
    let (_cloud, clients, state) = lab().await;
    let early = state.acquire(who("early"), Duration::ZERO).await.unwrap();
    begin(&early, 1).await.unwrap();
    let backup = items(&clients).await;
    early.release().await.unwrap();
    for _ in 0..3 {
        let session = state.acquire(who("later"), Duration::ZERO).await.unwrap();
        session.release().await.unwrap();
    }
    let working = state.acquire(who("working"), Duration::ZERO).await.unwrap();
    begin(&working, 2).await.unwrap();

    for item in backup {
        let put = clients.dynamodb.put_item().table_name(TABLE).set_item(Some(item));
        put.send().await.unwrap();
    }
    fenced(&working).await;
    // Who held it then is long gone: its lease runs out like any dead holder's.
    let next = state.acquire(who("next"), LEASE * 4).await.unwrap();
    assert!(next.epoch() > working.epoch(), "{} after {}", next.epoch(), working.epoch());
    begin(&next, 3).await.unwrap();
    assert!(begin(&working, 4).await.is_err());
    assert!(begin(&early, 4).await.is_err());
    assert_eq!(number(&state).await, 3);
}

#[tokio::test]
async fn a_holder_that_dies_is_followed_after_a_lease() {
    let (_cloud, _clients, state) = lab().await;
    let dead = state.acquire(who("dead"), Duration::ZERO).await.unwrap();
    begin(&dead, 1).await.unwrap();
    let epoch = dead.epoch();
    drop(dead);
    let error = state.acquire(who("next"), Duration::ZERO).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.to_string().contains("dead@host"), "{error}");
    let next = state.acquire(who("next"), LEASE * 4).await.unwrap();
    assert!(next.epoch() > epoch);
    begin(&next, 2).await.unwrap();
    next.release().await.unwrap();
}
