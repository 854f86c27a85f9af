//! Leases that run out, holders that are taken over from.

use std::{sync::Arc, time::Duration};

use super::world::*;
use crate::{
    Change, ErrorKind, LocalKey, Memory, State, Verb,
    backend::{Effect, Operation},
    env::{Env, Fake},
};

/// Lets time pass in small steps, so that whoever sleeps gets its turn.
async fn pass(env: &Fake, time: Duration) {
    let until = env.monotonic() + time;
    while env.monotonic() < until {
        env.advance(Duration::from_millis(250));
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_holder_that_beats_keeps_the_lock() {
    let (memory, env) = (beats(), Fake::new(1));
    let (first, second) = (state(memory.clone(), &env), state(memory, &env.sibling(2)));
    let session = acquired(&first).await;
    let waiting = tokio::spawn(async move { second.acquire(who("b"), 5 * LEASE).await });
    pass(&env, 4 * LEASE).await;
    session.check().unwrap();
    session.commit(vec![Change::Put(record("a"))]).await.unwrap();
    assert!(!waiting.is_finished());
    session.release().await.unwrap();
    pass(&env, Duration::from_secs(1)).await;
    let next = waiting.await.unwrap().unwrap();
    assert_eq!(names(&next.snapshot()), ["a"]);
}

#[tokio::test]
async fn a_dead_holder_is_taken_over_from_after_one_lease_and_not_before() {
    let (memory, env) = (beats(), Fake::new(1));
    let (first, second) = (state(memory.clone(), &env), state(memory, &env.sibling(2)));
    let session = acquired(&first).await;
    session.commit(vec![Change::Put(record("a"))]).await.unwrap();
    // Dropped without closing: no beats, no release.
    drop(session);
    let impatient = second.acquire(who("b"), Duration::ZERO).await.unwrap_err();
    assert_eq!(impatient.kind(), ErrorKind::Locked);
    let waiting = tokio::spawn(async move { second.acquire(who("b"), 2 * LEASE).await });
    tokio::task::yield_now().await;
    pass(&env, Duration::from_secs(59)).await;
    assert!(!waiting.is_finished(), "before a whole lease was watched");
    pass(&env, Duration::from_secs(2)).await;
    assert_eq!(names(&waiting.await.unwrap().unwrap().snapshot()), ["a"]);
}

#[tokio::test]
async fn a_holder_stops_by_itself_before_anybody_may_take_over() {
    let (memory, env) = (beats(), Fake::new(1));
    let (backend, plan) = faulty(&memory, &env);
    let state = state(backend, &env);
    let session = acquired(&state).await;
    from_now(&plan, |call| match call.operation {
        Operation::LeaseRenew => Effect::Fail,
        _ => Effect::Pass,
    });
    pass(&env, LEASE / 3).await;
    session.check().unwrap();
    // The other half of the lease is for what was started until now.
    pass(&env, LEASE / 6).await;
    assert_eq!(session.check().unwrap_err().kind(), ErrorKind::Fenced);
    let error = session.commit(vec![Change::Put(record("a"))]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fenced);
    assert!(!memory.keys().iter().any(|key| key.ends_with("0000000002.ndjson")), "it wrote");
}

#[tokio::test]
async fn a_zombie_that_wakes_after_a_take_over_can_neither_append_nor_compact() {
    // By its own clock the first one holds for a while yet; a person unlocks it.
    let (memory, env) = (beats(), Fake::new(1));
    let (first, second) = (state(memory.clone(), &env), state(memory.clone(), &env.sibling(2)));
    let zombie = acquired(&first).await;
    zombie.commit(vec![Change::Put(record("a"))]).await.unwrap();
    let nonce = second.holder().await.unwrap().unwrap().nonce.to_string();

    second.unlock("00000000-0000-0000-0000-000000000000").await.unwrap_err();
    second.unlock("nonsense").await.unwrap_err();
    second.unlock(&nonce).await.unwrap();
    assert_eq!(second.unlock(&nonce).await.unwrap_err().kind(), ErrorKind::Invalid);
    let session = second.acquire(who("b"), Duration::ZERO).await.unwrap();
    session.commit(vec![Change::Put(record("b"))]).await.unwrap();

    zombie.check().unwrap();
    {
        let mut writer = zombie.writer.lock().await;
        let error = zombie.compact(&mut writer).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Fenced);
    }
    let error = zombie.commit(vec![Change::Put(record("z"))]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fenced);
    assert_eq!(zombie.check().unwrap_err().kind(), ErrorKind::Fenced, "once is enough to know");
    assert_eq!(zombie.release().await.unwrap_err().kind(), ErrorKind::Fenced);

    session.commit(vec![Change::Put(record("c"))]).await.unwrap();
    session.close(entry(1)).await.unwrap();
    let view = first.read().await.unwrap().unwrap();
    assert_eq!(names(&view.snapshot), ["a", "b", "c"]);
    assert_eq!(view.holder, None);
}

#[tokio::test]
async fn a_zombie_is_still_refused_after_its_segments_were_compacted() {
    let (memory, env) = (Memory::new(), Fake::new(1));
    let (first, second) = (state(memory.clone(), &env), state(memory.clone(), &env.sibling(2)));
    let zombie = acquired(&first).await;
    zombie.commit(vec![Change::Put(record("a"))]).await.unwrap();
    let nonce = second.holder().await.unwrap().unwrap().nonce.to_string();
    second.unlock(&nonce).await.unwrap();
    for _ in 0..20 {
        let session = second.acquire(who("b"), Duration::ZERO).await.unwrap();
        session.commit(vec![Change::Put(record("b"))]).await.unwrap();
        let mut writer = session.writer.lock().await;
        session.compact(&mut writer).await.unwrap();
        drop(writer);
        session.release().await.unwrap();
    }
    assert!(memory.keys().len() < 40, "{:?}", memory.keys());
    let error = zombie.commit(vec![Change::Put(record("z"))]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fenced);
    assert_eq!(names(&first.read().await.unwrap().unwrap().snapshot), ["a", "b"]);
}

#[tokio::test]
async fn deleting_the_place_of_leases_loses_nothing() {
    let env = Fake::new(1);
    let memory = Memory::new();
    let first = state(memory.clone(), &env);
    for _ in 0..3 {
        let session = acquired(&first).await;
        session.commit(vec![Change::Put(record("a"))]).await.unwrap();
        session.release().await.unwrap();
    }
    // A copy has the objects and no leases: its count of epochs begins again, the head's does not.
    let second = state(memory.copied(), &env);
    let session = acquired(&second).await;
    assert_eq!(session.epoch(), 4);
    session.commit(vec![Change::Put(record("b"))]).await.unwrap();
    assert_eq!(second.read().await.unwrap().unwrap().snapshot, session.snapshot());
}

#[tokio::test]
async fn where_the_kernel_watches_time_ends_nothing_and_an_unlock_does() {
    let (memory, env) = (Memory::new(), Fake::new(1));
    let (first, second) = (state(memory.clone(), &env), state(memory.clone(), &env.sibling(2)));
    let session = acquired(&first).await;
    pass(&env, LEASE).await;
    session.check().unwrap();
    let nonce = second.holder().await.unwrap().unwrap().nonce.to_string();
    second.unlock(&nonce).await.unwrap();
    assert_eq!(session.check().unwrap_err().kind(), ErrorKind::Fenced);
}

#[tokio::test]
async fn whoever_loses_its_lock_files_does_not_take_the_next_ones_for_its_own() {
    // The first holder of the next life of the folder has the same epoch, and so the same names.
    let removed = |folder: &std::path::Path| std::fs::remove_dir_all(folder).unwrap();
    let standing = |folder: &std::path::Path| {
        std::fs::remove_file(folder.join("program/dev/.lease/holder.json")).unwrap();
    };
    let ways: [fn(&std::path::Path); 2] = [removed, standing];
    for lose in ways {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("state");
        let open = |seed| state(crate::Local::new(&place).unwrap(), &Fake::new(seed));
        let first = acquired(&open(1)).await;
        first.check().unwrap();
        lose(&place);
        let second = open(2).acquire(who("b"), Duration::ZERO).await;
        if place.join("program/dev/.lease/holder.json").exists() {
            let second = second.unwrap();
            second.check().unwrap();
            assert_eq!(first.check().unwrap_err().kind(), ErrorKind::Fenced);
            second.release().await.unwrap();
        } else {
            // Its lock file is there yet, and locked.
            assert_eq!(second.unwrap_err().kind(), ErrorKind::Locked);
        }
        let error = first.check().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Fenced, "what is lost stays lost");
        drop(first);
        open(2).acquire(who("b"), Duration::ZERO).await.unwrap().check().unwrap();
    }
}

#[tokio::test]
async fn where_the_kernel_watches_nothing_is_acknowledged_after_an_unlock() {
    // No fence is left that would stop it: the stack was removed.
    let (memory, env) = (Memory::new(), Fake::new(1));
    let (first, second) = (state(memory.clone(), &env), state(memory.clone(), &env.sibling(2)));
    let zombie = acquired(&first).await;
    let nonce = second.holder().await.unwrap().unwrap().nonce.to_string();
    second.unlock(&nonce).await.unwrap();
    second.remove(who("b"), Duration::ZERO).await.unwrap();
    assert!(memory.keys().is_empty());
    let error = zombie.commit(vec![Change::Put(record("z"))]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fenced);
    assert_eq!(zombie.check().unwrap_err().kind(), ErrorKind::Fenced);
}

/// For how long somebody is held up: not long enough to be stopped by its own clock.
const HELD: Duration = Duration::from_secs(1);

/// Runs `held` until it asks for something that `decide` holds up, then `others`, and then the rest of `held`.
async fn held_up<T>(
    env: &Fake,
    plan: &Plan,
    decide: impl Fn(&crate::backend::Call<'_>) -> bool + Send + Sync + 'static,
    held: impl Future<Output = T>,
    others: impl AsyncFnOnce(),
) -> T {
    from_now(plan, move |call| if decide(call) { Effect::Late(HELD) } else { Effect::Pass });
    let mut held = Box::pin(held);
    for _ in 0..1000 {
        tokio::select! {
            biased;
            _ = &mut held => panic!("it was not held up"),
            () = tokio::task::yield_now() => {}
        }
    }
    from_now(plan, |_| Effect::Pass);
    Box::pin(others()).await;
    env.advance(HELD);
    held.await
}

async fn unlock(state: &State) {
    let nonce = state.holder().await.unwrap().unwrap().nonce.to_string();
    state.unlock(&nonce).await.unwrap();
}

async fn fold(state: &State, name: &str) {
    let session = acquired(state).await;
    session.commit(vec![Change::Put(record(name))]).await.unwrap();
    let mut writer = session.writer.lock().await;
    session.compact(&mut writer).await.unwrap();
    drop(writer);
    session.release().await.unwrap();
}

#[tokio::test]
async fn a_holder_that_the_kernel_watches_stops_at_once_when_its_lock_is_taken() {
    let (memory, env) = (Memory::new(), Fake::new(1));
    let (first, second) = (state(memory.clone(), &env), state(memory, &env.sibling(2)));
    let session = acquired(&first).await;
    session.check().unwrap();
    unlock(&second).await;
    assert_eq!(session.check().unwrap_err().kind(), ErrorKind::Fenced);
}

#[tokio::test]
async fn who_is_held_up_while_it_tidies_up_removes_nothing_of_the_next() {
    let (memory, env) = (beats(), Fake::new(1));
    let (backend, plan) = faulty(&memory, &env);
    let (first, second) = (state(backend, &env), state(memory.clone(), &env.sibling(2)));
    let lists = |call: &crate::backend::Call<'_>| {
        call.operation == Operation::List && call.key.ends_with("/snapshots")
    };
    held_up(&env, &plan, lists, Box::pin(fold(&first, "a")), async || {
        unlock(&second).await;
        for name in ["b", "c", "d"] {
            fold(&second, name).await;
        }
    })
    .await;
    assert_eq!(names(&second.read().await.unwrap().unwrap().snapshot), ["a", "b", "c", "d"]);
    fold(&first, "e").await;
    assert_eq!(names(&second.read().await.unwrap().unwrap().snapshot), ["a", "b", "c", "d", "e"]);
}

#[tokio::test]
async fn who_is_held_up_while_it_tidies_up_leaves_history_that_was_sealed_anew() {
    let (memory, env) = (beats(), Fake::new(1));
    let (backend, plan) = faulty(&memory, &env);
    let (first, second) = (state(backend, &env), state(memory.clone(), &env.sibling(2)));
    acquired(&second).await.close(entry(1)).await.unwrap();
    let key = Arc::new(LocalKey::from_bytes([8; 32]));
    let lists = |call: &crate::backend::Call<'_>| {
        call.operation == Operation::List && call.key.ends_with("/snapshots")
    };
    held_up(&env, &plan, lists, Box::pin(fold(&first, "a")), async || {
        unlock(&second).await;
        let session = acquired(&second).await;
        Box::pin(session.rekey(Arc::clone(&key) as _)).await.unwrap();
        session.release().await.unwrap();
    })
    .await;
    let history = second.with_sealer(key).history(9).await.unwrap();
    assert_eq!(history.len(), 1, "it is not the earlier holder's to judge");
}

#[tokio::test]
async fn who_is_held_up_while_it_removes_a_stack_removes_nothing_of_the_next() {
    for at in ["/head.json", "/journal/0000000001.ndjson"] {
        let (memory, env) = (beats(), Fake::new(1));
        let (backend, plan) = faulty(&memory, &env);
        let (first, second) = (state(backend, &env), state(memory.clone(), &env.sibling(2)));
        acquired(&first).await.release().await.unwrap();
        let deletes = move |call: &crate::backend::Call<'_>| {
            call.operation == Operation::Delete && call.key.ends_with(at)
        };
        let removing = Box::pin(first.remove(who("a"), Duration::ZERO));
        let removed = held_up(&env, &plan, deletes, removing, async || {
            unlock(&second).await;
            fold(&second, "b").await;
        })
        .await;
        assert_eq!(removed.unwrap_err().kind(), ErrorKind::Fenced, "{at}");
        assert_eq!(names(&second.read().await.unwrap().unwrap().snapshot), ["b"], "{at}");
    }
}

#[tokio::test]
async fn who_is_held_up_before_its_seal_does_not_write_where_nobody_reads() {
    // The number of its seal, and those after it, were taken and folded away meanwhile.
    let (memory, env) = (beats(), Fake::new(1));
    let (backend, plan) = faulty(&memory, &env);
    let (first, second) = (state(memory.clone(), &env.sibling(2)), state(backend, &env));
    let third = state(memory.clone(), &env.sibling(3));
    let zombie = acquired(&first).await;
    unlock(&third).await;
    let seals = |call: &crate::backend::Call<'_>| call.operation == Operation::PutIfAbsent;
    let opened =
        held_up(&env, &plan, seals, second.acquire(who("b"), Duration::ZERO), async || {
            // On the lock that was taken from it nobody has sealed yet.
            for name in ["x", "y"] {
                let _ = zombie.commit(vec![Change::Put(record(name))]).await;
            }
            unlock(&third).await;
            fold(&third, "c").await;
        })
        .await;
    assert_eq!(opened.unwrap_err().kind(), ErrorKind::Fenced);
    fold(&third, "d").await;
    assert_eq!(names(&third.read().await.unwrap().unwrap().snapshot), ["c", "d", "x", "y"]);
}

#[tokio::test]
async fn a_holder_whose_lock_was_freed_may_be_alive_and_is_waited_for_where_something_is_open() {
    for open in [true, false] {
        let (memory, env) = (beats(), Fake::new(1));
        let (first, second) = (state(memory.clone(), &env), state(memory.clone(), &env.sibling(2)));
        let session = acquired(&first).await;
        session.commit(vec![Change::Begun(deployment(1))]).await.unwrap();
        if open {
            session.commit(vec![intent(1, Verb::Create, record("a"))]).await.unwrap();
        }
        // A person thinks it dead, or the table is lost.
        memory.free_leases();
        let begun = env.monotonic();
        let next = tokio::spawn(async move { second.acquire(who("b"), Duration::ZERO).await });
        pass(&env, Duration::from_secs(1)).await;
        assert_eq!(next.is_finished(), !open);
        if open {
            // Until its next beat it does not know, and may call.
            session.check().unwrap();
        }
        pass(&env, LEASE).await;
        next.await.unwrap().unwrap().check().unwrap();
        assert!(env.monotonic() >= begun + LEASE);
        assert_eq!(session.check().unwrap_err().kind(), ErrorKind::Fenced);
    }
}
