//! A state that moves: to another place, to another name, and cut off at every call.

use std::{sync::Arc, time::Duration};

use super::{crash::until_stuck, world::*};
use crate::{
    Change, ErrorKind, HistoryEntry, LocalKey, Memory, Rebind, StackName, State, Value, Verb, View,
    backend::{Backend, Effect},
    env::Fake,
};

/// Where a test moves a state to.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Way {
    /// Another place, another key.
    Elsewhere,
    /// Another name in the same place.
    Renamed,
}

fn old_place() -> Memory {
    Memory::new().at("old")
}

fn other_key() -> Arc<LocalKey> {
    Arc::new(LocalKey::from_bytes([9; 32]).with_env(Arc::new(Fake::new(9))))
}

/// The other end.
fn there(way: Way, backend: impl Backend + 'static, env: &Fake) -> State {
    match way {
        Way::Elsewhere => {
            let name = StackName::new("program", "dev").unwrap();
            State::new(Arc::new(backend), other_key(), name).with_env(Arc::new(env.clone()))
        }
        Way::Renamed => state(backend, env).named(StackName::new("program", "prod").unwrap()),
    }
}

/// A stack with a snapshot, a journal, two deployments and an open operation.
async fn filled(state: &State) -> (View, Vec<HistoryEntry>) {
    let session = acquired(state).await;
    session.commit(vec![Change::Begun(deployment(1)), Change::Put(record("a"))]).await.unwrap();
    {
        let mut writer = session.writer.lock().await;
        session.compact(&mut writer).await.unwrap();
    }
    session.close(entry(1)).await.unwrap();
    let session = acquired(state).await;
    let exports = [("e".to_owned(), Value::from("hunter2").secret())];
    session
        .commit(vec![
            Change::Begun(deployment(2)),
            Change::Put(on(record("b"), &["a"])),
            intent(1, Verb::Create, record("half")),
            Change::Exports(exports.into()),
        ])
        .await
        .unwrap();
    session.close(entry(2)).await.unwrap();
    (state.read().await.unwrap().unwrap(), all(state).await)
}

/// The history with its graphs.
async fn all(state: &State) -> Vec<HistoryEntry> {
    let mut all = Vec::new();
    for entry in state.history(100).await.unwrap() {
        all.push(state.deployment(entry.deployment.number).await.unwrap().unwrap());
    }
    all
}

fn same(was: &View, is: &View, context: &str) {
    assert_eq!(was.position, is.position, "{context}");
    let (was, is) = (&was.snapshot, &is.snapshot);
    assert_eq!(was.identity.lineage, is.identity.lineage, "{context}");
    assert_eq!(was.records, is.records, "{context}");
    assert_eq!(was.open, is.open, "{context}");
    assert_eq!(was.exports, is.exports, "{context}");
    assert_eq!((&was.deployment, was.outcome), (&is.deployment, is.outcome), "{context}");
}

async fn usable(state: &State) -> bool {
    match state.read().await {
        Ok(view) => view.is_some(),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Identity, "{error}");
            let refused = state.acquire(who("c"), Duration::ZERO).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Identity, "{refused}");
            false
        }
    }
}

#[tokio::test]
async fn a_moved_state_is_whole_and_the_old_place_says_where_it_went() {
    for way in [Way::Elsewhere, Way::Renamed] {
        let (memory, env) = (old_place(), Fake::new(1));
        let old = state(memory.clone(), &env);
        let (was, history) = filled(&old).await;
        let place = if way == Way::Renamed { memory.clone() } else { Memory::new().at("new") };
        let new = there(way, place, &env);
        let moved = old.migrate_to(&new, who("a"), Duration::ZERO).await.unwrap();
        assert_eq!((moved.records, moved.deployments), (2, 2));
        assert_eq!(moved.position, was.position);
        let is = new.read().await.unwrap().unwrap();
        same(&was, &is, "moved");
        assert_eq!(is.snapshot.identity.home, new.url());
        assert_eq!(is.snapshot.identity.stack, *new.name());
        assert_eq!(all(&new).await, history);

        let error = old.read().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Identity);
        let hint = if way == Way::Renamed { "--stack prod" } else { "--state memory:new" };
        assert!(error.to_string().contains(hint), "{error}");
        assert_eq!(old.left_for().await.unwrap(), Some(new.place()));
        assert_eq!(old.holder().await.unwrap(), None);
        let refused = old.acquire(who("b"), Duration::ZERO).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Identity);
        let refused = old.rebind(who("b"), Duration::ZERO, Rebind::Moved).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Identity);
        // Nothing of it is left but the note.
        for folder in ["program/dev/snapshots", "program/dev/history"] {
            assert!(memory.list(folder, "").await.unwrap().is_empty());
        }

        let session = acquired(&new).await;
        session.commit(vec![Change::Put(record("after"))]).await.unwrap();
        session.close(entry(3)).await.unwrap();
        // Said again, it is done; and it can go back.
        old.migrate_to(&new, who("a"), Duration::ZERO).await.unwrap();
        let was = new.read().await.unwrap().unwrap();
        new.migrate_to(&old, who("a"), Duration::ZERO).await.unwrap();
        same(&was, &old.read().await.unwrap().unwrap(), "back");
        assert_eq!(all(&old).await.len(), 3);
        let session = acquired(&old).await;
        session.commit(vec![Change::Put(record("home"))]).await.unwrap();
        session.close(entry(4)).await.unwrap();
        assert!(!usable(&new).await);
        // The note can be removed; the name is free then.
        new.remove(who("a"), Duration::ZERO).await.unwrap();
        assert!(new.read().await.unwrap().is_none());
        acquired(&new).await.release().await.unwrap();
    }
}

#[tokio::test]
async fn nothing_goes_over_another_state() {
    let env = Fake::new(1);
    let old = state(old_place(), &env);
    filled(&old).await;
    let new = there(Way::Elsewhere, Memory::new().at("new"), &env);
    acquired(&new).await.release().await.unwrap();
    let error = old.migrate_to(&new, who("a"), Duration::ZERO).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Identity, "{error}");
    assert!(usable(&old).await && usable(&new).await);
    let error = old.migrate_to(&old, who("a"), Duration::ZERO).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let held = acquired(&old).await;
    let free = there(Way::Elsewhere, Memory::new().at("free"), &env);
    let error = old.migrate_to(&free, who("b"), Duration::ZERO).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    held.release().await.unwrap();
    assert!(free.read().await.unwrap().is_none());
}

#[tokio::test]
async fn a_copy_whose_original_is_gone_can_be_taken_over() {
    let (memory, env) = (old_place(), Fake::new(1));
    let (was, _) = filled(&state(memory.clone(), &env)).await;
    let target = Memory::new().at("new");
    let (backend, plan) = faulty(&memory, &env);
    // It dies when it is about to seal the old end.
    from_now(&plan, |call| {
        let seals = call.operation == crate::backend::Operation::PutIfMatch && call.number > 12;
        if seals { Effect::HangBefore } else { Effect::Pass }
    });
    let new = there(Way::Elsewhere, target, &env);
    let broken = state(backend, &env);
    assert!(until_stuck(broken.migrate_to(&new, who("a"), Duration::ZERO)).await.is_none());
    let error = new.read().await.unwrap_err();
    assert!(error.to_string().contains("state rebind --moved"), "{error}");
    new.rebind(who("b"), Duration::ZERO, Rebind::Moved).await.unwrap();
    let is = new.read().await.unwrap().unwrap();
    assert_eq!(is.snapshot.records, was.snapshot.records);
}

/// Moves with the call number `at` of one end failing as `effect`, then again with nothing failing.
async fn crash(way: Way, of_old: bool, at: u64, effect: Effect) -> Option<bool> {
    let context = format!("{way:?}, call {at} of the old end {of_old}: {effect:?}");
    let (memory, env) = (old_place(), Fake::new(1));
    let target = if way == Way::Renamed { memory.clone() } else { Memory::new().at("new") };
    let (was, history) = filled(&state(memory.clone(), &env)).await;

    let (old_backend, old_plan) = faulty(&memory, &env);
    let (new_backend, new_plan) = faulty(&target, &env);
    let (plan, counter) =
        if of_old { (old_plan, old_backend.clone()) } else { (new_plan, new_backend.clone()) };
    from_now(&plan, move |call| if call.number == at { effect } else { Effect::Pass });
    let broken = state(old_backend, &env);
    let done =
        until_stuck(broken.migrate_to(&there(way, new_backend, &env), who("a"), Duration::ZERO))
            .await;
    if counter.calls() <= at {
        assert!(matches!(done, Some(Ok(_))), "it has to succeed when nothing fails");
        return None;
    }

    let env = env.sibling(2);
    let (old, new) = (state(memory, &env), there(way, target, &env));
    let (old_works, new_works) = (usable(&old).await, usable(&new).await);
    assert!(!(old_works && new_works), "{context}: two can be written");
    if old_works {
        same(&was, &old.read().await.unwrap().unwrap(), &context);
        assert_eq!(all(&old).await, history, "{context}");
    }
    if new_works {
        same(&was, &new.read().await.unwrap().unwrap(), &context);
        assert_eq!(all(&new).await, history, "{context}");
    }
    old.migrate_to(&new, who("b"), Duration::ZERO)
        .await
        .unwrap_or_else(|e| panic!("{context}: {e}"));
    same(&was, &new.read().await.unwrap().unwrap(), &context);
    assert_eq!(all(&new).await, history, "{context}");
    assert!(!usable(&old).await, "{context}");
    let session = new.acquire(who("b"), Duration::ZERO).await.expect(&context);
    session.commit(vec![Change::Put(record("after"))]).await.expect(&context);
    session.close(entry(3)).await.expect(&context);
    assert_eq!(all(&new).await.len(), 3, "{context}");
    Some(!old_works && !new_works)
}

#[tokio::test]
async fn cut_off_anywhere_one_end_is_usable_or_the_next_run_finishes() {
    for way in [Way::Elsewhere, Way::Renamed] {
        for effect in [Effect::HangBefore, Effect::HangAfter, Effect::Fail, Effect::LoseReply] {
            let (mut calls, mut between) = (0, 0);
            for of_old in [true, false] {
                let mut at = 0;
                while let Some(neither) = crash(way, of_old, at, effect).await {
                    at += 1;
                    between += u64::from(neither);
                }
                calls += at;
            }
            assert!(calls >= 40, "{calls}");
            assert!(between > 0, "the moment in which neither can be used was not met");
        }
    }
}

#[tokio::test]
async fn who_has_not_the_key_reads_all_but_the_secrets() {
    let (memory, env) = (old_place(), Fake::new(1));
    let state_dev = state(memory.clone(), &env);
    let (was, _) = filled(&state_dev).await;
    let stranger = there(Way::Elsewhere, memory, &env);
    assert_eq!(stranger.read().await.unwrap_err().kind(), ErrorKind::Key);
    let (view, missing) = stranger.read_without_key().await.unwrap().unwrap();
    assert_eq!(missing.len(), 1);
    assert_eq!(view.position, was.position);
    assert_eq!(view.snapshot.exports["e"], Value::Unknown.secret());
    let id = |view: &View| view.snapshot.current(&urn("a")).unwrap().id.clone();
    assert_eq!(id(&view), id(&was));
    let (view, missing) = state_dev.read_without_key().await.unwrap().unwrap();
    assert!(missing.is_empty());
    assert_eq!(view.snapshot, was.snapshot);
}
