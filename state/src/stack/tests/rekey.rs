//! Another key: what opens what, and what a crash anywhere leaves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::{crash::until_stuck, world::*};
use crate::{
    Backend, Change, Error, ErrorKind, ExportSecrets, LocalKey, Memory, Outcome, Passphrase, Push,
    Result, Sealer, State, Verb, backend::Effect, env::Fake,
};

fn new_key() -> Arc<LocalKey> {
    Arc::new(LocalKey::from_bytes([8; 32]).with_env(Arc::new(Fake::new(9))))
}

/// Counts what a sealer is asked.
#[derive(Debug)]
struct Counted<S> {
    inner: S,
    sealed: AtomicU64,
    opened: AtomicU64,
}

impl<S: Sealer> Counted<S> {
    fn new(inner: S) -> Arc<Self> {
        Arc::new(Self { inner, sealed: AtomicU64::new(0), opened: AtomicU64::new(0) })
    }

    fn asked(&self) -> (u64, u64) {
        (self.sealed.swap(0, Ordering::SeqCst), self.opened.swap(0, Ordering::SeqCst))
    }
}

#[async_trait]
impl<S: Sealer> Sealer for Counted<S> {
    fn key_id(&self) -> String {
        self.inner.key_id()
    }

    async fn seal(&self, plain: &[u8], context: &[u8]) -> Result<Vec<u8>> {
        self.sealed.fetch_add(1, Ordering::SeqCst);
        self.inner.seal(plain, context).await
    }

    async fn open(&self, sealed: &[u8], context: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        self.inner.open(sealed, context).await
    }
}

/// Some deployments: a snapshot, a journal with secrets in it, an open operation, exports, history.
async fn deployed(state: &State) {
    for number in 1..=3 {
        let session = acquired(state).await;
        session.commit(vec![Change::Begun(deployment(number))]).await.unwrap();
        session.commit(vec![Change::Put(record(&format!("n{number}")))]).await.unwrap();
        if number == 2 {
            let mut writer = session.writer.lock().await;
            session.compact(&mut writer).await.unwrap();
        }
        let exports = [("url".to_owned(), crate::Value::from("hunter2").secret())];
        session.commit(vec![Change::Exports(exports.into())]).await.unwrap();
        session.commit(vec![Change::Ended(Outcome::Succeeded)]).await.unwrap();
        session.close(entry(number)).await.unwrap();
    }
    let session = acquired(state).await;
    session.commit(vec![intent(7, Verb::Create, record("open"))]).await.unwrap();
    session.release().await.unwrap();
}

async fn rekey(state: &State, to: Arc<dyn Sealer>) -> Result<u64, Error> {
    let session = state.acquire(who("a"), Duration::ZERO).await?;
    match session.rekey(to).await {
        Ok(count) => {
            session.commit(vec![Change::Put(record("after"))]).await?;
            session.close(entry(4)).await?;
            Ok(count)
        }
        Err(error) => {
            let _ = session.release().await;
            Err(error)
        }
    }
}

/// Every object, as its name and what is in it.
async fn objects(memory: &Memory) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in ["", "journal", "snapshots", "history"] {
        let folder = format!("program/dev/{folder}");
        let folder = folder.trim_end_matches('/');
        for name in memory.list(folder, "").await.unwrap() {
            if !name.ends_with('/') {
                let key = format!("{folder}/{name}");
                let body = memory.get(&key).await.unwrap().unwrap().body;
                let body = zstd::decode_all(&*body).unwrap_or(body);
                found.push((key, String::from_utf8_lossy(&body).into_owned()));
            }
        }
    }
    found
}

#[tokio::test]
async fn the_old_key_opens_nothing_and_the_new_one_everything() {
    let (memory, env) = (Memory::new(), Fake::new(1));
    let old = state(memory.clone(), &env);
    deployed(&old).await;
    let (before, history) = (old.read().await.unwrap().unwrap(), old.history(9).await.unwrap());
    let word = old.store.head().await.unwrap().unwrap().0.key.wrapped;

    let new = old.with_sealer(new_key());
    assert_eq!(new.read().await.unwrap_err().kind(), ErrorKind::Key);
    assert_eq!(rekey(&old, new_key()).await.unwrap(), 3 + 2);

    // What a list of deployments says is not secret; what they executed is.
    for gone in [old.read().await.map(drop), old.deployment(1).await.map(drop)] {
        let error = gone.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Key);
        assert!(error.to_string().contains(&new_key().key_id()), "{error}");
    }
    let error = old.acquire(who("a"), Duration::ZERO).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Key);
    let view = new.read().await.unwrap().unwrap();
    assert_eq!(names(&view.snapshot), ["after", "n1", "n2", "n3"]);
    assert_eq!(view.snapshot.exports, before.snapshot.exports);
    assert_eq!(view.snapshot.open, before.snapshot.open);
    assert_eq!(new.history(9).await.unwrap()[..3], history[..]);
    assert_eq!(new.history(9).await.unwrap().len(), 4);
    for (name, body) in objects(&memory).await {
        assert!(!body.contains(&word), "{name} is still sealed with the key before");
        assert!(!body.contains("hunter2"), "{name}");
    }
}

#[tokio::test]
async fn a_copy_of_the_old_state_and_the_old_key_do_not_open_the_new_one() {
    let (memory, env) = (Memory::new(), Fake::new(1));
    let old = state(memory.clone(), &env);
    deployed(&old).await;
    let text = old.export(ExportSecrets::Sealed).await.unwrap();
    rekey(&old, sealer()).await.unwrap();
    // The same key: the text still opens, but what is written now has another data key.
    let head = old.store.head().await.unwrap().unwrap().0;
    assert!(!text.contains(&head.key.wrapped), "a fresh data key");
    old.import(&text, who("a"), Duration::ZERO, Push::Forced).await.unwrap();
    rekey(&old, new_key()).await.unwrap();
    let new = old.with_sealer(new_key());
    let error = new.import(&text, who("a"), Duration::ZERO, Push::Forced).await.unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Key,
        "an exported text stays under the key it was exported with"
    );
}

#[tokio::test]
async fn a_sealer_is_asked_once_a_run_however_much_there_is() {
    let (memory, env) = (Memory::new(), Fake::new(1));
    let sealer = Counted::new(LocalKey::from_bytes([7; 32]));
    let run = || state(memory.clone(), &env).with_sealer(Arc::clone(&sealer) as _);
    deployed(&run()).await;
    assert_eq!(sealer.asked(), (1, 0), "made once, and known from then on");
    let again = run();
    again.read().await.unwrap();
    again.history(9).await.unwrap();
    let plan = again.seal(b"plan", b"c").await.unwrap();
    assert_eq!(&**again.open_sealed(&plan, b"c").await.unwrap(), b"plan");
    assert!(again.open_sealed(&plan, b"d").await.is_err());
    deployed_once(&again).await;
    assert_eq!(sealer.asked(), (0, 1));
    rekey(&again, Arc::clone(&sealer) as _).await.unwrap();
    assert_eq!(sealer.asked(), (1, 1), "made, and tried");
}

async fn deployed_once(state: &State) {
    let session = acquired(state).await;
    session.commit(vec![Change::Put(record("more"))]).await.unwrap();
    session.close(entry(5)).await.unwrap();
}

#[tokio::test]
async fn a_passphrase_is_worked_out_once_a_run() {
    let (memory, env) = (Memory::new(), Fake::new(1));
    let key = || Passphrase::new("correct horse", "test").unwrap().with_work_factor(3);
    let first = key();
    let old = state(memory.clone(), &env).with_sealer(Arc::new(first.clone()));
    deployed(&old).await;
    rekey(&old, Arc::new(first.clone())).await.unwrap();
    assert_eq!(first.worked_out(), 1);
    let second = key();
    let new = state(memory, &env).with_sealer(Arc::new(second.clone()));
    new.read().await.unwrap();
    new.history(9).await.unwrap();
    rekey(&new, Arc::new(second.clone())).await.unwrap();
    assert_eq!(second.worked_out(), 1);
}

#[tokio::test]
async fn a_key_that_cannot_open_is_refused_before_anything_changes() {
    #[derive(Debug)]
    struct Blind;

    #[async_trait]
    impl Sealer for Blind {
        fn key_id(&self) -> String {
            "blind".to_owned()
        }

        async fn seal(&self, plain: &[u8], _: &[u8]) -> Result<Vec<u8>> {
            Ok(plain.to_vec())
        }

        async fn open(&self, _: &[u8], _: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
            Err(Error::new(ErrorKind::Key, "kms:Decrypt is denied"))
        }
    }

    let (memory, env) = (Memory::new(), Fake::new(1));
    let state = state(memory.clone(), &env);
    deployed(&state).await;
    let error = rekey(&state, Arc::new(Blind)).await.unwrap_err();
    assert!(error.to_string().contains("kms:Decrypt is denied"), "{error}");
    assert_eq!(state.history(9).await.unwrap().len(), 3);
    rekey(&state, new_key()).await.unwrap();
}

/// Rotates with the call number `at` failing as `effect`. Whatever is left, one of the two keys opens all of it, and
/// rotating again with that one ends it. `None` if there is no such call.
async fn crash(at: u64, effect: Effect) -> Option<()> {
    let (memory, env) = (Memory::new(), Fake::new(1));
    deployed(&state(memory.clone(), &env)).await;
    let (backend, plan) = faulty(&memory, &env);
    let counter = backend.clone();
    from_now(&plan, move |call| if call.number == at { effect } else { Effect::Pass });
    let broken = state(backend, &env.sibling(3));
    let done = until_stuck(rekey(&broken, new_key())).await;
    if counter.calls() <= at {
        assert!(matches!(done, Some(Ok(_))), "it has to succeed when nothing fails");
        return None;
    }
    let context = format!("call {at} {effect:?}");
    let old = state(memory.clone(), &env.sibling(2));
    let new = old.with_sealer(new_key());
    let (by_old, by_new) = (old.read().await, new.read().await);
    let (opens, view) = match (by_old, by_new) {
        (Ok(view), Err(error)) => {
            assert_eq!(error.kind(), ErrorKind::Key, "{context}");
            (&old, view)
        }
        (Err(error), Ok(view)) => {
            assert_eq!(error.kind(), ErrorKind::Key, "{context}");
            (&new, view)
        }
        both => panic!("{context}: exactly one key opens it, found {both:?}"),
    };
    let names = names(&view.expect(&context).snapshot);
    assert!(names.ends_with(&["n1".to_owned(), "n2".to_owned(), "n3".to_owned()]), "{context}");
    let history = opens.history(9).await.expect(&context);
    assert!(history.len() >= 3, "{context}: {} entries", history.len());

    rekey(opens, new_key()).await.expect(&context);
    let word = old.store.head().await.unwrap().unwrap().0.key.word();
    assert!(new.history(9).await.expect(&context).len() >= 4, "{context}");
    assert_eq!(old.read().await.unwrap_err().kind(), ErrorKind::Key, "{context}");
    for (name, _) in objects(&memory).await {
        assert!(!name.contains("history") || name.contains(&word), "{context}: {name} is left");
    }
    Some(())
}

#[tokio::test]
async fn a_crash_anywhere_leaves_a_state_that_one_key_opens() {
    for effect in [Effect::HangBefore, Effect::HangAfter, Effect::Fail, Effect::LoseReply] {
        let mut at = 0;
        while crash(at, effect).await.is_some() {
            at += 1;
        }
        assert!(at > 25, "{effect:?}: {at} calls");
    }
}

#[tokio::test]
async fn who_was_taken_over_from_rotates_nothing() {
    let (memory, env) = (beats(), Fake::new(1));
    let first = state(memory.clone(), &env);
    deployed(&first).await;
    let zombie = acquired(&first).await;
    let nonce = first.holder().await.unwrap().unwrap().nonce.to_string();
    first.unlock(&nonce).await.unwrap();
    let other = state(memory.clone(), &env.sibling(2));
    let session = acquired(&other).await;
    let error = zombie.rekey(new_key()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fenced, "{error}");
    session.commit(vec![Change::Put(record("later"))]).await.unwrap();
    session.close(entry(4)).await.unwrap();
    assert_eq!(other.history(9).await.unwrap().len(), 4);
    rekey(&other, new_key()).await.unwrap();
    let left = objects(&memory).await;
    let word = other.store.head().await.unwrap().unwrap().0.key.word();
    let stray = left.iter().filter(|(name, _)| name.contains("history") && !name.contains(&word));
    assert_eq!(stray.count(), 0, "what the zombie copied is removed");
}
