//! Reading a state that was read before: only what is new is fetched, and what is not the same any more is noticed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::world::*;
use crate::{
    Backend, Change, ErrorKind, LocalKey, Memory, State,
    backend::{Effect, Operation},
    env::Fake,
};

/// A stack with ten segments, a reader of it, and how many segments the reader has fetched.
async fn read_once() -> (State, State, Memory, Arc<AtomicUsize>) {
    let memory = Memory::new();
    let writer = state(memory.clone(), &Fake::new(1));
    commit(&writer, "n", 9).await;
    let (fault, plan) = faulty(&memory, &Fake::new(2));
    let fetched = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&fetched);
    from_now(&plan, move |call| {
        if call.operation == Operation::Get && call.key.contains("/journal/") {
            counts.fetch_add(1, Ordering::SeqCst);
        }
        Effect::Pass
    });
    let reader = state(fault, &Fake::new(3));
    assert_eq!(reader.read().await.unwrap().unwrap().snapshot.records.len(), 9);
    (writer, reader, memory, fetched)
}

async fn commit(state: &State, name: &str, count: usize) {
    let session = acquired(state).await;
    for n in 0..count {
        session.commit(vec![Change::Put(record(&format!("{name}{n}")))]).await.unwrap();
    }
    session.release().await.unwrap();
}

#[tokio::test]
async fn only_what_is_new_is_fetched() {
    let (writer, reader, _, fetched) = read_once().await;
    assert_eq!(fetched.swap(0, Ordering::SeqCst), 10);
    let first = reader.read().await.unwrap().unwrap();
    assert_eq!(fetched.swap(0, Ordering::SeqCst), 1, "the last one, to see that it is the same");
    commit(&writer, "m", 2).await;
    let second = reader.read().await.unwrap().unwrap();
    assert_eq!(fetched.swap(0, Ordering::SeqCst), 4, "that one, the fence, two commits");
    assert_eq!(second.snapshot.records.len(), first.snapshot.records.len() + 2);
    let fresh = writer.read().await.unwrap().unwrap();
    assert_eq!((fresh.snapshot, fresh.position), (second.snapshot, second.position));
}

#[tokio::test]
async fn a_lock_taken_after_a_reading_fetches_nothing_again() {
    let (_, reader, _, fetched) = read_once().await;
    fetched.store(0, Ordering::SeqCst);
    let session = reader.acquire(who("b"), Duration::ZERO).await.unwrap();
    assert_eq!(fetched.load(Ordering::SeqCst), 1);
    assert_eq!(session.snapshot().records.len(), 9);
    session.commit(vec![Change::Put(record("more"))]).await.unwrap();
    session.release().await.unwrap();
    assert_eq!(reader.read().await.unwrap().unwrap().snapshot.records.len(), 10);
}

#[tokio::test]
async fn a_state_that_was_put_back_is_read_anew() {
    let (writer, reader, memory, _) = read_once().await;
    let before = memory.copied();
    commit(&writer, "m", 2).await;
    assert_eq!(reader.read().await.unwrap().unwrap().snapshot.records.len(), 11);
    // Somebody restores the backup of the evening before.
    for key in memory.keys() {
        memory.overwrite(&key, before.get(&key).await.unwrap().map(|object| object.body));
    }
    assert_eq!(reader.read().await.unwrap().unwrap().snapshot.records.len(), 9);
    let session = reader.acquire(who("b"), Duration::ZERO).await.unwrap();
    session.commit(vec![Change::Put(record("other"))]).await.unwrap();
    session.release().await.unwrap();
    assert_eq!(writer.read().await.unwrap().unwrap().snapshot.records.len(), 10);
}

#[tokio::test]
async fn damage_to_the_last_segment_is_noticed() {
    let (_, reader, memory, _) = read_once().await;
    let last = memory.keys().into_iter().rfind(|key| key.contains("/journal/")).unwrap();
    let mut body = memory.get(&last).await.unwrap().unwrap().body;
    let middle = body.len() / 2;
    body[middle] ^= 1;
    memory.overwrite(&last, Some(body));
    let error = reader.read().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(error.to_string().contains(&last), "{error}");
}

#[tokio::test]
async fn what_was_read_without_the_key_is_not_taken_for_the_state() {
    let (writer, _, memory, _) = read_once().await;
    let other = writer.with_sealer(Arc::new(LocalKey::from_bytes([9; 32])));
    for _ in 0..2 {
        let (_, missing) = other.read_without_key().await.unwrap().unwrap();
        assert_eq!(missing.len(), 1, "each reading says which key it lacks");
        assert_eq!(other.read().await.unwrap_err().kind(), ErrorKind::Key);
    }
    let keys = memory.keys();
    assert!(other.acquire(who("b"), Duration::ZERO).await.is_err());
    assert_eq!(memory.keys(), keys);
}
