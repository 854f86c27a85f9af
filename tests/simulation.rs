//! One seed, one whole run of the real engine and the real state protocol in a fake world; and the same run again, cut
//! off at each of the moments at which it meets that world.
//!
//! A failure prints itself as a command that repeats it. `INFRA_SEED=33/1:crash@17` runs one case and prints its trace,
//! `INFRA_SEEDS=10000` runs more of them, `INFRA_CUTS=50` cuts each off at that many moments (`all`: at every one),
//! `INFRA_FROM=5000` begins there.

#![expect(clippy::unwrap_used, reason = "tests")]
#![allow(unreachable_pub, reason = "parts of one test")]

#[path = "simulation/case.rs"]
mod case;
#[path = "simulation/cloud.rs"]
mod cloud;
#[path = "simulation/kinds.rs"]
mod kinds;
#[path = "simulation/ledger.rs"]
mod ledger;
#[path = "simulation/process.rs"]
mod process;
#[path = "simulation/program.rs"]
mod program;
#[path = "simulation/run.rs"]
mod run;
#[path = "simulation/wire.rs"]
mod wire;
#[path = "simulation/world.rs"]
mod world;

use std::{
    env,
    io::{Write as _, stderr},
    panic,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use case::{Case, blow};
use process::{Blow, Cut};
use run::{Ran, run};
use world::{Chance, lock};

/// How many seeds an ordinary run of the tests has, and at how many moments each is cut off besides.
const SEEDS: u64 = 40;
const CUTS: u64 = 2;

fn number(name: &str, otherwise: u64) -> u64 {
    env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// Runs a case; a panic in it is something wrong, too.
fn tried(case: Case, tell: bool) -> Ran {
    panic::catch_unwind(|| run(case, tell)).unwrap_or_else(|panic| {
        let what = panic.downcast_ref::<String>().cloned();
        let wrong = vec![format!("panicked: {}", what.unwrap_or_default())];
        Ran { wrong, digest: 0, trace: String::new(), moments: vec![], calls: vec![], blows: 0 }
    })
}

/// The smallest case that fails like this one.
fn shrunk(case: Case) -> Case {
    let smaller =
        |case: Case| case.smaller().into_iter().find(|c| !tried(*c, false).wrong.is_empty());
    std::iter::successors(Some(case), |case| smaller(*case)).last().unwrap_or(case)
}

/// What went wrong, and how to see it again.
fn report(case: Case) -> String {
    let small = shrunk(case);
    let ran = tried(small, true);
    let lines: Vec<&str> = ran.trace.lines().collect();
    let tail = lines[lines.len().saturating_sub(60)..].join("\n");
    format!(
        "{tail}\n\n{}\n\ncase {case}; the whole of it: INFRA_SEED={small} cargo test -p infra-tests \
         --no-default-features --test simulation",
        ran.wrong.join("\n")
    )
}

/// Runs a seed, and runs it again cut off at some of its moments; gives how many blows were dealt, or the case that
/// failed.
fn seed(seed: u64, cuts: Option<u64>) -> Result<u64, Case> {
    let case = Case::of(seed);
    let plain = tried(case, false);
    if !plain.wrong.is_empty() {
        return Err(case);
    }
    let mut blows = plain.blows;
    let mut chance = Chance::new(seed ^ 0xc0de);
    let all = plain
        .moments
        .iter()
        .enumerate()
        .flat_map(|(command, moments)| (1..=*moments).map(move |at| (command, at)));
    let mut all: Vec<_> = all.collect();
    if let Some(cuts) = cuts {
        // Every other one while a call is on its way: nothing is harder.
        let some = (0..cuts).filter_map(|number| match chance.pick(&plain.calls) {
            Some((command, moment)) if number % 2 == 0 => {
                Some((*command, moment + 1 + chance.below(2)))
            }
            _ => chance.pick(&all).copied(),
        });
        all = some.collect();
    }
    for (number, (command, at)) in (0..).zip(all) {
        let blow =
            if cuts.is_none() || number % 2 == 0 { Blow::Crash } else { blow(seed + number) };
        let case = Case { cut: Some((command, Cut { at, blow })), ..case };
        let ran = tried(case, false);
        if !ran.wrong.is_empty() {
            return Err(case);
        }
        blows += ran.blows;
    }
    Ok(blows)
}

#[test]
fn whatever_happens_nothing_is_lost_and_nothing_is_done_twice() {
    if let Ok(case) = env::var("INFRA_SEED") {
        let ran = tried(case.parse().unwrap(), true);
        stderr().write_all(ran.trace.as_bytes()).unwrap();
        assert_eq!(ran.wrong, Vec::<String>::new());
        return;
    }
    let (from, count) = (number("INFRA_FROM", 0), number("INFRA_SEEDS", SEEDS));
    let cuts = match env::var("INFRA_CUTS").as_deref() {
        Ok("all") => None,
        _ => Some(number("INFRA_CUTS", CUTS)),
    };
    let (next, blows) = (AtomicU64::new(from), AtomicU64::new(0));
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= from + count || lock(&failed).len() >= 5 {
                        return;
                    }
                    match seed(at, cuts) {
                        Ok(dealt) => drop(blows.fetch_add(dealt, Ordering::Relaxed)),
                        Err(case) => lock(&failed).push(case),
                    }
                }
            });
        }
    });
    let failed = lock(&failed).clone();
    assert!(failed.is_empty(), "{}\nall that failed: {failed:?}", report(failed[0]));
    let blows = blows.into_inner();
    writeln!(stderr(), "simulation: {count} seeds, {blows} crashes and other blows").unwrap();
}

#[test]
fn a_seed_is_one_run() {
    for seed in 0..3 {
        let digests = [run(Case::of(seed), false).digest, run(Case::of(seed), true).digest];
        assert_eq!(digests[0], digests[1], "seed {seed}");
    }
}

#[test]
fn a_case_is_written_as_it_is_read() {
    for text in ["7", "7/0:crash@3", "7/2:table-lost@11/calm:5/commands:2"] {
        assert_eq!(text.parse::<Case>().unwrap().to_string(), text);
    }
    assert!("7/x".parse::<Case>().is_err());
}
