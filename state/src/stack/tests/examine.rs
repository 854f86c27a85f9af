//! What somebody who looks after a state is told.

use super::world::*;
use crate::{Change, Grade, LocalKey, Memory, Outcome, State, Status, Verb, env::Fake};

async fn told(state: &State) -> Vec<(Grade, String)> {
    let findings = state.examine().await.unwrap();
    findings.iter().map(|finding| (finding.grade, finding.to_string())).collect()
}

fn graded(told: &[(Grade, String)], grade: Grade) -> Vec<&str> {
    told.iter().filter(|(it, _)| *it == grade).map(|(_, text)| text.as_str()).collect()
}

#[tokio::test]
async fn a_sound_state_has_nothing_to_be_told_of() {
    let memory = Memory::new();
    let state = state(memory.clone(), &Fake::new(1));
    assert_eq!(told(&state).await, [(Grade::Good, "program/dev was never made here".to_owned())]);
    let session = acquired(&state).await;
    session.commit(vec![Change::Begun(deployment(1)), Change::Put(record("a"))]).await.unwrap();
    session.commit(vec![Change::Ended(Outcome::Succeeded)]).await.unwrap();
    session.close(entry(1)).await.unwrap();
    let keys = memory.keys();
    let told = told(&state).await;
    assert!(told.iter().all(|(grade, _)| *grade == Grade::Good), "{told:#?}");
    for text in ["1 objects", "its key is here", "the lock is free", "1 deployments"] {
        assert!(told.iter().any(|(_, it)| it.contains(text)), "{text} in {told:#?}");
    }
    assert_eq!(memory.keys(), keys, "it only looks");
}

#[tokio::test]
async fn what_is_unsettled_is_told_with_what_settles_it() {
    let memory = Memory::new();
    let state = state(memory.clone(), &Fake::new(1));
    let session = acquired(&state).await;
    let lost = crate::Record { status: Status::Unresolved, ..record("lost") };
    session.commit(vec![Change::Begun(deployment(1)), Change::Put(lost)]).await.unwrap();
    session.commit(vec![intent(1, Verb::Create, record("b"))]).await.unwrap();
    let held = told(&state).await;
    assert!(graded(&held, Grade::Notice)[0].contains("held by a@host"), "{held:#?}");
    drop(session);
    let told = told(&state).await;
    let urn = urn("lost");
    let wrong = format!(
        "nobody can tell whether {urn} exists: `import {urn} ID` if it does, `state rm {urn}` if it does not"
    );
    assert_eq!(graded(&told, Grade::Wrong), [wrong]);
    let notices = graded(&told, Grade::Notice);
    assert!(notices[0].contains("was cut off: the next `up`"), "{notices:#?}");
    assert!(notices[1].starts_with("1 operations"), "{notices:#?}");
}

#[tokio::test]
async fn damage_is_told_and_not_an_error() {
    let memory = Memory::new();
    let state = state(memory.clone(), &Fake::new(1));
    let session = acquired(&state).await;
    session.commit(vec![Change::Put(record("a"))]).await.unwrap();
    session.close(entry(1)).await.unwrap();
    let history = memory.keys().into_iter().find(|key| key.contains("/history/")).unwrap();
    memory.overwrite(&history, Some(b"{".to_vec()));
    let found = told(&state).await;
    assert!(graded(&found, Grade::Wrong)[0].contains(&history), "{found:#?}");
    let head = memory.keys().into_iter().find(|key| key.ends_with("head.json")).unwrap();
    memory.overwrite(&head, Some(b"{".to_vec()));
    let found = told(&state).await;
    assert!(graded(&found, Grade::Wrong)[0].contains(&head), "{found:#?}");
}

#[tokio::test]
async fn a_key_that_is_not_here_is_told() {
    let memory = Memory::new();
    let session = acquired(&state(memory.clone(), &Fake::new(1))).await;
    session.commit(vec![Change::Put(record("a"))]).await.unwrap();
    session.release().await.unwrap();
    let other = std::sync::Arc::new(LocalKey::from_bytes([9; 32]));
    let name = crate::StackName::new("program", "dev").unwrap();
    let state = State::new(std::sync::Arc::new(memory), other, name);
    let found = told(&state).await;
    assert!(graded(&found, Grade::Wrong)[0].contains("sealed with the key"), "{found:#?}");
}
