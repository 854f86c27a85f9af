//! What becomes of outcomes that cannot be written.

use std::{fs, path::PathBuf, time::Duration};

use super::world::*;
use crate::{
    Change, ErrorKind, Memory, Session, State, Status, Value, Verb,
    backend::{Effect, Operation},
    env::Fake,
};

/// A stack that is cut off from its storage when the test says so, another machine's view of it, and where the first
/// one spills.
struct Cut {
    memory: Memory,
    plan: Plan,
    here: State,
    there: State,
    folder: tempfile::TempDir,
}

fn cut() -> Cut {
    let (memory, env) = (Memory::new(), Fake::new(1));
    let (backend, plan) = faulty(&memory, &env);
    let folder = tempfile::tempdir().unwrap();
    let here = state(backend, &env).with_spill(folder.path()).unwrap();
    let there = state(memory.clone(), &env.sibling(2));
    Cut { memory, plan, here, there, folder }
}

impl Cut {
    fn files(&self) -> Vec<PathBuf> {
        let folder = self.folder.path().join("program/dev");
        let Ok(files) = fs::read_dir(folder) else { return Vec::new() };
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        files
    }

    fn off(&self) {
        from_now(&self.plan, |call| match call.operation {
            Operation::PutIfAbsent => Effect::Fail,
            _ => Effect::Pass,
        });
    }

    fn on(&self) {
        from_now(&self.plan, |_| Effect::Pass);
    }

    /// A session that has begun to make `a` and heard that it is there, but can tell nobody.
    async fn stranded(&self) -> Session {
        let session = acquired(&self.here).await;
        session.commit(vec![intent(1, Verb::Create, record("a"))]).await.unwrap();
        self.off();
        let done = Change::Done { op: op(1), record: Some(record("a")) };
        let error = session.commit(vec![done]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let path = self.files()[0].display().to_string();
        assert!(error.to_string().contains(&path), "{error} does not say where: {path}");
        session.release().await.unwrap_err();
        self.on();
        session
    }
}

#[tokio::test]
async fn an_outcome_that_could_not_be_written_is_recorded_by_the_next_run() {
    let cut = cut();
    cut.stranded().await;
    let text = fs::read_to_string(&cut.files()[0]).unwrap();
    assert!(!text.contains("hunter2"), "a secret in clear");
    assert!(cut.here.read().await.unwrap().unwrap().interrupted);

    let session = acquired(&cut.here).await;
    assert_eq!(names(&session.snapshot()), ["a"]);
    assert!(session.snapshot().open.is_empty());
    assert_eq!(session.record(&record("a").key()).as_deref(), Some(&record("a")));
    assert_ne!(session.position(), session.found(), "who planned before has to plan again");
    assert!(cut.files().is_empty());
    session.release().await.unwrap();
    assert_eq!(cut.there.read().await.unwrap().unwrap().snapshot, session.snapshot());
}

#[tokio::test]
async fn a_fenced_holder_spills_and_what_was_settled_meanwhile_is_dropped() {
    let cut = cut();
    let zombie = acquired(&cut.here).await;
    zombie.commit(vec![intent(1, Verb::Create, record("a"))]).await.unwrap();
    zombie.commit(vec![intent(2, Verb::Create, record("b"))]).await.unwrap();
    let nonce = cut.there.holder().await.unwrap().unwrap().nonce.to_string();
    cut.there.unlock(&nonce).await.unwrap();
    let next = acquired(&cut.there).await;

    for (number, name) in [(1, "a"), (2, "b")] {
        let done = Change::Done { op: op(number), record: Some(record(name)) };
        let error = zombie.commit(vec![done]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Fenced);
    }
    assert_eq!(cut.files().len(), 2);
    let failed = Change::Failed { op: op(1), message: "never made".into(), record: None };
    next.commit(vec![failed]).await.unwrap();
    next.release().await.unwrap();
    drop(zombie);

    let session = acquired(&cut.here).await;
    assert_eq!(names(&session.snapshot()), ["b"], "the next run knew better about the other");
    assert!(cut.files().is_empty());
}

#[tokio::test]
async fn only_outcomes_are_kept() {
    let cut = cut();
    let session = acquired(&cut.here).await;
    cut.off();
    let changes = vec![intent(1, Verb::Create, record("a")), Change::Put(record("b"))];
    session.commit(changes).await.unwrap_err();
    // Its intent is not durable, so no call was made.
    let done = Change::Done { op: op(1), record: Some(record("a")) };
    session.commit(vec![done]).await.unwrap_err();
    assert!(cut.files().is_empty());
}

#[tokio::test]
async fn an_id_and_what_followed_come_back_in_their_order_and_what_is_replaced_is_deposed() {
    let cut = cut();
    let mut new = record("a");
    new.instance = "bbbbbbbb".into();
    let session = acquired(&cut.here).await;
    session.commit(vec![Change::Put(record("a"))]).await.unwrap();
    session.commit(vec![intent(1, Verb::Create, new.clone())]).await.unwrap();
    cut.off();
    let created = Change::Created { op: op(1), id: "id-a".into() };
    session.commit(vec![created]).await.unwrap_err();
    let deposed = crate::Record { status: Status::Deposed, ..record("a") };
    let done = Change::Done { op: op(1), record: Some(new.clone()) };
    session.commit(vec![Change::Put(deposed.clone()), done]).await.unwrap_err();
    session.release().await.unwrap_err();
    cut.on();

    let session = acquired(&cut.here).await;
    assert_eq!(session.record(&new.key()).as_deref(), Some(&new));
    assert_eq!(session.record(&record("a").key()).as_deref(), Some(&deposed));
    assert!(session.snapshot().open.is_empty() && cut.files().is_empty());
}

#[tokio::test]
async fn an_outcome_that_says_something_else_than_the_state_is_dropped() {
    let cut = cut();
    cut.stranded().await;
    let session = acquired(&cut.there).await;
    session.commit(vec![Change::Created { op: op(1), id: "another".into() }]).await.unwrap();
    session.release().await.unwrap();
    let session = acquired(&cut.here).await;
    assert_eq!(session.snapshot().open[&op(1)].created.as_deref(), Some("another"));
    assert!(names(&session.snapshot()).is_empty() && cut.files().is_empty());
}

/// What `state doctor` says of the file.
async fn said(cut: &Cut) -> String {
    let path = cut.files()[0].display().to_string();
    let found = cut.here.examine().await.unwrap();
    let about: Vec<_> = found.iter().filter(|finding| finding.what.contains(&path)).collect();
    assert_eq!(about.len(), 1, "{found:?}");
    about[0].what.replace(&path, "FILE")
}

#[tokio::test]
async fn what_is_damaged_or_of_another_lineage_is_left() {
    let cut = cut();
    cut.stranded().await;
    let kept = cut.files()[0].clone();
    let bytes = fs::read(&kept).unwrap();
    fs::write(&kept, &bytes[..bytes.len() - 9]).unwrap();
    assert!(said(&cut).await.contains("cut off"), "{}", said(&cut).await);
    let session = acquired(&cut.here).await;
    assert_eq!(session.snapshot().open.len(), 1);
    session.release().await.unwrap();
    assert_eq!(cut.files(), std::slice::from_ref(&kept));

    // The stack was removed and made again.
    fs::write(&kept, &bytes).unwrap();
    assert_eq!(said(&cut).await, "FILE says what became of 1 calls");
    for key in cut.memory.keys() {
        cut.memory.overwrite(&key, None);
    }
    let session = acquired(&cut.here).await;
    session.commit(vec![intent(1, Verb::Create, record("a"))]).await.unwrap();
    session.release().await.unwrap();
    let session = acquired(&cut.here).await;
    assert_eq!(session.snapshot().open.len(), 1);
    assert_eq!(cut.files(), [kept]);
    session.release().await.unwrap();
    assert!(said(&cut).await.starts_with("FILE is about an earlier life of the stack"));
}

#[tokio::test]
async fn a_crash_after_the_outcome_was_recorded_changes_nothing() {
    let cut = cut();
    cut.stranded().await;
    let (kept, bytes) = (cut.files()[0].clone(), fs::read(&cut.files()[0]).unwrap());
    acquired(&cut.here).await.release().await.unwrap();
    let mut changed = record("a");
    changed.outputs = Value::from([("later", "x".into())]);
    let session = acquired(&cut.here).await;
    session.commit(vec![Change::Put(changed.clone())]).await.unwrap();
    session.release().await.unwrap();
    fs::create_dir_all(kept.parent().unwrap()).unwrap();
    fs::write(&kept, bytes).unwrap();
    let session = cut.here.acquire(who("a"), Duration::ZERO).await.unwrap();
    assert_eq!(session.record(&record("a").key()).as_deref(), Some(&changed));
    assert!(cut.files().is_empty());
}
