//! Death and lost replies at every call of the backend.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::world::*;
use crate::{
    Change, Error, ErrorKind, Memory, Outcome, Session, State, Verb,
    backend::{Effect, Operation},
    env::Fake,
};

/// Polls until nothing moves any more: whoever waits for ever is then dropped, as by a kill.
pub(super) async fn until_stuck<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    for _ in 0..1000 {
        tokio::select! {
            biased;
            done = &mut work => return Some(done),
            () = tokio::task::yield_now() => {}
        }
    }
    None
}

/// A deployment of two runs; notes each acknowledged commit in `acknowledged`.
async fn deploy(state: &State, acknowledged: &AtomicU64) -> Result<(), Error> {
    let commit = async |session: &Session, changes| {
        session.commit(changes).await?;
        acknowledged.fetch_add(1, Ordering::SeqCst);
        Ok::<(), Error>(())
    };
    let session = state.acquire(who("a"), Duration::ZERO).await?;
    commit(&session, vec![Change::Begun(deployment(1))]).await?;
    for n in 0..3 {
        let record = record(&format!("n{n}"));
        commit(&session, vec![intent(n, Verb::Create, record.clone())]).await?;
        commit(&session, vec![Change::Created { op: op(n), id: "x".into() }]).await?;
        commit(&session, vec![Change::Done { op: op(n), record: Some(record) }]).await?;
    }
    {
        let mut writer = session.writer.lock().await;
        session.compact(&mut writer).await?;
    }
    commit(&session, vec![Change::Put(record("last"))]).await?;
    commit(&session, vec![Change::Ended(Outcome::Succeeded)]).await?;
    session.close(entry(1)).await
}

/// What the state is after so many commits of [`deploy`].
fn progress(state: &crate::Snapshot) -> u64 {
    let finished = state.records.len() as u64 - u64::from(state.current(&urn("last")).is_some());
    let begun = u64::from(state.deployment.is_some());
    let last = u64::from(state.current(&urn("last")).is_some());
    let open = state.open.values().map(|open| 1 + u64::from(open.created.is_some())).sum::<u64>();
    begun + 3 * finished + open + last + u64::from(state.outcome.is_some())
}

/// Runs `deploy` with the call number `at` failing as `effect`; then checks that nothing acknowledged is lost, and
/// that the next run goes on. `None` if there is no such call.
async fn crash(at: u64, effect: Effect) -> Option<()> {
    let (memory, env) = (Memory::new(), Fake::new(1));
    let (backend, plan) = faulty(&memory, &env);
    let counter = backend.clone();
    from_now(&plan, move |call| if call.number == at { effect } else { Effect::Pass });
    let acknowledged = Arc::new(AtomicU64::new(0));
    let broken = state(backend, &env);
    let done = until_stuck(deploy(&broken, &acknowledged)).await;
    if counter.calls() <= at {
        assert!(matches!(done, Some(Ok(()))), "it has to succeed when nothing fails");
        return None;
    }

    let healthy = state(memory.clone(), &env.sibling(2));
    let acknowledged = acknowledged.load(Ordering::SeqCst);
    let reached = match healthy.read().await.expect("what a crash leaves can be read") {
        Some(view) => progress(&view.snapshot),
        None => 0,
    };
    // One commit may have been written without being acknowledged.
    let context = format!("call {at} {effect:?}: {acknowledged} acknowledged, {reached} found");
    assert!((acknowledged..=acknowledged + 1).contains(&reached), "{context}");

    let session = healthy.acquire(who("b"), Duration::ZERO).await.expect(&context);
    assert_eq!(progress(&session.snapshot()), reached, "{context}");
    session.commit(vec![Change::Put(record("after"))]).await.expect(&context);
    session.close(entry(2)).await.expect(&context);
    let view = healthy.read().await.unwrap().unwrap();
    assert_eq!(view.snapshot, session.snapshot(), "{context}");
    Some(())
}

async fn everywhere(effect: Effect) -> u64 {
    let mut at = 0;
    while crash(at, effect).await.is_some() {
        at += 1;
    }
    at
}

#[tokio::test]
async fn dying_before_any_call_loses_nothing() {
    assert!(everywhere(Effect::HangBefore).await > 30);
}

#[tokio::test]
async fn dying_after_any_call_loses_nothing() {
    assert!(everywhere(Effect::HangAfter).await > 30);
}

#[tokio::test]
async fn a_failed_call_anywhere_loses_nothing() {
    assert!(everywhere(Effect::Fail).await > 30);
}

#[tokio::test]
async fn a_lost_reply_anywhere_loses_nothing() {
    assert!(everywhere(Effect::LoseReply).await > 30);
}

#[tokio::test]
async fn with_retries_every_lost_reply_is_understood() {
    let (memory, env) = (Memory::new(), Fake::new(1));
    let (backend, plan) = faulty(&memory, &env);
    // Every write is made, its reply lost, and made again.
    from_now(&plan, |call| {
        let loses = call.operation.mutates() && call.number % 2 == 0;
        if loses { Effect::LoseReply } else { Effect::Pass }
    });
    let calls = backend.clone();
    let retry = crate::backend::Retry::new(Arc::new(backend), Arc::new(env.clone()), LEASE);
    let state = state(retry, &env);
    let acknowledged = AtomicU64::new(0);
    let run = async {
        tokio::select! {
            done = deploy(&state, &acknowledged) => done,
            () = async { loop { env.advance(Duration::from_millis(100)); tokio::task::yield_now().await; } } => unreachable!(),
        }
    };
    run.await.unwrap();
    assert_eq!(acknowledged.load(Ordering::SeqCst), 12);
    assert!(calls.calls() > 40);
    let view = state.read().await.unwrap().unwrap();
    assert_eq!(names(&view.snapshot), ["last", "n0", "n1", "n2"]);
    assert_eq!(view.holder, None);
}

#[tokio::test]
async fn a_dropped_commit_is_finished_by_the_next() {
    let (memory, env) = (Memory::new(), Fake::new(1));
    let (backend, plan) = faulty(&memory, &env);
    let state = state(backend, &env);
    let session = acquired(&state).await;
    for (effect, first) in [(Effect::HangBefore, "a"), (Effect::HangAfter, "b")] {
        from_now(&plan, move |call| match call.operation {
            Operation::PutIfAbsent => effect,
            _ => Effect::Pass,
        });
        let dropped = until_stuck(session.commit(vec![Change::Put(record(first))])).await;
        assert!(dropped.is_none());
        from_now(&plan, |_| Effect::Pass);
        session
            .commit(vec![Change::Put(on(record(&format!("after-{first}")), &[]))])
            .await
            .unwrap();
    }
    assert_eq!(names(&session.snapshot()), ["a", "after-a", "after-b", "b"]);
    session.close(entry(1)).await.unwrap();
    assert_eq!(state.read().await.unwrap().unwrap().snapshot, session.snapshot());
}

#[tokio::test]
async fn a_write_that_failed_ends_the_session_because_nobody_knows_what_became_of_it() {
    let (memory, env) = (Memory::new(), Fake::new(1));
    let (backend, plan) = faulty(&memory, &env);
    let state = state(backend, &env);
    let session = acquired(&state).await;
    from_now(&plan, |call| match call.operation {
        Operation::PutIfAbsent => Effect::LoseReply,
        _ => Effect::Pass,
    });
    let error = session.commit(vec![Change::Put(record("a"))]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    from_now(&plan, |_| Effect::Pass);
    let error = session.commit(vec![Change::Put(record("b"))]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    session.close(entry(1)).await.unwrap_err();
    assert_eq!(state.holder().await.unwrap(), None, "the lock is free all the same");
    assert_eq!(names(&state.read().await.unwrap().unwrap().snapshot), ["a"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_see_whole_commits_while_others_write_and_compact() {
    let memory = Memory::new();
    let env = Fake::new(1);
    let writing = {
        let state = state(memory.clone(), &env);
        tokio::spawn(async move {
            for n in 0..30_u64 {
                let session = acquired(&state).await;
                let mut both = [record("a"), record("b")];
                for record in &mut both {
                    record.version = u32::try_from(n).unwrap();
                }
                session.commit(both.map(Change::Put).into()).await.unwrap();
                let mut writer = session.writer.lock().await;
                session.compact(&mut writer).await.unwrap();
                drop(writer);
                session.release().await.unwrap();
                tokio::task::yield_now().await;
            }
        })
    };
    let state = state(memory, &env.sibling(2));
    let (mut reads, mut last) = (0, 0);
    while !writing.is_finished() || reads == 0 {
        if let Some(view) = state.read().await.unwrap() {
            let versions: Vec<u32> = view.snapshot.records.values().map(|r| r.version).collect();
            assert!(versions.is_empty() || versions[0] == versions[1], "{versions:?}");
            let seen = versions.first().copied().unwrap_or_default();
            assert!(seen >= last, "time went back from {last} to {seen}");
            last = seen;
        }
        reads += 1;
        tokio::task::yield_now().await;
    }
    writing.await.unwrap();
}
