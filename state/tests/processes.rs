//! Real processes on one directory: locked out, killed, counting together. The test runs itself as the child.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use infra_state::{
    Change, Deployment, ErrorKind, HistoryEntry, Holder, Local, LocalKey, Outcome, Position,
    Record, Session, StackName, State, Status, Urn, Value,
    env::{Env, System},
};

const PLACE: &str = "INFRA_TEST_PLACE";
const ROLE: &str = "INFRA_TEST_ROLE";
const LONG: Duration = Duration::from_mins(1);

fn state(place: &Path) -> State {
    let key = Arc::new(LocalKey::from_bytes([1; 32]));
    let name = StackName::new("program", "dev").expect("a name");
    State::new(Arc::new(Local::new(place).expect("a place")), key, name)
}

fn who() -> Holder {
    Holder { who: "test@host".into(), command: "up".into(), pid: std::process::id() }
}

fn counter(count: u64) -> Record {
    Record {
        urn: Urn::new("test:none:Counter", "counter").expect("a name"),
        instance: "aaaaaaaa".into(),
        version: 1,
        status: Status::Ready,
        id: None,
        inputs: Value::from([("count", count.into())]),
        outputs: Value::map(),
        provider: None,
        dependencies: [].into(),
        options: infra_state::Options::default(),
        holds_data: false,
        created: System.now(),
        updated: System.now(),
    }
}

fn count(snapshot: &infra_state::Snapshot) -> u64 {
    let key = counter(0).key();
    let count = snapshot.records.get(&key).and_then(|record| record.inputs.get("count").cloned());
    count.and_then(|count| count.to_json().as_u64()).unwrap_or_default()
}

async fn increment(session: &Session) -> u64 {
    let next = session.with(count) + 1;
    session.commit(vec![Change::Put(counter(next))]).await.expect("commit");
    next
}

fn entry(number: u64) -> HistoryEntry {
    HistoryEntry {
        deployment: Deployment {
            number,
            command: "up".into(),
            by: "test@host".into(),
            revision: String::new(),
            at: System.now(),
            cloud: None,
        },
        ended: System.now(),
        outcome: Outcome::Succeeded,
        summary: [].into(),
        position: Position::default(),
        graph: None,
    }
}

/// What the other tests start.
#[tokio::test]
#[ignore = "started by the other tests"]
async fn child() {
    let place = env::var(PLACE).expect("a place");
    let role = env::var(ROLE).expect("a role");
    let state = state(Path::new(&place));
    if role == "forever" {
        let session = state.acquire(who(), LONG).await.expect("acquire");
        let mut out = std::io::stdout();
        loop {
            writeln!(out, "\ncount {}", increment(&session).await).expect("the parent reads");
        }
    }
    for _ in 0..role.parse::<u32>().expect("a number of rounds") {
        let session = state.acquire(who(), LONG).await.expect("acquire");
        let number = increment(&session).await;
        session.close(entry(number)).await.expect("close");
    }
}

fn start(place: &Path, role: &str) -> Child {
    Command::new(env::current_exe().expect("this test"))
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(PLACE, place)
        .env(ROLE, role)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts")
}

#[tokio::test]
async fn a_killed_process_frees_the_lock_and_loses_nothing_it_reported() {
    let folder = tempfile::tempdir().expect("a directory");
    let place = folder.path().join("state");
    let state = state(&place);
    let mut reported = 0;
    for round in 1..=5_u64 {
        let mut child = start(&place, "forever");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut told = || {
            lines.by_ref().find_map(|line| {
                line.expect("text")
                    .strip_prefix("count ")
                    .map(|count| count.parse::<u64>().expect("a number"))
            })
        };
        for _ in 0..round * 7 {
            reported = told().expect("it counts");
        }
        if round == 1 {
            let error = state.acquire(who(), Duration::ZERO).await.expect_err("it is held");
            assert_eq!(error.kind(), ErrorKind::Locked);
            assert!(error.to_string().contains(&child.id().to_string()), "{error}");
            let view = state.read().await.expect("readable").expect("it is there");
            assert!(count(&view.snapshot) >= reported);
            assert_eq!(view.holder.map(|holder| holder.holder.pid), Some(child.id()));
        }
        child.kill().expect("it dies");
        child.wait().expect("it is dead");
        while let Some(more) = told() {
            reported = more;
        }
        let view = state.read().await.expect("readable").expect("it is there");
        assert_eq!(view.holder, None);
        let found = count(&view.snapshot);
        assert!(found == reported || found == reported + 1, "{reported} reported, {found} found");
        reported = found;
    }
    let session = state.acquire(who(), Duration::ZERO).await.expect("the lock is free");
    assert_eq!(session.with(count), reported);
}

#[tokio::test]
async fn processes_that_count_together_lose_no_increment() {
    const PROCESSES: u64 = 6;
    const ROUNDS: u64 = 15;

    let folder = tempfile::tempdir().expect("a directory");
    let place = folder.path().join("state");
    let children: Vec<Child> = (0..PROCESSES).map(|_| start(&place, &ROUNDS.to_string())).collect();
    for mut child in children {
        assert!(child.wait().expect("it ends").success());
    }
    let state = state(&place);
    let view = state.read().await.expect("readable").expect("it is there");
    assert_eq!(count(&view.snapshot), PROCESSES * ROUNDS);
    let history = state.history(1000).await.expect("readable");
    let numbers: Vec<u64> = history.iter().map(|entry| entry.deployment.number).collect();
    assert_eq!(numbers, (1..=PROCESSES * ROUNDS).collect::<Vec<_>>());
}
