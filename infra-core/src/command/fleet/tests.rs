//! A place with 500 stacks, and processes that share them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use infra_state::{
    Backend, Env, Memory, StackName, State,
    backend::{Call, Effect, Fault, Operation},
    env::Fake,
};
use jiff::SignedDuration;

use super::{Each, FOLDER, Run, Shard, Shared, fleet, share, sweep};
use crate::{
    Cancel, ErrorKind, Result,
    command::watch::{Audience, unseen},
    drift::{Finding, Repair, Report, Severity, What},
    report::formats::Totals,
};

const STACKS: usize = 500;

fn name(n: usize) -> StackName {
    StackName::new(format!("program-{}", n % 7), format!("stack-{n}")).unwrap()
}

/// A place with 500 stacks, and what is none.
async fn place() -> Memory {
    let memory = Memory::new();
    let put = async |key: &str| drop(memory.put_if_absent(key, b"{}").await.unwrap());
    for n in 0..STACKS {
        put(&format!("{}/head.json", name(n))).await;
    }
    put("program-1/not-made/journal/1.ndjson").await;
    put(&format!("{FOLDER}/old/part-0-of-1.1000-00000000.0.ndjson.zst")).await;
    put(&format!("{FOLDER}/old/part-0-of-1.json")).await;
    memory
}

/// Finds something in every tenth stack. Counts how many reports there are at once, and who was looked at.
#[derive(Default)]
struct Looked {
    at: Mutex<BTreeMap<StackName, usize>>,
    held: Arc<AtomicUsize>,
    most: AtomicUsize,
}

#[async_trait]
impl Each for Looked {
    async fn report(&self, stack: &StackName) -> Option<Report> {
        let held = self.held.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(held, Ordering::Relaxed);
        *self.at.lock().unwrap().entry(stack.clone()).or_default() += 1;
        for _ in 0..stack.stack.len() % 5 {
            tokio::task::yield_now().await;
        }
        Some(report(stack))
    }
}

fn report(stack: &StackName) -> Report {
    let at = "2026-01-01T00:00:00Z".parse().unwrap();
    let finding = Finding {
        urn: None,
        kind: "aws:ec2:Vpc".to_owned(),
        id: Some("vpc-1".to_owned()),
        what: What::Orphan,
        severity: Severity::High,
        rule: "orphan".to_owned(),
        // The reports of a shard fill several chunks.
        message: format!("{stack} {}", "x".repeat(10_000)),
        fields: Vec::new(),
        at: None,
        by: None,
        repair: Repair::Update,
    };
    let drifted = stack.stack.ends_with('0');
    let findings = if drifted { vec![finding; 5] } else { Vec::new() };
    Report { failed: None, checked: 2, findings, ..unseen(stack, at, String::new()) }
}

/// Remembers whom it heard of.
#[derive(Default)]
struct Heard {
    stacks: Vec<String>,
    totals: Totals,
    held: Arc<AtomicUsize>,
}

#[async_trait]
impl Audience for Heard {
    async fn hear(&mut self, report: Report) -> Result<()> {
        self.held.fetch_sub(1, Ordering::Relaxed);
        self.totals.add(&report);
        self.stacks.push(report.stack);
        Ok(())
    }
}

/// One process of a run.
async fn process(
    place: &dyn Backend,
    index: u32,
    of: u32,
    each: &Looked,
    env: &Fake,
) -> Result<Shared> {
    let mut heard = Heard { held: Arc::clone(&each.held), ..Heard::default() };
    let run = Run::new(place, "nightly-1").unwrap();
    let shard = Shard::new(index, of).unwrap();
    share(place, run, shard, 8, each, env, &Cancel::default(), &mut heard).await
}

async fn merged(place: &dyn Backend, shared: &Shared) -> Option<Heard> {
    let Shared::Whole { parts, .. } = shared else { return None };
    let run = Run::new(place, "nightly-1").unwrap();
    let mut heard = Heard { held: Arc::new(AtomicUsize::new(usize::MAX)), ..Heard::default() };
    for part in parts {
        run.reports(part, &mut heard).await.unwrap();
    }
    Some(heard)
}

#[tokio::test]
async fn four_processes_look_at_each_stack_once_and_one_tells_it() {
    let memory = place().await;
    let looked = Arc::new(Looked::default());
    let processes = (0..4).map(|index| {
        let (memory, looked) = (memory.clone(), Arc::clone(&looked));
        let env = Fake::new(u64::from(index));
        tokio::spawn(async move { process(&memory, index, 4, &looked, &env).await.unwrap() })
    });
    let mut told = Vec::new();
    for process in processes.collect::<Vec<_>>() {
        told.extend(merged(&memory, &process.await.unwrap()).await);
    }
    assert_eq!(told.len(), 1, "one report");
    let told = told.remove(0);
    let at = looked.at.lock().unwrap().clone();
    assert!(at.len() == STACKS && at.values().all(|n| *n == 1), "each exactly once");
    let mut stacks = told.stacks;
    stacks.sort();
    assert_eq!(stacks, at.keys().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!((told.totals.stacks, told.totals.drifted, told.totals.findings()), (500, 50, 250));
    // What a run leaves is no stack, and a state's place is still one.
    assert_eq!(State::stacks(&memory).await.unwrap().len(), STACKS);
    let chunks = memory.keys().into_iter().filter(|key| key.contains("nightly-1/part-0-of-4."));
    assert!(chunks.count() > 1, "a part is written as it grows");
}

#[tokio::test]
async fn alone_it_gives_them_in_order_and_holds_few() {
    let memory = place().await;
    let looked = Looked::default();
    let mut heard = Heard { held: Arc::clone(&looked.held), ..Heard::default() };
    let cancel = Cancel::default();
    let totals =
        fleet(&memory, Shard::WHOLE, 8, &looked, &Fake::new(1), &cancel, &mut heard).await.unwrap();
    assert!(totals == heard.totals && heard.stacks.is_sorted(), "{:?}", heard.stacks);
    // Those under way, and the one that was just given.
    assert!(looked.most.load(Ordering::Relaxed) <= 9, "{:?}", looked.most);
    let before = memory.keys();
    assert!(!before.iter().any(|key| key.contains("nightly")), "alone it writes nothing");
    cancel.stop();
    let error = fleet(&memory, Shard::WHOLE, 8, &looked, &Fake::new(1), &cancel, &mut heard)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
}

#[tokio::test]
async fn one_stack_that_cannot_be_listed_keeps_nobody_from_the_others() {
    let memory = place().await;
    let env: Arc<dyn Env> = Arc::new(Fake::new(1));
    let denied = name(13).to_string();
    let shut = Fault::new(Arc::new(memory), Arc::clone(&env), move |call: &Call<'_>| {
        let is_it = call.operation == Operation::List && call.key.trim_end_matches('/') == denied;
        if is_it { Effect::Fail } else { Effect::Pass }
    });
    let looked = Looked::default();
    let mut heard = Heard { held: Arc::clone(&looked.held), ..Heard::default() };
    looked.held.fetch_add(1, Ordering::Relaxed);
    let cancel = Cancel::default();
    let totals = fleet(&shut, Shard::WHOLE, 8, &looked, &*env, &cancel, &mut heard).await.unwrap();
    assert_eq!((totals.stacks, totals.failed, heard.stacks.len()), (STACKS, 1, STACKS));
    let at = looked.at.lock().unwrap();
    assert!(at.len() == STACKS - 1 && !at.contains_key(&name(13)));
}

#[tokio::test]
async fn an_attempt_that_died_is_made_again_and_one_that_told_tells_again() {
    let memory = place().await;
    let (looked, env) = (Looked::default(), Fake::new(1));
    assert!(matches!(process(&memory, 0, 2, &looked, &env).await.unwrap(), Shared::Part(_)));
    // The other one dies in the middle: the storage goes away at some write.
    let writes = Arc::new(AtomicUsize::new(0));
    let dying =
        Fault::new(Arc::new(memory.clone()), Arc::new(env.clone()), move |call: &Call<'_>| {
            let put = call.operation == Operation::PutIfAbsent;
            if put && writes.fetch_add(1, Ordering::Relaxed) == 1 {
                Effect::Fail
            } else {
                Effect::Pass
            }
        });
    process(&dying, 1, 2, &looked, &env).await.unwrap_err();
    env.advance(Duration::from_mins(1));
    let second = process(&memory, 1, 2, &looked, &env).await.unwrap();
    let told = merged(&memory, &second).await.expect("the last one tells");
    assert_eq!(told.totals.stacks, STACKS, "what the dead attempt wrote does not count");
    let before = looked.at.lock().unwrap().clone();
    // Both are started again: nobody looks again, and the same one tells again.
    let again = process(&memory, 1, 2, &looked, &env).await.unwrap();
    assert_eq!(merged(&memory, &again).await.unwrap().totals, told.totals);
    assert!(matches!(again, Shared::Whole { again: false, .. }));
    Run::new(&memory, "nightly-1").unwrap().told(env.now()).await.unwrap();
    let again = process(&memory, 1, 2, &looked, &env).await.unwrap();
    assert!(matches!(again, Shared::Whole { again: true, .. }));
    let other = process(&memory, 0, 2, &looked, &env).await.unwrap();
    assert!(matches!(other, Shared::Part(_)));
    assert_eq!(*looked.at.lock().unwrap(), before);
    env.advance(Duration::from_hours(2));
    let over = process(&memory, 0, 2, &looked, &env).await.unwrap_err();
    assert_eq!(over.kind(), ErrorKind::Usage);
    assert!(over.to_string().contains("\"nightly-1\" was over at "), "{over}");
}

#[tokio::test]
async fn old_runs_are_removed() {
    let memory = place().await;
    let (looked, env) = (Looked::default(), Fake::new(1));
    process(&memory, 0, 1, &looked, &env).await.unwrap();
    let day = SignedDuration::from_hours(24);
    assert_eq!(sweep(&memory, "nightly-2", env.now() - day).await.unwrap(), 1);
    assert!(!memory.keys().iter().any(|key| key.contains("/old/")));
    assert_eq!(sweep(&memory, "nightly-1", env.now() + day).await.unwrap(), 0, "its own stays");
    assert_eq!(sweep(&memory, "nightly-2", env.now() + day).await.unwrap(), 1);
    assert!(!memory.keys().iter().any(|key| key.starts_with(FOLDER)));
    assert_eq!(State::stacks(&memory).await.unwrap().len(), STACKS);
}

#[test]
fn a_run_is_a_word() {
    let memory = Memory::new();
    for bad in ["", ".x", "a/b", "a b"] {
        assert_eq!(Run::new(&memory, bad).unwrap_err().kind(), ErrorKind::Usage, "{bad}");
    }
    assert!(Run::new(&memory, "infra-drift-28123456").is_ok());
}
