//! What a state costs: a commit of one change, opening, loading, closing; by the number of records.
//!
//! `cargo bench -p infra-state`. On a directory with every write synced; medians. `commit B` is what a commit of one
//! changed record writes, `run B` a whole run with one (taking the lock, the commit, the history with the graph, giving
//! the lock back), `of 100 B` the mean of a hundred such runs in a row: with the snapshots and the whole graphs that
//! some of them write.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write},
    path::Path,
    sync::Arc,
    time::Duration,
};

use infra_state::{
    Change, Deployment, HistoryEntry, Holder, Local, LocalKey, Outcome, Position, Record,
    StackName, State, Status, Urn, Value,
    env::{Env, System},
};

fn record(n: usize) -> Record {
    let urn = |n: usize| Urn::new("bench:none:Node", &format!("layer-{}/node-{n}", n / 100));
    let now = System.now();
    Record {
        urn: urn(n).expect("a name"),
        instance: "abcdefgh".into(),
        version: 1,
        status: Status::Ready,
        id: Some(format!("id-{n:016x}")),
        inputs: Value::from([
            ("name", format!("bench-dev-node-{n}").into()),
            ("size", (n as u64).into()),
            ("tags", Value::from([("Name", format!("node-{n}").into()), ("team", "core".into())])),
        ]),
        outputs: Value::from([
            ("arn", format!("arn:aws:bench:eu-central-1:123456789012:node/{n:016x}").into()),
            ("id", format!("id-{n:016x}").into()),
        ]),
        provider: None,
        dependencies: n
            .checked_sub(100)
            .map(|n| urn(n).expect("a name"))
            .into_iter()
            .collect::<BTreeSet<_>>(),
        options: infra_state::Options::default(),
        holds_data: false,
        created: now,
        updated: now,
    }
}

fn entry(number: u64) -> HistoryEntry {
    let now = System.now();
    let deployment = Deployment {
        number,
        command: "up".into(),
        by: "bench".into(),
        revision: String::new(),
        at: now,
        cloud: None,
    };
    HistoryEntry {
        deployment,
        ended: now,
        outcome: Outcome::Succeeded,
        summary: std::iter::once(("created".to_owned(), 1)).collect(),
        position: Position::default(),
        graph: None,
    }
}

/// The graph of a deployment that declares `records` resources, the first of which was changed `changes` times.
fn graph(records: usize, changes: usize) -> Value {
    let node = |n: usize| {
        let Record { urn, inputs, .. } = record(n);
        let inputs = match inputs {
            Value::Map(map) if n == 0 => Value::Map(
                map.into_iter().chain([("turn".to_owned(), (changes as u64).into())]).collect(),
            ),
            inputs => inputs,
        };
        (urn.to_string(), Value::from([("version", 1_u64.into()), ("inputs", inputs)]))
    };
    Value::from([("nodes", Value::Map((0..records).map(node).collect()))])
}

/// How many bytes this process has written to files so far.
fn written() -> u64 {
    let io = fs::read_to_string("/proc/self/io").unwrap_or_default();
    let written = io.lines().find_map(|line| line.strip_prefix("wchar: "));
    written.and_then(|bytes| bytes.trim().parse().ok()).unwrap_or_default()
}

/// The most memory this process ever had, in MiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.trim().parse().ok());
    kib.unwrap_or(0_u64) / 1024
}

/// What a process needs that only reads.
fn reading(place: &Path) -> io::Result<String> {
    let child =
        std::process::Command::new(std::env::current_exe()?).arg("read").arg(place).output()?;
    Ok(String::from_utf8_lossy(&child.stdout).trim().to_owned())
}

fn open(place: &Path) -> infra_state::Result<State> {
    let key = Arc::new(LocalKey::from_bytes([7; 32]));
    Ok(State::new(Arc::new(Local::new(place)?), key, StackName::new("bench", "dev")?))
}

async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let start = System.monotonic();
    let done = work.await;
    (done, System.monotonic().saturating_sub(start))
}

fn ms(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1000.0)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = io::stdout().lock();
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, read, place] = &arguments[..]
        && read == "read"
    {
        let view = open(Path::new(place))?.read().await?;
        writeln!(out, "{}", peak())?;
        drop(view);
        return Ok(());
    }
    writeln!(
        out,
        "{:>8} {:>12} {:>12} {:>12} {:>12} {:>12} {:>12} {:>12} {:>12} {:>10} {:>10}",
        "records",
        "import ms",
        "close ms",
        "read ms",
        "acquire ms",
        "commit ms",
        "commit B",
        "run B",
        "of 100 B",
        "read MiB",
        "peak MiB"
    )?;
    for records in [10, 1_000, 2_000, 10_000, 100_000] {
        let folder = tempfile::tempdir()?;
        let place = folder.path().join("state");
        let state = open(&place)?;
        let who = Holder { who: "bench".into(), command: "up".into(), pid: 1 };
        let wait = Duration::ZERO;

        let session = state.acquire(who.clone(), wait).await?;
        let all = (0..records).map(record).map(Change::Put).collect();
        let (done, import) = timed(session.commit(all)).await;
        done?;
        let (done, close) = timed(session.close(entry(1))).await;
        done?;
        drop(session);

        let mut reads = Vec::new();
        for _ in 0..5 {
            let (view, read) = timed(state.read()).await;
            assert_eq!(view?.map(|view| view.snapshot.records.len()), Some(records));
            reads.push(read);
        }
        reads.sort();
        let (session, acquire) = timed(state.acquire(who.clone(), wait)).await;
        let session = session?;
        let before = written();
        let mut commits = Vec::new();
        for n in 0..21 {
            let mut one = record(n % records);
            one.version += 1;
            let (done, commit) = timed(session.commit(vec![Change::Put(one)])).await;
            done?;
            commits.push(commit);
        }
        commits.sort();
        let commit_bytes = (written() - before) / 21;
        session.close(HistoryEntry { graph: Some(graph(records, 0)), ..entry(2) }).await?;
        drop(session);
        let mut runs = Vec::new();
        for n in 1..=100 {
            let changed = graph(records, n);
            let before = written();
            let session = state.acquire(who.clone(), wait).await?;
            let mut one = record(0);
            one.version += 1;
            session.commit(vec![Change::Put(one)]).await?;
            session.close(HistoryEntry { graph: Some(changed), ..entry(2 + n as u64) }).await?;
            runs.push(written() - before);
        }
        let all = runs.iter().sum::<u64>() / 100;
        runs.sort_unstable();
        let run = runs[50];
        writeln!(
            out,
            "{records:>8} {:>12} {:>12} {:>12} {:>12} {:>12} {commit_bytes:>12} {run:>12} {all:>12} {:>10} {:>10}",
            ms(import),
            ms(close),
            ms(reads[2]),
            ms(acquire),
            ms(commits[10]),
            reading(&place)?,
            peak()
        )?;
    }
    Ok(())
}
