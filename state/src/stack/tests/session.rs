//! What a session does when nothing goes wrong.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;

use super::world::*;
use crate::{
    Backend, Change, ErrorKind, HistoryEntry, Local, Memory, Outcome, Position, State, Value, Verb,
    env::{Fake, System},
};

#[tokio::test]
async fn a_stack_that_was_never_made_reads_as_none_and_writes_nothing() {
    let memory = Memory::new();
    let state = state(memory.clone(), &Fake::new(1));
    assert!(state.read().await.unwrap().is_none());
    assert!(state.history(10).await.unwrap().is_empty());
    assert!(memory.keys().is_empty());
}

#[tokio::test]
async fn what_was_committed_is_read_by_everybody_before_and_after_closing() {
    let state = state(Memory::new(), &Fake::new(1));
    let session = acquired(&state).await;
    session.commit(vec![Change::Begun(deployment(1)), Change::Put(record("a"))]).await.unwrap();

    let during = state.read().await.unwrap().unwrap();
    assert_eq!(during.snapshot, session.snapshot());
    assert_eq!(during.position, session.position());
    assert_eq!(during.holder.unwrap().holder, who("a"));
    assert!(!during.interrupted, "somebody is at work");

    session.commit(vec![Change::Ended(Outcome::Succeeded)]).await.unwrap();
    session.close(entry(1)).await.unwrap();
    let after = state.read().await.unwrap().unwrap();
    assert_eq!(after.snapshot, session.snapshot());
    assert_eq!((after.holder, after.interrupted), (None, false));

    let history = state.history(10).await.unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!(history[0].position, after.position);
    assert_eq!(history[0].graph, None);
    let whole = state.deployment(1).await.unwrap().unwrap();
    assert_eq!(whole.graph, entry(1).graph);
}

#[tokio::test]
async fn the_second_is_told_who_holds_the_lock_and_gets_it_afterwards() {
    let (memory, env) = (Memory::new(), Fake::new(1));
    let (first, second) = (state(memory.clone(), &env), state(memory, &env.sibling(2)));
    let session = acquired(&first).await;
    let error = second.acquire(who("b"), Duration::ZERO).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    let holder = second.holder().await.unwrap().unwrap();
    for part in [
        "a@host",
        "up",
        &holder.since.strftime("%H:%M:%S UTC").to_string(),
        &holder.nonce.to_string(),
    ] {
        assert!(error.to_string().contains(part), "{part} in {error}");
    }
    session.release().await.unwrap();
    let next = second.acquire(who("b"), Duration::ZERO).await.unwrap();
    assert!(next.epoch() > session.epoch());
}

#[tokio::test]
async fn taking_and_releasing_the_lock_does_not_move_the_position() {
    let state = state(Memory::new(), &Fake::new(1));
    let session = acquired(&state).await;
    session.commit(vec![Change::Put(record("a"))]).await.unwrap();
    session.release().await.unwrap();
    let seen = state.read().await.unwrap().unwrap().position;
    let session = acquired(&state).await;
    assert_eq!((session.found(), session.position()), (seen, seen));
    session.release().await.unwrap();
    assert_eq!(state.read().await.unwrap().unwrap().position, seen);

    let session = acquired(&state).await;
    session.commit(vec![Change::Put(record("b"))]).await.unwrap();
    assert_ne!(session.position(), seen);
    assert_eq!(session.found(), seen);
}

#[tokio::test]
async fn a_closed_session_takes_nothing_more() {
    let state = state(Memory::new(), &Fake::new(1));
    let session = acquired(&state).await;
    session.close(entry(1)).await.unwrap();
    assert_eq!(session.check().unwrap_err().kind(), ErrorKind::Fenced);
    session.commit(vec![Change::Put(record("a"))]).await.unwrap_err();
    assert!(state.read().await.unwrap().unwrap().snapshot.records.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_commits_at_once_share_segments_and_all_arrive() {
    let folder = tempfile::tempdir().unwrap();
    let local = Local::new(folder.path()).unwrap();
    let name = crate::StackName::new("program", "dev").unwrap();
    let state = State::new(Arc::new(local), sealer(), name).with_env(Arc::new(System));
    let session = Arc::new(acquired(&state).await);
    let commits = (0..400).map(|n| {
        let session = Arc::clone(&session);
        tokio::spawn(async move {
            let record = record(&format!("n{n}"));
            session.commit(vec![Change::Put(record.clone())]).await.unwrap();
            assert!(session.record(&record.key()).is_some(), "acknowledged, but not there");
        })
    });
    for commit in join_all(commits).await {
        commit.unwrap();
    }
    assert_eq!(session.with(|snapshot| snapshot.records.len()), 400);
    let segments = std::fs::read_dir(folder.path().join("program/dev/journal")).unwrap().count();
    assert!(segments < 200, "{segments} segments for 400 commits");
    assert_eq!(state.read().await.unwrap().unwrap().snapshot, session.snapshot());
}

#[tokio::test]
async fn one_refused_commit_does_not_take_others_with_it() {
    let state = state(Memory::new(), &Fake::new(1));
    let session = acquired(&state).await;
    let bad = on(record("bad"), &["nowhere"]);
    let (good, refused, other) = tokio::join!(
        session.commit(vec![Change::Put(record("a"))]),
        session.commit(vec![Change::Put(record("c")), Change::Put(bad)]),
        session.commit(vec![Change::Put(on(record("b"), &["a"]))]),
    );
    good.unwrap();
    other.unwrap();
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    for part in ["dependencies-exist-or-deleted", "bad", "nowhere"] {
        assert!(error.to_string().contains(part), "{part} in {error}");
    }
    assert_eq!(names(&session.snapshot()), ["a", "b"]);
    session.commit(vec![Change::Put(record("d"))]).await.unwrap();
    assert_eq!(state.read().await.unwrap().unwrap().snapshot, session.snapshot());
}

#[tokio::test]
async fn compaction_keeps_everything_and_removes_what_it_replaces() {
    let memory = Memory::new();
    let state = state(memory.clone(), &Fake::new(1));
    let mut number = 0;
    for round in 0..8_u64 {
        let session = acquired(&state).await;
        for _ in 0..100 {
            number += 1;
            let record = record(&format!("n{:03}", number % 70));
            session.commit(vec![Change::Put(record)]).await.unwrap();
        }
        let open = intent(round.into(), Verb::Create, record(&format!("half-{round}")));
        session.commit(vec![open]).await.unwrap();
        session
            .commit(vec![Change::Exports([("$x".to_owned(), Value::from("y").secret())].into())])
            .await
            .unwrap();
        let position = session.position();
        session.close(entry(round + 1)).await.unwrap();
        let view = state.read().await.unwrap().unwrap();
        assert_eq!(view.snapshot, session.snapshot());
        assert_eq!(view.position, position);
        assert!(view.interrupted, "operations are open");
    }
    let count = |folder: &str| {
        memory
            .keys()
            .iter()
            .filter(|key| key.starts_with(&format!("program/dev/{folder}/")))
            .count()
    };
    assert_eq!(count("snapshots"), 2, "the last, and the one before it for readers at work");
    assert!(count("journal") < 330, "{} segments", count("journal"));
    assert_eq!(count("history"), 8);
}

#[tokio::test]
async fn the_same_runs_write_the_same_bytes() {
    let run = async || {
        let (memory, env) = (Memory::new(), Fake::new(5));
        let state = state(memory.clone(), &env);
        let session = acquired(&state).await;
        session.commit(vec![Change::Put(record("a"))]).await.unwrap();
        session.close(entry(1)).await.unwrap();
        let mut bytes = Vec::new();
        for key in memory.keys() {
            bytes.push((Backend::get(&memory, &key).await.unwrap().unwrap().body, key));
        }
        bytes
    };
    assert_eq!(run().await, run().await);
}

#[tokio::test]
async fn no_secret_is_stored_in_clear() {
    let memory = Memory::new();
    let state = state(memory.clone(), &Fake::new(1));
    let session = acquired(&state).await;
    let a = record("a");
    session
        .commit(vec![
            intent(1, Verb::Create, a.clone()),
            Change::Done { op: op(1), record: Some(a.clone()) },
            intent(2, Verb::Update, a),
            Change::Exports([("p".to_owned(), Value::from("hunter2").secret())].into()),
        ])
        .await
        .unwrap();
    {
        let mut writer = session.writer.lock().await;
        session.compact(&mut writer).await.unwrap();
    }
    session.close(entry(1)).await.unwrap();
    let exported = state.export(crate::ExportSecrets::Sealed).await.unwrap();
    assert!(!exported.contains("hunter2"));
    for key in memory.keys() {
        let mut body = Backend::get(&memory, &key).await.unwrap().unwrap().body;
        if key.contains("/snapshots/") {
            body = zstd::decode_all(&body[..]).unwrap();
        }
        let text = String::from_utf8(body).unwrap();
        assert!(!text.contains("hunter2") && !text.contains("aHVudGVyM"), "{key}: {text}");
    }
}

#[tokio::test]
async fn stacks_are_listed_and_an_empty_one_can_be_removed() {
    let memory = Memory::new();
    listed_and_removed(memory.clone()).await;
    let folder = tempfile::tempdir().unwrap();
    listed_and_removed(Local::new(folder.path()).unwrap()).await;
}

async fn listed_and_removed(memory: impl Backend + Clone + 'static) {
    let state = state(memory.clone(), &Fake::new(1));
    state.remove(who("a"), Duration::ZERO).await.unwrap();
    let session = acquired(&state).await;
    session.commit(vec![Change::Put(record("a"))]).await.unwrap();
    session.close(entry(1)).await.unwrap();
    assert_eq!(State::stacks(&memory).await.unwrap(), [state.name().clone()]);

    let error = state.remove(who("a"), Duration::ZERO).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let session = acquired(&state).await;
    session.commit(vec![Change::Forgotten(record("a").key())]).await.unwrap();
    session.close(entry(2)).await.unwrap();
    state.remove(who("a"), Duration::ZERO).await.unwrap();
    let left = memory.list(&state.name().to_string(), "").await.unwrap();
    assert!(left.is_empty(), "{left:?}");
    assert!(state.read().await.unwrap().is_none());
    assert!(State::stacks(&memory).await.unwrap().is_empty());
    assert_eq!(acquired(&state).await.found(), Position::default());
}

/// A deployment with a graph of a thousand nodes, one of which says `turn`.
fn deployed(turn: u64) -> HistoryEntry {
    let node = |n: u64| {
        let id = crate::Checksum::of(&n.to_le_bytes()).to_string();
        let inputs = [("id", id.into()), ("turn", (if n == 7 { turn } else { 0 }).into())];
        (format!("a:b:C::{n}"), Value::from([("inputs", Value::from(inputs))]))
    };
    let nodes = Value::Map((0..1000).map(node).collect());
    let exports = Value::from([("password", Value::from(format!("hunter{turn}")).secret())]);
    let graph = Value::from([("nodes", nodes), ("exports", exports)]);
    HistoryEntry { graph: Some(graph), ..entry(turn) }
}

#[tokio::test]
async fn a_deployment_is_filed_as_what_changed_in_the_graph() {
    let (memory, env) = (Memory::new(), Fake::new(1));
    let state = state(memory.clone(), &env);
    for turn in 1..=80 {
        let entry = if turn % 5 == 2 { entry_without_graph(turn) } else { deployed(turn) };
        filed(&state, entry).await;
    }
    let mut sizes = Vec::new();
    for key in memory.keys().into_iter().filter(|key| key.contains("/history/")) {
        sizes.push(memory.get(&key).await.unwrap().unwrap().body.len());
    }
    assert_eq!(sizes.len(), 80);
    let large = sizes.iter().filter(|size| **size > sizes[0] / 2).count();
    assert_eq!(
        large, 2,
        "one has the whole, and one again when many have gone back to it: {sizes:?}"
    );
    assert!(sizes.iter().all(|size| *size < 1300 || *size > sizes[0] / 2), "{sizes:?}");
    for turn in 1..=80 {
        let found = state.deployment(turn).await.unwrap().unwrap();
        assert_eq!(found.graph, deployed(turn).graph.filter(|_| turn % 5 != 2), "{turn}");
    }
    // Sealed anew and moved, they tell the same.
    let session = acquired(&state).await;
    session.rekey(sealer()).await.unwrap();
    session.close(deployed(81)).await.unwrap();
    let there = super::world::state(Memory::new().at("new"), &env.sibling(3));
    state.migrate_to(&there, who("a"), Duration::ZERO).await.unwrap();
    for turn in [1, 30, 31, 79, 81] {
        let found = there.deployment(turn).await.unwrap().unwrap();
        assert_eq!(found.graph, deployed(turn).graph, "{turn}");
    }
}

/// A deployment that is over.
async fn filed(state: &State, entry: HistoryEntry) {
    let session = acquired(state).await;
    session.commit(vec![Change::Begun(entry.deployment.clone())]).await.unwrap();
    session.commit(vec![Change::Ended(Outcome::Succeeded)]).await.unwrap();
    session.close(entry).await.unwrap();
}

fn entry_without_graph(number: u64) -> HistoryEntry {
    HistoryEntry { graph: None, ..entry(number) }
}

#[tokio::test]
async fn a_deployment_that_goes_back_to_what_is_lost_says_so() {
    let (memory, env) = (Memory::new(), Fake::new(1));
    let state = state(memory.clone(), &env);
    for turn in 1..=3 {
        filed(&state, deployed(turn)).await;
    }
    let name = |number: u64| {
        let name = format!("/history/{number:08}.");
        memory.keys().into_iter().find(|key| key.contains(&name)).unwrap()
    };
    let (first, second) = (name(1), name(2));
    let body = memory.get(&second).await.unwrap().unwrap().body;
    for (with, what) in [
        (None, "is missing"),
        (
            Some(memory.get(&first).await.unwrap().unwrap().body),
            "what was filed under the number 1",
        ),
    ] {
        memory.overwrite(&second, with);
        let error = state.deployment(3).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        let said = error.to_string();
        assert!(said.contains(&second) && said.contains(&name(3)) && said.contains(what), "{said}");
        assert_eq!(state.deployment(1).await.unwrap().unwrap().graph, deployed(1).graph);
    }
    memory.overwrite(&second, None);
    let found = state.examine().await.unwrap();
    let lost = found.iter().find(|it| it.what.contains("entry 2 is missing")).unwrap();
    assert!(
        lost.grade == crate::Grade::Wrong && lost.what.contains("the graphs of 3 "),
        "{lost:?}"
    );
    // What comes next does not go back to it.
    filed(&state, deployed(4)).await;
    assert_eq!(state.deployment(4).await.unwrap().unwrap().graph, deployed(4).graph);
    memory.overwrite(&second, Some(body));
    assert_eq!(state.deployment(3).await.unwrap().unwrap().graph, deployed(3).graph);
}

#[tokio::test]
async fn a_large_graph_is_filed_compressed_and_sealed() {
    let (memory, env) = (Memory::new(), Fake::new(1));
    let state = state(memory.clone(), &env);
    let node = |n: u64| {
        Value::from([
            ("urn", format!("aws:ec2:Subnet::net/private-{n}").into()),
            ("version", 1_u64.into()),
            (
                "inputs",
                Value::from([
                    ("vpc", Value::from([("$ref", "net/vpc".into())])),
                    ("zone", n.into()),
                ]),
            ),
        ])
    };
    let mut nodes: Vec<Value> = (0..1000).map(node).collect();
    nodes.push(Value::from("hunter2").secret());
    let graph = Value::from([("nodes", Value::List(nodes))]);
    let plain = serde_json::to_string(&graph.to_json()).unwrap().len();
    let session = acquired(&state).await;
    session.close(HistoryEntry { graph: Some(graph.clone()), ..entry(1) }).await.unwrap();
    let filed = memory.keys().into_iter().find(|key| key.contains("/history/00000001.")).unwrap();
    let stored = memory.get(&filed).await.unwrap().unwrap().body;
    assert!(stored.len() * 5 < plain, "{} of {plain}", stored.len());
    assert_eq!(state.deployment(1).await.unwrap().unwrap().graph, Some(graph));
    assert_eq!(state.deployment(2).await.unwrap(), None);
    assert_eq!(state.history(1).await.unwrap()[0].graph, None);
}
