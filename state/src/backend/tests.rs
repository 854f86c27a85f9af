//! The contract, over every backend and every wrapper.

use std::{fs, sync::Arc, time::Duration};

use super::{Backend, Call, Effect, Fault, Liveness, Local, Memory, Operation, Put, Retry};
use crate::{
    ErrorKind,
    contract::{Pair, suite},
    env::{Env, Fake, System},
};

/// A clock on which waiting takes no time.
#[derive(Debug)]
struct Hasty;

#[async_trait::async_trait]
impl Env for Hasty {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn random(&self, bytes: &mut [u8]) {
        bytes.fill(1);
    }

    async fn sleep(&self, _: Duration) {
        tokio::task::yield_now().await;
    }
}

fn pair<B: Backend + 'static>(a: B, b: B) -> Pair {
    Pair { a: Arc::new(a), b: Arc::new(b) }
}

fn beats() -> Memory {
    let (lease, every) = (Duration::from_mins(1), Duration::from_secs(20));
    Memory::with_liveness(Liveness::Beats { lease, every })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_keeps_the_contract() {
    suite(async || {
        let memory = Memory::new();
        pair(memory.clone(), memory)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_with_beats_keeps_the_contract() {
    suite(async || {
        let memory = beats();
        pair(memory.clone(), memory)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn local_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let mut number = 0;
    let mut places = std::iter::repeat_with(|| {
        number += 1;
        folder.path().join(number.to_string()).join("deep")
    });
    let places = std::sync::Mutex::new(&mut places);
    suite(async || {
        let path = places.lock().unwrap().next().unwrap();
        pair(Local::new(&path).unwrap(), Local::new(&path).unwrap())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retry_keeps_the_contract_over_a_backend_that_fails_every_other_time() {
    suite(async || {
        let env: Arc<dyn Env> = Arc::new(Hasty);
        let memory = beats();
        let flaky = |memory: Memory| {
            let fails = |call: &Call<'_>| {
                if call.number.is_multiple_of(2) { Effect::Fail } else { Effect::Pass }
            };
            let flaky = Arc::new(Fault::new(Arc::new(memory), Arc::new(System), fails));
            Retry::new(flaky, Arc::clone(&env), Duration::from_mins(1))
        };
        pair(flaky(memory.clone()), flaky(memory))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_keeps_the_contract_while_it_is_told_to_pass() {
    suite(async || {
        let memory = Memory::new();
        let fault = |memory| Fault::new(Arc::new(memory), Arc::new(System), |_| Effect::Pass);
        pair(fault(memory.clone()), fault(memory))
    })
    .await;
}

#[tokio::test]
async fn retry_gives_up_when_its_patience_ends_and_says_why() {
    let env = Fake::new(1);
    let dead =
        Arc::new(Fault::new(Arc::new(Memory::new()), Arc::new(env.clone()), |_| Effect::Fail));
    let retry =
        Retry::new(Arc::<Fault>::clone(&dead), Arc::new(env.clone()), Duration::from_secs(30));
    let asking = tokio::spawn(async move { retry.get("p/s/x").await });
    while !asking.is_finished() {
        env.advance(Duration::from_millis(500));
        tokio::task::yield_now().await;
    }
    let error = asking.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(env.monotonic() <= Duration::from_secs(32), "{:?}", env.monotonic());
    assert!((5..20).contains(&dead.calls()), "{} calls in half a minute", dead.calls());
}

#[tokio::test]
async fn a_refusal_is_not_repeated() {
    let fault = Arc::new(Fault::new(Arc::new(Memory::new()), Arc::new(System), |_| Effect::Pass));
    let retry = Retry::new(Arc::<Fault>::clone(&fault), Arc::new(System), Duration::from_secs(30));
    assert!(retry.get("../x").await.is_err());
    assert_eq!(fault.calls(), 1);
}

#[tokio::test]
async fn a_lost_reply_leaves_the_write_behind() {
    let memory = Memory::new();
    let loses = |call: &Call<'_>| match call.operation {
        Operation::PutIfAbsent => Effect::LoseReply,
        _ => Effect::Pass,
    };
    let fault = Fault::new(Arc::new(memory.clone()), Arc::new(System), loses);
    assert_eq!(fault.put_if_absent("p/x", b"1").await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(memory.put_if_absent("p/x", b"2").await.unwrap(), Put::Refused);
}

#[tokio::test]
async fn reading_a_directory_that_is_not_there_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let local = Local::new(folder.path().join("state")).unwrap();
    assert_eq!(local.get("p/s/head.json").await.unwrap(), None);
    assert!(local.list("", "").await.unwrap().is_empty());
    assert_eq!(local.lease_holder("p/s").await.unwrap(), None);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn one_directory_has_one_url() {
    let folder = tempfile::tempdir().unwrap();
    let before = Local::new(folder.path().join("a/../state")).unwrap();
    fs::create_dir(folder.path().join("state")).unwrap();
    let after = Local::new(folder.path().join("state")).unwrap();
    assert!(after.url().ends_with("/state"), "{}", after.url());
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(folder.path().join("state"), folder.path().join("link"))
            .unwrap();
        assert_eq!(Local::new(folder.path().join("link")).unwrap().url(), after.url());
    }
    drop(before);
}

#[cfg(unix)]
#[tokio::test]
async fn everything_in_the_directory_is_for_its_owner_only_and_ignored() {
    use std::os::unix::fs::PermissionsExt;

    fn modes(path: &std::path::Path, into: &mut Vec<(String, u32)>) {
        for entry in fs::read_dir(path).unwrap().flatten() {
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            into.push((entry.path().display().to_string(), mode));
            if entry.path().is_dir() {
                modes(&entry.path(), into);
            }
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let local = Local::new(folder.path().join("state")).unwrap();
    let _ = local.put_if_absent("p/s/head.json", b"x").await.unwrap();
    let mut found = Vec::new();
    modes(folder.path(), &mut found);
    assert!(found.len() >= 5, "{found:?}");
    for (path, mode) in found {
        assert_eq!(mode & 0o077, 0, "{path}: {mode:o}");
    }
    assert_eq!(fs::read_to_string(folder.path().join("state/.gitignore")).unwrap(), "*\n");
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_says_so() {
    let folder = tempfile::tempdir().unwrap();
    // A file where a directory has to be fails for every user, even for one that may write everywhere.
    fs::write(folder.path().join("state"), "").unwrap();
    let local = Local::new(folder.path().join("state")).unwrap();
    let error = local.put_if_absent("p/s/head.json", b"x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("state"), "{error}");
}

#[tokio::test]
async fn files_that_crashed_runs_left_on_their_way_are_not_objects() {
    let folder = tempfile::tempdir().unwrap();
    let local = Local::new(folder.path()).unwrap();
    let _ = local.put_if_absent("p/s/head.json", b"x").await.unwrap();
    fs::write(folder.path().join(".tmp/12-3"), "half").unwrap();
    assert_eq!(local.list("", "").await.unwrap(), ["p/"]);
}
