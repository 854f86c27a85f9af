//! Out, in, over.

use std::time::Duration;

use super::world::*;
use crate::{
    Change, ErrorKind, ExportSecrets, Memory, Push, StackName, State, Value, Verb, env::Fake,
};

async fn filled() -> (Memory, State) {
    let memory = Memory::new();
    let state = state(memory.clone(), &Fake::new(1));
    let session = acquired(&state).await;
    session
        .commit(vec![
            Change::Begun(deployment(1)),
            Change::Put(record("p")),
            Change::Put(with_provider(on(record("a"), &["p"]), "p")),
            intent(1, Verb::Create, record("half")),
            Change::Created { op: op(1), id: "i-1".into() },
            Change::Exports(
                [("$e".to_owned(), Value::from([("$k", 1_u64.into())]).secret())].into(),
            ),
        ])
        .await
        .unwrap();
    session.close(entry(1)).await.unwrap();
    (memory, state)
}

#[tokio::test]
async fn what_was_exported_can_be_put_back_after_anything() {
    for secrets in [ExportSecrets::Sealed, ExportSecrets::Shown] {
        let (_, state) = filled().await;
        let before = state.read().await.unwrap().unwrap();
        let text = state.export(secrets).await.unwrap();
        assert_eq!(text.contains("hunter2"), secrets == ExportSecrets::Shown);

        let session = acquired(&state).await;
        session
            .commit(vec![
                Change::Forgotten(record("a").key()),
                Change::Put(record("z")),
                Change::Failed { op: op(1), message: String::new(), record: None },
                Change::Exports([].into()),
            ])
            .await
            .unwrap();
        session.close(entry(2)).await.unwrap();

        let push = async |push| state.import(&text, who("b"), Duration::ZERO, push).await;
        let error = push(Push::Checked).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(&before.position.to_string()), "{error}");
        let position = push(Push::Forced).await.unwrap();
        let after = state.read().await.unwrap().unwrap();
        assert_eq!(after.position, position);
        assert_eq!(after.snapshot.records, before.snapshot.records);
        assert_eq!(after.snapshot.open, before.snapshot.open);
        assert_eq!(after.snapshot.exports, before.snapshot.exports);
        assert_eq!(state.history(10).await.unwrap().len(), 3);
    }
}

#[tokio::test]
async fn an_edited_export_is_checked_before_it_is_stored() {
    let (_, state) = filled().await;
    let text = state.export(ExportSecrets::Shown).await.unwrap();
    let before = state.read().await.unwrap().unwrap().position;
    let push = async |text: &str| {
        let error = state.import(text, who("b"), Duration::ZERO, Push::Checked).await.unwrap_err();
        assert!(error.to_string().contains("Nothing was"), "{error}");
        error.kind()
    };
    assert_eq!(push("{").await, ErrorKind::Invalid);
    assert_eq!(push(&text.replace("hunter2", "hunter2\"")).await, ErrorKind::Invalid);
    assert_eq!(push(&text.replace("\"inputs\"", "\"input\"")).await, ErrorKind::Invalid);
    let dangling = text.replacen("test:none:Thing::p\"\n", "test:none:Thing::q\"\n", 1);
    assert_ne!(dangling, text);
    assert_eq!(push(&dangling).await, ErrorKind::Invalid);
    assert_eq!(state.read().await.unwrap().unwrap().position, before);

    let edited = text.replace("hunter2", "hunter3");
    state.import(&edited, who("b"), Duration::ZERO, Push::Checked).await.unwrap();
    let view = state.read().await.unwrap().unwrap();
    let edited = urn("a");
    let password = view.snapshot.current(&edited).unwrap().inputs.get("password").unwrap();
    assert_eq!(*password, Value::from("hunter3").secret());
}

#[tokio::test]
async fn a_text_is_not_pushed_over_another_state() {
    let (memory, state_dev) = filled().await;
    let text = state_dev.export(ExportSecrets::Sealed).await.unwrap();
    let fresh = Memory::new();
    let other = state(fresh.clone(), &Fake::new(12));
    acquired(&other).await.release().await.unwrap();
    let error = other.import(&text, who("b"), Duration::ZERO, Push::Forced).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Identity, "another lineage");

    let name = StackName::new("program", "prod").unwrap();
    let prod = State::new(std::sync::Arc::new(memory), sealer(), name);
    let error = prod.import(&text, who("b"), Duration::ZERO, Push::Forced).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Identity, "another stack");

    // Lost altogether, it comes back as what it was.
    let lost = state(Memory::new(), &Fake::new(13));
    lost.import(&text, who("b"), Duration::ZERO, Push::Checked).await.unwrap();
    let (lost, dev) =
        (lost.read().await.unwrap().unwrap(), state_dev.read().await.unwrap().unwrap());
    assert_eq!(lost.snapshot.identity, dev.snapshot.identity);
    assert_eq!(lost.snapshot.records, dev.snapshot.records);
}

#[tokio::test]
async fn a_lost_state_begins_again_with_its_lineage_and_one_that_is_there_is_not_touched() {
    let lineage = crate::Lineage(op(9));
    let lost = state(Memory::new(), &Fake::new(1));
    let session = lost.acquire_lost(who("a"), Duration::ZERO, lineage).await.unwrap();
    session.release().await.unwrap();
    // Cut off before anything was written, it is begun again.
    let session = lost.acquire_lost(who("a"), Duration::ZERO, lineage).await.unwrap();
    assert_eq!(session.identity().lineage, lineage);
    session.commit(vec![Change::Begun(deployment(1)), Change::Put(record("p"))]).await.unwrap();
    session.close(entry(1)).await.unwrap();

    let (_, there) = filled().await;
    for (state, lineage) in [(&lost, lineage), (&there, lineage)] {
        let before = state.read().await.unwrap().unwrap();
        let error = state.acquire_lost(who("b"), Duration::ZERO, lineage).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Identity);
        assert_eq!(state.read().await.unwrap().unwrap().snapshot, before.snapshot);
        acquired(state).await.release().await.unwrap();
    }
    let other = crate::Lineage(op(8));
    let empty = state(Memory::new(), &Fake::new(1));
    acquired(&empty).await.release().await.unwrap();
    let error = empty.acquire_lost(who("b"), Duration::ZERO, other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Identity);
}
